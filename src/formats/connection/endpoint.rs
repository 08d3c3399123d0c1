//! What a peer would dial, for `--dial`.

use std::time::Duration;

use super::{Connection, address};

/// What a peer would dial.
pub struct Endpoint {
    pub host: String,
    pub port: u16,
    pub timeout: Duration,
    pub has_tls: bool,
}

impl Connection {
    /// The host, port and timeout for a dial, and whether it uses TLS; `None` for a socket.
    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        let (host, port) = address::host_and_port(self.address.text())?;
        Some(Endpoint {
            host: host.replace("%25", "%"),
            port: match port {
                "http" => 80,
                "https" => 443,
                port => port.parse().ok()?,
            },
            timeout: self.values.timeout(),
            has_tls: self.values.is("tls_required"),
        })
    }
}
