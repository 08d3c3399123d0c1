//! `address`: what the peer's gRPC dials, `host:port`.
//!
//! gRPC also accepts a target that begins with the name of a resolver (gRPC Name Resolution:
//! `dns:///host:port`, `unix:/path`). Such addresses work with the Go builders, so they are
//! accepted here. Hosts follow the rules of Go's `net` package: an IPv4 address, an IPv6 address in
//! brackets, or a name of at most 253 characters.

use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::{Context, Result, bail, ensure};

use crate::text::is_unsafe;

/// The longest path of a socket, in bytes: `sun_path` of unix(7) has one more, for a null byte.
const MAX_SOCKET: usize = 107;

/// What the peer dials.
#[derive(Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Socket,
    /// A name or IP address without brackets; none means this machine, as in Go.
    Host {
        /// The name or IP address.
        host: String,
        /// A number above zero.
        port: u16,
    },
}

impl Address {
    /// The host whose name the peer looks for in the server's certificate.
    pub(crate) fn host(&self) -> Option<&str> {
        match self {
            Self::Host { host, .. } if is_server_name(host) => Some(host),
            _ => None,
        }
    }

    /// Parses an address. The error says why no dial to it can succeed.
    pub fn parse(text: &str) -> Result<Self> {
        ensure!(!text.is_empty(), "is empty");
        ensure!(!text.contains(char::is_whitespace), "contains white space");
        ensure!(!text.contains(is_unsafe), "contains a control character");
        let (scheme, rest) = text.split_once(':').context("has no port")?;
        // Go's URL parser lower-cases a scheme, even one that is meant as a host.
        let scheme = scheme.to_ascii_lowercase();
        match (scheme.as_str(), rest.strip_prefix("//")) {
            ("unix" | "unix-abstract", _) => parse_socket(&scheme, rest),
            ("dns", Some(target)) => parse_looked_up(after_name_server(target)?),
            ("passthrough", Some(target)) => parse_host_port(after_name_server(target)?),
            ("dns" | "passthrough", None) => {
                let path = rest.strip_prefix('/');
                // Only a path is unescaped in such a URL.
                let is_plain = path.is_some() || !rest.contains('%');
                ensure!(is_plain, "has a % without /// after {scheme}:");
                match (&*scheme, path.unwrap_or(rest)) {
                    ("dns", target) => parse_looked_up(target),
                    (_, target) => parse_host_port(target),
                }
            }
            (_, Some(_)) => bail!("is a URL, not host:port"),
            (_, None) => parse_host_port(text),
        }
    }
}

/// Whether a text becomes an address with this `port`.
pub fn lacks(text: &str, port: &str) -> bool {
    !text.is_empty() && Address::parse(&format!("{text}{port}")).is_ok()
}

/// What to write instead of a text that is not an address. It can quote the text.
pub fn advice(text: &str) -> String {
    match suggestion(text) {
        Some(address) => format!("write {address}"),
        None if is_of_a_shell(text) || text.contains('{') && !text.contains("{{") => {
            "write a template such as {{.peername}}".to_owned()
        }
        None => "write for example basic.example.com:9999".to_owned(),
    }
}

/// Whether a text has a shell variable, including one of Windows.
fn is_of_a_shell(text: &str) -> bool {
    text.contains('$') || text.matches('%').count() > 1 && !text.contains('[')
}

/// The address that was probably meant. It is safe to show, because only an address that a peer can
/// dial is suggested.
fn suggestion(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let (scheme, bare) = trimmed.split_once("://").unwrap_or(("", trimmed));
    let address = match &*scheme.to_ascii_lowercase() {
        "unix" => format!("unix:/{bare}"),
        scheme @ ("dns" | "passthrough") => format!("{scheme}:///{bare}"),
        _ => {
            // The rest of such a target is not a path.
            let lower = bare.to_ascii_lowercase();
            let is_target = ["dns:", "passthrough:"]
                .iter()
                .any(|name| lower.starts_with(name));
            let bare = bare.split(['/', ',', ';']).next().filter(|_| !is_target)?;
            let bare = bare.rsplit('@').next()?;
            let ipv6 = bare.trim_start_matches('[');
            let (host, port) = ipv6.rsplit_once(':')?;
            match (is_ipv6(host), is_ipv6(ipv6)) {
                (true, _) => format!("[{host}]:{port}"),
                (_, true) => format!("[{ipv6}]:9999"),
                _ => bare.to_owned(),
            }
        }
    };
    Address::parse(&address).is_ok().then_some(address)
}

fn parse_socket(scheme: &str, socket: &str) -> Result<Address> {
    let path = socket.strip_prefix("//").unwrap_or(socket);
    // Two slashes start an authority, which these two resolvers do not support.
    ensure!(
        !path.trim_start_matches('/').is_empty() && (path == socket || path.starts_with('/')),
        "has no socket path after {scheme}:"
    );
    // Go's URL parser would end the path at a ? or #.
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    ensure!(
        !path.contains(['?', '#']) && path.split('%').skip(1).all(is_escape),
        "has a path with ? or #, or a % that is not a URL escape"
    );
    // Only a path that begins with a slash is unescaped.
    let escapes = path
        .strip_prefix('/')
        .map_or(0, |path| path.matches('%').count());
    ensure!(
        path.len() - 2 * escapes <= MAX_SOCKET,
        "has a socket path of more than {MAX_SOCKET} bytes"
    );
    Ok(Address::Socket)
}

/// What comes after a URL's `//SERVER/`. Without a server, the default one looks up names.
fn after_name_server(target: &str) -> Result<&str> {
    let parts = target.split_once('/');
    let (server, path) = parts.context("has two slashes where three are needed")?;
    let host_port = with_port(server, 53);
    // A URL's port is a number.
    let is_server = |(host, port): (_, &str)| {
        is_server_name(host) && parse_port(port).is_ok() && !port.starts_with("http")
    };
    ensure!(
        server.is_empty() || split(&host_port).is_ok_and(is_server),
        "has no valid name server between its slashes"
    );
    Ok(path)
}

/// Parses a target of gRPC's resolver `dns`, whose port is optional (grpc-go:
/// `internal/resolver/dns`, `parseTarget`).
fn parse_looked_up(target: &str) -> Result<Address> {
    const PORT: u16 = 443;
    ensure!(!target.is_empty(), "has no host");
    if is_ipv6(target) {
        return parse_host_port(&format!("[{target}]:{PORT}"));
    }
    parse_host_port(&with_port(target, PORT))
}

/// A host and its port, or the port `default` if it has none.
fn with_port(host_port: &str, default: u16) -> String {
    if host_port.ends_with(']') || !host_port.contains(':') {
        return format!("{host_port}:{default}");
    }
    host_port.to_owned()
}

fn parse_host_port(host_port: &str) -> Result<Address> {
    let has_variable = is_of_a_shell(host_port);
    ensure!(
        !has_variable,
        "has a shell variable, which nothing fills in"
    );
    ensure!(!host_port.contains([',', ';']), "has more than one address");
    ensure!(!host_port.contains('@'), "has a user before @");
    let (host, port) = split(host_port)?;
    let mut address = host;
    if let Some((before, zone)) = host.split_once('%') {
        // gRPC parses the whole address as a URL before it dials (RFC 3986, section 2.3).
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let zone = zone.strip_prefix("25");
        let zone = zone.context("has a % that is not written as %25")?;
        ensure!(
            !zone.is_empty() && zone.bytes().all(is_unreserved),
            "has a zone after %25 with characters other than letters, digits, - . _ and ~"
        );
        address = before;
    }
    ensure!(
        host.is_empty() || is_ipv6(address) || is_host(host),
        "has an invalid host name"
    );
    Ok(Address::Host {
        host: host.replace("%25", "%"),
        port: parse_port(port)?,
    })
}

/// The host, without its brackets, and the port.
fn split(host_port: &str) -> Result<(&str, &str)> {
    if let Some(rest) = host_port.strip_prefix('[') {
        let (host, port) = rest.split_once(']').context("has a [ without ]")?;
        return Ok((host, port.strip_prefix(':').context("has no port")?));
    }
    let (host, port) = host_port.rsplit_once(':').context("has no port")?;
    ensure!(
        !is_ipv6(host) && !is_ipv6(host_port),
        "has an IPv6 address without brackets"
    );
    ensure!(!host.contains(':'), "has more than one colon");
    Ok((host, port))
}

/// Parses a port: a number, or one of the two names that Go knows without asking the system.
fn parse_port(port: &str) -> Result<u16> {
    match port {
        "http" => return Ok(80),
        "https" => return Ok(443),
        _ => ensure!(!port.is_empty(), "has no port after its colon"),
    }
    let is_number = port.bytes().all(|digit| digit.is_ascii_digit());
    ensure!(is_number, "has a port that is not a number");
    let number: u16 = port.parse().context("has a port above 65535")?;
    ensure!(number != 0, "has port 0");
    Ok(number)
}

/// Whether a certificate can be for this name: a host name or an IP address.
pub fn is_server_name(name: &str) -> bool {
    is_host(name) || is_ipv6(name)
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

/// Whether Go accepts the host: an IPv4 address, or a name that passes its `net.isDomainName`.
fn is_host(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_label = |label: &str| {
        let is_short = (1..=63).contains(&label.len());
        is_short && label.bytes().all(is_inner) && label.trim_matches('-') == label
    };
    let is_number = name.bytes().all(|byte| b"0123456789.".contains(&byte));
    host.parse::<Ipv4Addr>().is_ok()
        || (name.len() <= 253 && name.split('.').all(is_label) && !is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_peer_can_dial() {
        for text in [
            "basic.example.com:9999",
            "org1_peer1_basic_ccaas:9999",
            "localhost:1",
            "127.0.0.1:65535",
            "[::1]:9999",
            "[fe80::1%25eth0]:9999",
            "[127.0.0.1]:9999",
            "[basic]:9999",
            "basic:http",
            ":9999",
            "example.com.:9999",
            "1a:80",
            "a:09999",
            "dns:///basic:9999",
            "dns://10.0.0.53/basic:9999",
            "dns://10.0.0.53:5353/basic:9999",
            "dns://[::1]/basic:9999",
            "dns://[::1]:53/basic:9999",
            "[fe80::1%25br-lan.100]:1",
            "unix:/run/a%20b",
            "passthrough:///127.0.0.1:9999",
            "dns:basic:9999",
            "dns:basic",
            "dns:///basic",
            "dns:///10.0.0.1",
            "dns:///::1",
            "DNS:///basic:9999",
            "Unix:/run/a",
            "dns:///[::1]",
            "dns://[::1]/basic",
            "xn--caf-dma.example:1",
            "unix:///run/basic.sock",
            "unix:basic.sock",
            "unix-abstract:basic",
        ] {
            assert!(Address::parse(text).is_ok(), "{text}");
        }
    }

    const ZONE: &str =
        "has a zone after %25 with characters other than letters, digits, - . _ and ~";

    #[test]
    fn a_target_is_a_socket_or_a_host_and_port() {
        let target = |text: &str| Address::parse(text).unwrap();
        for text in ["unix:/run/a:1", "Unix:a:1", "UNIX-abstract:a:1"] {
            assert_eq!(target(text), Address::Socket, "{text}");
        }
        for (text, host, port) in [
            ("unixhost:1", "unixhost", 1),
            ("basic:http", "basic", 80),
            (":9999", "", 9999),
            ("a:09999", "a", 9999),
            ("[::1]:1", "::1", 1),
            ("[fe80::1%25eth0]:1", "fe80::1%eth0", 1),
            ("dns:basic", "basic", 443),
            ("dns:basic:1", "basic", 1),
            ("dns:///basic", "basic", 443),
            ("DNS://10.0.0.53:5353/basic:https", "basic", 443),
            ("dns:///::1", "::1", 443),
            ("dns:///[::1]", "::1", 443),
            ("passthrough:///10.0.0.1:1", "10.0.0.1", 1),
            ("passthrough:basic:1", "basic", 1),
            ("passthrough:/basic:1", "basic", 1),
            ("dns:/basic", "basic", 443),
            ("dns:/[fe80::1%25eth0]:1", "fe80::1%eth0", 1),
        ] {
            let host = host.to_owned();
            assert_eq!(target(text), Address::Host { host, port }, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, what) in [
            ("basic", "has no port"),
            ("basic:", "has no port after its colon"),
            ("[::1]", "has no port"),
            ("[::1]9999", "has no port"),
            ("basic:0", "has port 0"),
            ("basic:65536", "has a port above 65535"),
            ("basic:99999999999999999999", "has a port above 65535"),
            ("basic:-1", "has a port that is not a number"),
            ("basic:port", "has a port that is not a number"),
            ("ba sic:9999", "contains white space"),
            ("[fe80::1%eth0]:9999", "has a % that is not written as %25"),
            ("[fe80::1%25]:1", ZONE),
            ("[fe80::1%25a%zz]:1", ZONE),
            ("[::1%25a?b]:1", ZONE),
            ("[::1%25a#b]:1", ZONE),
            ("[::1%25{{.x}}]:1", ZONE),
            ("[fe80::1%25e\0]:1", "contains a control character"),
            ("unix:\0", "contains a control character"),
            (
                "unix:%zz",
                "has a path with ? or #, or a % that is not a URL escape",
            ),
            (
                "unix:/a?b",
                "has a path with ? or #, or a % that is not a URL escape",
            ),
            (
                "dns://%zz/a:1",
                "has no valid name server between its slashes",
            ),
            (
                "dns://::1/a:1",
                "has no valid name server between its slashes",
            ),
            (
                "dns://a:0/a:1",
                "has no valid name server between its slashes",
            ),
            (
                "dns://a:http/a:1",
                "has no valid name server between its slashes",
            ),
            ("DNS:9999", "has an invalid host name"),
            ("Passthrough:9999", "has no port"),
            (
                "dns:[fe80::1%25eth0]:9999",
                "has a % without /// after dns:",
            ),
            ("dns://a b/a:1", "contains white space"),
            ("[::g]:9999", "has an invalid host name"),
            ("10.0.0.256:9999", "has an invalid host name"),
            ("12:9999", "has an invalid host name"),
            ("a..b:9999", "has an invalid host name"),
            ("unix://", "has no socket path after unix:"),
            ("unix:", "has no socket path after unix:"),
            ("dns:////basic:9999", "has an invalid host name"),
            ("Dns:a/b:1", "has an invalid host name"),
            ("dns:basic,a:9999", "has more than one address"),
            ("passthrough:", "has no port"),
            (
                "passthrough:[fe80::1%25eth0]:9999",
                "has a % without /// after passthrough:",
            ),
            ("-a:9999", "has an invalid host name"),
            ("{{.peer}}:9999", "has an invalid host name"),
        ] {
            assert_eq!(Address::parse(text).unwrap_err().to_string(), what);
            assert_eq!(advice(text), "write for example basic.example.com:9999");
        }
        assert_eq!(Address::parse("").unwrap_err().to_string(), "is empty");
        let long = format!("{}a:1", "a.".repeat(126));
        assert!(Address::parse(&long).is_ok());
        assert!(Address::parse(&format!("a{long}")).is_err());
    }

    #[test]
    fn says_what_was_meant() {
        for (text, message) in [
            (
                "http://basic:9999",
                "is a URL, not host:port; write basic:9999",
            ),
            (
                "https://basic:9999/",
                "is a URL, not host:port; write basic:9999",
            ),
            (
                "grpc://basic:9999/a",
                "is a URL, not host:port; write basic:9999",
            ),
            (
                "basic:9999/",
                "has a port that is not a number; write basic:9999",
            ),
            (
                "basic:9999/a:1",
                "has more than one colon; write basic:9999",
            ),
            ("user@basic:9999", "has a user before @; write basic:9999"),
            (
                "unix://run/basic.sock",
                "has no socket path after unix:; write unix:/run/basic.sock",
            ),
            (" basic:9999", "contains white space; write basic:9999"),
            ("basic:9999\n", "contains white space; write basic:9999"),
            (
                "::1:9999",
                "has an IPv6 address without brackets; write [::1]:9999",
            ),
            (
                "http://::1:9999",
                "is a URL, not host:port; write [::1]:9999",
            ),
            (
                "${PEER}_a:9999",
                "has a shell variable, which nothing fills in; write a template such as {{.peername}}",
            ),
            (
                "{.peername}_a:9999",
                "has an invalid host name; write a template such as {{.peername}}",
            ),
        ] {
            let fault = Address::parse(text).unwrap_err();
            assert_eq!(format!("{fault}; {}", advice(text)), message);
        }
    }

    #[test]
    fn a_socket_has_a_short_path() {
        for (start, longest) in [("unix:/", 106), ("unix:", 107), ("unix-abstract:", 107)] {
            let address = |length: usize| format!("{start}{}", "a".repeat(length));
            assert!(Address::parse(&address(longest)).is_ok(), "{start}");
            assert!(Address::parse(&address(longest + 1)).is_err(), "{start}");
        }
        assert!(Address::parse(&format!("unix:/{}", "%20".repeat(106))).is_ok());
        assert!(Address::parse(&format!("unix:{}", "%20".repeat(36))).is_err());
    }
}
