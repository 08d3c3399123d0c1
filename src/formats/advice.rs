//! What a peer takes and yet seldom is meant: for the author of a package, who can still change it.

use std::net::IpAddr;

use super::address::host_and_port;
use super::tls;
use super::values::Values;

/// What its author should know about `address`.
pub fn of_address(values: &Values) -> Option<String> {
    let (host, port) = host_and_port(&values.text("address")?.text)?;
    let ip: Option<IpAddr> = host.parse().ok();
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    if ip.is_some_and(|ip| ip.is_unspecified()) || host.is_empty() {
        Some("address: is one to listen at, write the name at which a peer reaches the chaincode server".to_owned())
    } else if ip.is_some_and(|ip| ip.is_loopback())
        || name == "localhost"
        || name.ends_with(".localhost")
    {
        Some("address: is the peer's own machine, and in a container or pod the peer's alone; write the name at which a peer reaches the chaincode server".to_owned())
    } else {
        // Not 7052: a peer listens there, but so do many chaincode servers with a host of their own.
        let owner = match port {
            "7050" | "7053" => "an orderer's",
            "7051" => "a peer's",
            "7054" => "a CA's",
            _ => return None,
        };
        Some(format!(
            "address: port {port} is {owner} by default, write the chaincode server's"
        ))
    }
}

/// What its author should know about certificates, at the time `now` in seconds since 1970.
pub fn of_certificates(values: &Values, now: i64) -> Vec<String> {
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
            ..0 => "has expired",
            0..SOON => "expires",
            _ => return None,
        };
        Some(format!(
            "{name}: {what} on {year}-{month:02}-{day:02}, put a new certificate here"
        ))
    };
    [("root_cert", root), ("client_cert", client)]
        .into_iter()
        .filter_map(warning)
        .collect()
}

#[cfg(test)]
mod tests {
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
            let (text, shown) = (text.to_owned(), String::new());
            let values = Values(vec![
                ("tls_required", Value::Boolean(is_tls)),
                ("root_cert", Value::Text(Text { text, shown })),
            ]);
            of_certificates(&values, expiry.seconds - before)
        };
        let line = |what| {
            format!("root_cert: {what} on {year}-{month:02}-{day:02}, put a new certificate here")
        };
        let month = 30 * 24 * 3600;
        assert_eq!(warnings(month, true), [""; 0]);
        assert_eq!(warnings(month - 1, true), [line("expires")]);
        assert_eq!(warnings(0, true), [line("expires")]);
        assert_eq!(warnings(-1, true), [line("has expired")]);
        assert_eq!(warnings(-1, false), [""; 0]);
    }
}
