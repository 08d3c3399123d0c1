//! What a package's author should know although no peer refuses the package for it: addresses, the
//! server's name, certificates, and private keys.

use std::net::IpAddr;

use super::address::Address;
use super::json::Object;
use super::tls;
use super::values::Values;
use crate::findings::Finding;
use crate::layout::CONNECTION;

/// What the author of connection.json should know about its values and, if the time is given, in
/// seconds since 1970, about when its certificates expire.
pub fn of_values(values: &Values, now: Option<i64>) -> impl Iterator<Item = Finding> {
    let advice = [
        of_address(values),
        of_server_name(values),
        of_client(values),
    ];
    let certificates = now.map(|now| of_certificates(values, now));
    let advice = advice.into_iter().flatten();
    let advice = advice.chain(certificates.into_iter().flatten());
    advice.map(|advice| Finding::at(CONNECTION, advice))
}

/// A warning if the server's certificate is not for the name that the peer looks for, or seems not
/// to be.
pub fn of_server_name(values: &Values) -> Option<String> {
    if !values.is("tls_required") {
        return None;
    }
    let address = Address::parse(&values.text("address")?.text).ok()?;
    let host = address.host()?;
    let domain = values
        .text("domain")
        .filter(|domain| values.is("client_auth_required") && !domain.text.is_empty());
    let name = domain.map_or(host, |domain| &domain.text);
    let root_cert = &values.text("root_cert")?.text;
    let what = match (tls::own_certificate_is_for(root_cert, name), domain) {
        (Some(true), _) | (None, None) => return None,
        (Some(false), None) => {
            "root_cert: seems to be the server's own certificate, but none of its alternative names \
             (SAN) is the host in address: the peer would refuse it"
                .to_owned()
        }
        (Some(false), Some(domain)) => format!(
            "domain: root_cert seems to be the server's own certificate, but none of its alternative \
             names (SAN) is {}: from Fabric 3.0 on the peer would refuse it",
            domain.shown()
        ),
        (None, Some(_)) if name.eq_ignore_ascii_case(host) => return None,
        (None, Some(domain)) => format!(
            "domain: {} is not the host in address; from Fabric 3.0 on the server's certificate \
             must be for it, before that for the host",
            domain.shown()
        ),
    };
    Some(what)
}

fn of_client(values: &Values) -> Option<String> {
    let is_used = values.is("tls_required") && values.is("client_auth_required");
    let client_cert = values.text("client_cert").filter(|_| is_used)?;
    tls::is_not_for_client(&client_cert.text).then(|| {
        "client_cert: is not for a TLS client (extended key usage), so a server would refuse it; \
         issue one with clientAuth"
            .to_owned()
    })
}

/// A warning where a connection.json as the package has it holds a private key.
pub fn of_private_key(content: &[u8]) -> Option<Finding> {
    let object = Object::parse(content).ok()?;
    let holds = |name: &&str| {
        let text = object.string(name).unwrap_or_default();
        text.is_some_and(|text| tls::holds_private_key(text.as_bytes()))
    };
    let certificate = ["root_cert", "client_cert"].into_iter().find(holds);
    let text = match certificate {
        Some(name) => format!("{name}: {}; remove it here", tls::KEY_WITHIN),
        None if tls::holds_private_key(content) => {
            r#"a private key goes into the package; write "{{.client_key}}" for it, and "client_key": {"file": "/PATH"} in each peer's config"#.to_owned()
        }
        None => return None,
    };
    Some(Finding::at(CONNECTION, text))
}

fn of_address(values: &Values) -> Option<String> {
    let address = Address::parse(&values.text("address")?.text).ok()?;
    let Address::Host { host, port } = address else {
        return None;
    };
    let ip: Option<IpAddr> = host.parse().ok();
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    if ip.is_some_and(|ip| ip.is_unspecified()) || host.is_empty() {
        Some("address: is one to listen on; write the name by which a peer reaches the chaincode server".to_owned())
    } else if ip.is_some_and(|ip| ip.is_loopback())
        || name == "localhost"
        || name.ends_with(".localhost")
    {
        Some("address: is the peer's own machine, or in a container or pod only the peer itself; write the name by which a peer reaches the chaincode server".to_owned())
    } else {
        // Not 7052: a peer listens there, but so do many chaincode servers with a host of their
        // own.
        let owner = match port {
            7050 | 7053 => "an orderer's",
            7051 => "a peer's",
            7054 => "a CA's",
            _ => return None,
        };
        Some(format!(
            "address: port {port} is {owner} by default; write the chaincode server's"
        ))
    }
}

fn of_certificates(values: &Values, now: i64) -> Vec<String> {
    const SOON: i64 = 30 * 86_400;
    let text = |name: &str, by: &str| {
        let text = values
            .text(name)
            .filter(|_| values.is("tls_required") && values.is(by));
        text.map_or("", |text| text.text.as_str())
    };
    // Of several roots one is enough, but only the first certificate of a client is its own.
    let root = tls::expiries(text("root_cert", "tls_required")).max();
    let client = tls::expiries(text("client_cert", "client_auth_required")).next();
    let warning = |(name, expiry): (_, Option<tls::Time>)| {
        let tls::Time {
            seconds,
            day: [year, month, day],
        } = expiry?;
        let what = match seconds - now {
            ..0 => "expired",
            0..SOON => "expires",
            _ => return None,
        };
        Some(format!(
            "{name}: {what} on {year}-{month:02}-{day:02}; put a new certificate here"
        ))
    };
    [("root_cert", root), ("client_cert", client)]
        .into_iter()
        .filter_map(warning)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::template::Origin;
    use super::super::values::{Text, Value};
    use super::*;

    #[test]
    fn a_certificate_is_warned_of_for_thirty_days_and_ever_after() {
        let text = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/tls/P-256.pem"
        ));
        let expiry = tls::expiries(text).next().unwrap();
        let [year, month, day] = expiry.day;
        let warnings = |before: i64, is_tls| {
            let (text, origin) = (text.to_owned(), Origin::default());
            let values = Values(vec![
                ("tls_required", Value::Boolean(is_tls)),
                ("root_cert", Value::Text(Text { text, origin })),
            ]);
            of_certificates(&values, expiry.seconds - before)
        };
        let line = |what| {
            format!("root_cert: {what} on {year}-{month:02}-{day:02}; put a new certificate here")
        };
        let month = 30 * 24 * 3600;
        assert_eq!(warnings(month, true), [""; 0]);
        assert_eq!(warnings(month - 1, true), [line("expires")]);
        assert_eq!(warnings(0, true), [line("expires")]);
        assert_eq!(warnings(-1, true), [line("expired")]);
        assert_eq!(warnings(-1, false), [""; 0]);
    }
}
