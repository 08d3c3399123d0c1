//! The peer's rules once more, written from its behaviour and not from our code: what a peer accepts at the first invoke.
//! Slow and simple; the property tests hold the program against it.

use serde_json::Value;

/// Whether a peer would dial with this connection.json, as a builder wrote it.
pub fn peer_takes(connection: &str) -> Result<(), String> {
    let Ok(Value::Object(fields)) = serde_json::from_str(connection) else {
        return Err("not an object".into());
    };
    let text = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(format!("{name}: not a string")),
    };
    let truth = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(truth)) => Ok(*truth),
        Some(_) => Err(format!("{name}: not a boolean")),
    };
    peer_dials(text("address")?)?;
    text("domain")?;
    match fields.get("dial_timeout") {
        None => {}
        Some(Value::String(text)) => drop(
            nanoseconds(text)
                .filter(|&time| time >= 0)
                .ok_or("dial_timeout")?,
        ),
        Some(Value::Number(number)) if number.as_f64().is_some_and(|time| time >= 0.0) => {}
        Some(_) => return Err("dial_timeout: neither string nor number".into()),
    }
    let [root, key, certificate] = [
        text("root_cert")?,
        text("client_key")?,
        text("client_cert")?,
    ];
    if truth("tls_required")? {
        let holds = |pem: &str, label: &str| pem.contains("-----BEGIN ") && pem.contains(label);
        if !holds(root, "CERTIFICATE-----") {
            return Err("root_cert".into());
        }
        if truth("client_auth_required")?
            && !(holds(key, "PRIVATE KEY-----") && holds(certificate, "CERTIFICATE-----"))
        {
            return Err("client_key or client_cert".into());
        }
    } else {
        truth("client_auth_required")?;
    }
    Ok(())
}

/// Whether Go could dial the address: host and port, or a target with a resolver.
pub fn peer_dials(address: &str) -> Result<(), String> {
    if let Some((_, socket)) = address
        .split_once(':')
        .filter(|(scheme, _)| scheme.starts_with("unix"))
    {
        let has_authority = socket.starts_with("//") && !socket.starts_with("///");
        return if has_authority || socket.is_empty() {
            Err("socket".into())
        } else {
            Ok(())
        };
    }
    let target = match address.find("://") {
        Some(end) if ["dns", "passthrough"].contains(&&address[..end]) => {
            let rest = &address[end + 3..];
            rest.find('/').map_or(rest, |slash| &rest[slash + 1..])
        }
        Some(_) => return Err("a URL".into()),
        None => address.strip_prefix("dns:").unwrap_or(address),
    };
    let (host, port) = target.rsplit_once(':').ok_or("no port")?;
    if port
        .parse::<u32>()
        .map_or(true, |port| !(1..=65535).contains(&port))
    {
        return Err("port".into());
    }
    let bracketed = host.starts_with('[') && host.ends_with(']');
    if host.contains([' ', '/', '\n', '\t', '{', '}', '@']) || (host.contains(':') && !bracketed) {
        return Err("host".into());
    }
    Ok(())
}

/// What Go's `time.ParseDuration` makes of a text, in nanoseconds.
pub fn nanoseconds(text: &str) -> Option<i128> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if text == "0" {
        return Some(0);
    }
    let mut letters = text.chars().peekable();
    let mut total = 0_i128;
    letters.peek()?;
    while letters.peek().is_some() {
        let mut number = String::new();
        while let Some(letter) = letters.next_if(|letter| letter.is_ascii_digit() || *letter == '.')
        {
            number.push(letter);
        }
        let mut unit = String::new();
        while let Some(letter) =
            letters.next_if(|letter| !letter.is_ascii_digit() && *letter != '.')
        {
            unit.push(letter);
        }
        if number.matches('.').count() > 1
            || !number.contains(|letter: char| letter.is_ascii_digit())
        {
            return None;
        }
        let scale = match unit.as_str() {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000_i128,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
        let whole: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        let mut part = scale;
        total += whole.checked_mul(scale)?;
        // Digit by digit, so that nothing is lost before the end.
        let mut below = 0_i128;
        for digit in fraction.bytes().take(15) {
            part *= 10;
            below = below * 10 + i128::from(digit - b'0') * scale;
        }
        if part != scale {
            total += below / (part / scale);
        }
        if total > 1 << 63 {
            return None;
        }
    }
    let total = sign * total;
    i64::try_from(total).is_ok().then_some(total)
}

/// Whether Fabric's checker takes an index definition.
pub fn fabric_takes_index(definition: &str) -> bool {
    let Ok(Value::Object(definition)) = serde_json::from_str(definition) else {
        return false;
    };
    definition.contains_key("index")
        && definition
            .iter()
            .all(|(key, value)| match (key.as_str(), value) {
                ("index", Value::Object(index)) => {
                    index
                        .iter()
                        .all(|(key, value)| match (key.as_str(), value) {
                            ("fields", Value::Array(fields)) => {
                                fields.iter().all(|field| match field {
                                    Value::String(_) => true,
                                    Value::Object(sorts) => sorts.values().all(|sort| {
                                        sort.as_str().is_some_and(|sort| {
                                            ["asc", "desc"].contains(&sort.to_lowercase().as_str())
                                        })
                                    }),
                                    _ => false,
                                })
                            }
                            ("partial_filter_selector", _) => true,
                            _ => false,
                        })
                }
                ("ddoc" | "name", value) => value.is_string(),
                ("type", value) => value == "json",
                _ => false,
            })
}
