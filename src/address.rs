//! `address`: what the peer's gRPC dials, `host:port`.
//!
//! gRPC also takes a target with a resolver's name in front (`dns:///host:port`, `unix:/path`: gRPC Name Resolution). Such
//! addresses work with the Go builders, so they are taken here. The host is checked by the rules of Go's `net` package: an IPv4 address, an IPv6
//! address in brackets, or a name of at most 253 characters.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::{Result, anyhow, bail, ensure};

/// An address that the peer can dial, as it was written.
#[derive(Debug, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// When no dial to it can succeed: what follows the field's name in a message.
    pub fn parse(text: &str) -> Result<Self> {
        const EXAMPLE: &str = "write for example basic.example.com:9999";
        ensure!(!text.is_empty(), "is empty, {EXAMPLE}");
        check(text).map_err(|what| anyhow!(r#""{text}" {what}, {EXAMPLE}"#))?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check(text: &str) -> Result<()> {
    ensure!(!text.contains(char::is_whitespace), "holds white space");
    if let Some(socket) = text
        .strip_prefix("unix:")
        .or_else(|| text.strip_prefix("unix-abstract:"))
    {
        ensure!(
            !socket.trim_start_matches('/').is_empty(),
            "has no path of a socket"
        );
        return Ok(());
    }
    let target = match text.split_once("://") {
        None => text.strip_prefix("dns:").unwrap_or(text),
        Some(("dns" | "passthrough", target)) => target
            .split_once('/')
            .map_or(target, |(_authority, host)| host),
        Some(_) => bail!("is a URL, not host:port"),
    };
    let (host, port) = match target.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest
                .split_once(']')
                .ok_or_else(|| anyhow!("has a [ without ]"))?;
            let address = host
                .split_once('%')
                .map_or(host, |(address, _zone)| address);
            ensure!(
                address.parse::<Ipv6Addr>().is_ok(),
                "has no IPv6 address in its brackets"
            );
            (None, port.strip_prefix(':'))
        }
        None => match target.rsplit_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(target), None),
        },
    };
    let port = port.ok_or_else(|| anyhow!("has no port"))?;
    if let Some(host) = host {
        ensure!(!host.contains(':'), "has an IPv6 address without brackets");
        ensure!(
            host.is_empty() || is_host(host),
            "has a host that no name server knows"
        );
    }
    ensure!(!port.is_empty(), "has no port");
    ensure!(
        port.bytes().all(|digit| digit.is_ascii_digit()),
        "has a port that is not a number"
    );
    let number: u16 = port
        .parse()
        .map_err(|_| anyhow!("has a port above 65535"))?;
    ensure!(number != 0, "has port 0");
    Ok(())
}

/// Whether Go would look the host up: an IPv4 address, or a name by the rules of its `net.isDomainName`.
fn is_host(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_number = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    host.parse::<Ipv4Addr>().is_ok()
        || (name.len() <= 253 && name.split('.').all(is_label) && !is_number(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_peer_can_dial() {
        for text in [
            "basic.example.com:9999",
            "org1_peer1_basic_ccaas:9999",
            "localhost:1",
            "127.0.0.1:65535",
            "[::1]:9999",
            "[fe80::1%eth0]:9999",
            ":9999",
            "example.com.:9999",
            "1a:80",
            "a:09999",
            "dns:///basic:9999",
            "dns://10.0.0.53/basic:9999",
            "passthrough:///127.0.0.1:9999",
            "dns:basic:9999",
            "xn--caf-dma.example:1",
            "unix:///run/basic.sock",
            "unix:basic.sock",
            "unix-abstract:basic",
        ] {
            assert_eq!(Address::parse(text).map(|a| a.to_string()).unwrap(), text);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, what) in [
            ("basic", "has no port"),
            ("basic:", "has no port"),
            ("[::1]", "has no port"),
            ("[::1]9999", "has no port"),
            ("basic:0", "has port 0"),
            ("basic:65536", "has a port above 65535"),
            ("basic:99999999999999999999", "has a port above 65535"),
            ("basic:-1", "has a port that is not a number"),
            ("basic:port", "has a port that is not a number"),
            ("http://basic:9999", "is a URL, not host:port"),
            ("https://basic:9999/", "is a URL, not host:port"),
            ("grpc://basic:9999", "is a URL, not host:port"),
            ("basic:9999/", "has a port that is not a number"),
            ("basic:9999/a:1", "has an IPv6 address without brackets"),
            ("ba sic:9999", "holds white space"),
            (" basic:9999", "holds white space"),
            ("basic:9999\n", "holds white space"),
            ("[::1:9999", "has a [ without ]"),
            ("[basic]:9999", "has no IPv6 address in its brackets"),
            ("[]:9999", "has no IPv6 address in its brackets"),
            ("::1:9999", "has an IPv6 address without brackets"),
            ("10.0.0.256:9999", "has a host that no name server knows"),
            ("12:9999", "has a host that no name server knows"),
            ("a..b:9999", "has a host that no name server knows"),
            ("unix://", "has no path of a socket"),
            ("-a:9999", "has a host that no name server knows"),
            ("user@basic:9999", "has a host that no name server knows"),
            ("{{.peer}}:9999", "has a host that no name server knows"),
        ] {
            let message = format!(r#""{text}" {what}, write for example basic.example.com:9999"#);
            assert_eq!(Address::parse(text).unwrap_err().to_string(), message);
        }
        assert!(
            Address::parse("")
                .unwrap_err()
                .to_string()
                .starts_with("is empty, ")
        );
        let long = format!("{}a:1", "a.".repeat(126));
        assert!(Address::parse(&long).is_ok());
        assert!(Address::parse(&format!("a{long}")).is_err());
    }
}
