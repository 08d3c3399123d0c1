//! A second version of the peer's rules, written from its behaviour and not from our code: what a
//! peer accepts at the first invoke. Slow and simple; the property tests compare the program with
//! it.

use serde_json::Value;

use super::peer::tls;

/// The fixtures' certificates that Go can read, each with the key of the first certificate in it.
const CERTIFICATES: [(&str, &str); 5] = [
    ("P-256.pem", "P-256.key"),
    ("chain.pem", "P-256.key"),
    ("rsa.pem", "rsa.key"),
    ("ed25519.pem", "ed25519.key"),
    ("v1.pem", "rsa.key"),
];

/// The first block of PEM with this label.
fn block<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let block = &text[text.find(&begin)?..];
    Some(&block[..block.find(&end)? + end.len()])
}

/// Whether Go's `AppendCertsFromPEM` finds one of the fixtures' certificates.
fn has_certificate(text: &str) -> bool {
    CERTIFICATES.iter().any(|(certificate, _)| {
        let certificate = tls(certificate);
        block(&certificate, "CERTIFICATE").is_some_and(|block| text.contains(block))
    })
}

/// Whether Go's `X509KeyPair` accepts a certificate and a key from the fixtures.
fn is_key_pair(certificate: &str, key: &str) -> bool {
    let same = |text: &str, fixture: &str, label: &str| {
        let found = block(text, label);
        found.is_some() && found == block(&tls(fixture), label)
    };
    CERTIFICATES.iter().any(|(of_certificate, of_key)| {
        same(certificate, of_certificate, "CERTIFICATE") && same(key, of_key, "PRIVATE KEY")
    })
}

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
                .filter(|&time| is_enough(time))
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
        if !has_certificate(root) {
            return Err("root_cert".into());
        }
        if truth("client_auth_required")? && !is_key_pair(certificate, key) {
            return Err("client_key or client_cert".into());
        }
    } else {
        truth("client_auth_required")?;
    }
    Ok(())
}

/// Whether Go's `net/url`, through which gRPC reads an address, reads all of it: no control
/// characters, escapes of two digits, and nothing after a question mark or number sign.
fn is_read_whole(address: &str) -> bool {
    let bytes = address.as_bytes();
    let is_hex = |place: usize| bytes.get(place).is_some_and(u8::is_ascii_hexdigit);
    bytes.iter().enumerate().all(|(place, byte)| match byte {
        b'%' => is_hex(place + 1) && is_hex(place + 2),
        b'?' | b'#' | 0..32 | 127 => false,
        _ => true,
    })
}

/// Whether Go could dial the address: a host and port, or a target with a resolver.
pub fn peer_dials(address: &str) -> Result<(), String> {
    if !is_read_whole(address) {
        return Err("not a URL".into());
    }
    // The letter case of a URL's scheme does not matter.
    let address = &match address.split_once(':') {
        Some((scheme, rest)) => format!("{}:{rest}", scheme.to_lowercase()),
        None => return Err("no port".into()),
    };
    if let Some((_, socket)) = address
        .split_once(':')
        .filter(|(scheme, _)| scheme.starts_with("unix"))
    {
        let has_authority = socket.starts_with("//") && !socket.starts_with("///");
        return if has_authority || socket.is_empty() || socket.len() > 109 {
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
        None => ["dns:", "passthrough:"]
            .iter()
            .find_map(|scheme| address.strip_prefix(scheme))
            .unwrap_or(address),
    };
    let is_looked_up = address.starts_with("dns:");
    if is_looked_up && target.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(());
    }
    // gRPC's resolver has a default port.
    let (host, port) = match target.rsplit_once(':') {
        Some((host, port)) if !(is_looked_up && target.ends_with(']')) => (host, port),
        _ if is_looked_up && !target.is_empty() => (target, "443"),
        _ => return Err("no port".into()),
    };
    // Every system knows these two names.
    let is_named = ["http", "https"].contains(&port);
    let number = port.parse::<u32>();
    if !is_named && number.map_or(true, |port| !(1..=65535).contains(&port)) {
        return Err("port".into());
    }
    let bracketed = host.starts_with('[') && host.ends_with(']');
    if host.contains([' ', '/', '\n', '\t', '{', '}', '@']) || (host.contains(':') && !bracketed) {
        return Err("host".into());
    }
    Ok(())
}

/// Whether a peer can request a connection in this many nanoseconds; 0 means its default.
pub fn is_enough(time: i128) -> bool {
    time == 0 || time >= 1000
}

/// The nanoseconds that Go's `time.ParseDuration` reads from a text.
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
        // Digit by digit, so that nothing is rounded before the end.
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

/// Whether an index definition may be published: no version of `CouchDB` is certain to refuse it or
/// to be harmed by it. The selector is normalised as in `CouchDB`: its paths are joined, then split
/// again.
pub fn couchdb_may_have(definition: &str) -> bool {
    let Ok(Value::Object(definition)) = serde_json::from_str(definition) else {
        return false;
    };
    let is_name = |value: &Value| value.is_string();
    let are_known = definition.iter().all(|(key, value)| match key.as_str() {
        "index" => true,
        "ddoc" => is_name(value) && value != "" && value != "_design/",
        "name" => is_name(value) && value != "lib",
        "type" => value == "json",
        "w" => value.as_u64().is_some_and(|w| w > 0),
        "partitioned" => value == &Value::Bool(false),
        _ => false,
    });
    let Some(Value::Object(index)) = definition.get("index") else {
        return false;
    };
    let Some(Value::Array(fields)) = index.get("fields") else {
        return false;
    };
    let sorts: Option<Vec<(&str, &str)>> = fields
        .iter()
        .map(|field| match field {
            Value::String(name) => Some((name.as_str(), "asc")),
            Value::Object(sort) if sort.len() == 1 => {
                let (name, direction) = sort.iter().next()?;
                Some((name.as_str(), direction.as_str()?))
            }
            _ => None,
        })
        .collect();
    let Some(sorts) = sorts else { return false };
    let all = |direction| sorts.iter().all(|sort| sort.1 == direction);
    let may_have_selector = match index.get("partial_filter_selector") {
        None => index.len() == 1,
        Some(Value::Object(selector)) => {
            let mut looked_up = Vec::new();
            index.len() == 2
                && (selector.is_empty()
                    || normalize(&selector.clone().into(), "", true, &mut looked_up))
                && looked_up.iter().all(|path| is_path(path))
        }
        Some(_) => false,
    };
    are_known
        && (all("asc") || all("desc"))
        && sorts.iter().all(|sort| is_path(sort.0))
        && may_have_selector
}

/// Whether a path has no empty part; a dot after a backslash does not divide it.
fn is_path(path: &str) -> bool {
    let letters: Vec<char> = path.chars().collect();
    let divides =
        |place: usize| letters[place] == '.' && (place == 0 || letters[place - 1] != '\\');
    let mut ends: Vec<usize> = (0..letters.len()).filter(|place| divides(*place)).collect();
    ends.push(letters.len());
    let mut start = 0;
    ends.into_iter().all(|end| {
        let is_some = end > start;
        start = end + 1;
        is_some
    })
}

/// Whether every operator has an argument of its kind. The paths that are certainly looked up are
/// added to `looked_up`.
fn normalize(condition: &Value, path: &str, is_certain: bool, looked_up: &mut Vec<String>) -> bool {
    let mut look_up = || {
        // Without a field it is about the document or, in an array, about its elements.
        if is_certain && !path.is_empty() {
            looked_up.push(path.to_owned());
        }
    };
    let Value::Object(members) = condition else {
        look_up();
        return true;
    };
    if members.is_empty() {
        look_up();
    }
    members.iter().all(|(key, argument)| {
        let integer = |value: &Value| value.is_i64() || value.is_u64();
        let is_right = match key.strip_prefix('$') {
            None => {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                return normalize(argument, &path, is_certain, looked_up);
            }
            Some("and" | "or" | "nor") => {
                let Value::Array(all) = argument else {
                    return false;
                };
                let is_certain = is_certain && key == "$and";
                return all
                    .iter()
                    .all(|one| normalize(one, path, is_certain, looked_up));
            }
            Some("not") => {
                return argument.is_object() && normalize(argument, path, false, looked_up);
            }
            Some("elemMatch" | "allMatch" | "keyMapMatch") => {
                argument.is_object() && normalize(argument, "", false, &mut Vec::new())
            }
            Some("in" | "nin" | "all") => argument.is_array(),
            Some("exists") => argument.is_boolean(),
            Some("type" | "regex" | "beginsWith") => argument.is_string(),
            Some("mod") => argument
                .as_array()
                .is_some_and(|pair| pair.len() == 2 && pair.iter().all(integer)),
            Some("size") => argument.as_u64().is_some(),
            Some("lt" | "lte" | "eq" | "ne" | "gte" | "gt") => true,
            // Text searches and what no version knows: CouchDB decides.
            Some(_) => return true,
        };
        if is_certain && !path.is_empty() {
            looked_up.push(path.to_owned());
        }
        is_right
    })
}

/// The package type and label that a peer reads from a metadata.json.
pub fn peer_reads_metadata(metadata: &str) -> Option<(String, String)> {
    let Ok(Value::Object(fields)) = serde_json::from_str(metadata) else {
        return None;
    };
    let text = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => None,
    };
    text("path")?;
    Some((text("type")?, text("label")?))
}

/// Whether Fabric accepts a label: `^[[:alnum:]][[:alnum:]_.+-]*$`.
pub fn is_label(label: &str) -> bool {
    let mut letters = label.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || "_.+-".contains(letter))
}

/// What `sha256sum --check --strict` would compare: a digest and a path per line, as described in
/// coreutils' manual.
pub fn checked_by_sha256sum(sums: &str) -> Option<Vec<(String, String)>> {
    sums.strip_suffix('\n')?
        .split('\n')
        .map(|line| {
            let escaped = line.starts_with('\\');
            let line = &line[usize::from(escaped)..];
            let (digest, path) = (line.get(..64)?, line.get(64..)?.strip_prefix("  ")?);
            let path = if escaped {
                path.replace("\\\\", "\\")
            } else {
                path.to_owned()
            };
            let is_hex = digest.chars().all(|digit| digit.is_ascii_hexdigit());
            (is_hex && !path.is_empty()).then(|| (path, digest.to_owned()))
        })
        .collect()
}
