//! Whether anything answers where a peer would dial, for `check` and `verify`.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use crate::formats::connection::{Connection, Endpoint};

/// What a client sends first over HTTP/2: the preface and an empty SETTINGS frame (RFC 9113,
/// sections 3.4 and 6.5). A server first sends its own SETTINGS.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// The type of a SETTINGS frame.
const SETTINGS: u8 = 4;

/// Dials what `connection` names, and says how that went: `Err` if a peer would fail.
pub fn dial(connection: &Connection) -> Result<String, String> {
    let Some(endpoint) = connection.endpoint() else {
        return Ok("not tried: the address is not a host and port".to_owned());
    };
    let Endpoint { host, port, .. } = &endpoint;
    let answered = endpoint.dial(Instant::now() + endpoint.timeout);
    let said = |what| format!("{host}:{port}: {what}");
    answered.map(said).map_err(said)
}

impl Endpoint {
    fn dial(&self, end: Instant) -> Result<String, String> {
        let mut stream = self.connect(end)?;
        if self.has_tls {
            return Ok("connected; the TLS handshake is not tried".to_owned());
        }
        let mut frame = [0; 9];
        let answered = set_timeouts(&stream, end).and_then(|()| {
            stream.write_all(PREFACE)?;
            // A timeout applies to one read, and there may be as many reads as bytes.
            frame.chunks_mut(1).try_for_each(|byte| {
                set_timeouts(&stream, end)?;
                stream.read_exact(byte)
            })
        });
        match (answered.map_err(|error| error.kind()), frame) {
            (Ok(()), [_, _, _, SETTINGS, 0, 0, 0, 0, 0]) => {
                Ok("connected, and a gRPC (HTTP/2) server answers".to_owned())
            }
            (Err(ErrorKind::WouldBlock | ErrorKind::TimedOut), [0, ..]) => Err(format!(
                "connected, but nothing answers within {:?}",
                self.timeout
            )),
            // A TLS record: an alert, version 3.
            (_, [0x15, 3, ..]) => {
                Err("connected, but the server wants TLS: set tls_required".to_owned())
            }
            (Err(_), [0, 0, 0, 0, ..]) => Err(
                "connected, but the connection was closed at once: no gRPC server is there"
                    .to_owned(),
            ),
            _ => Err("connected, but what answers is not a gRPC (HTTP/2) server".to_owned()),
        }
    }

    /// Connects to the first of the host's addresses that accepts it.
    fn connect(&self, end: Instant) -> Result<TcpStream, String> {
        let mut failed = "no address".to_owned();
        for address in self.resolve(end)? {
            let left = left(end);
            if left.is_zero() {
                return Err(format!("timed out after {:?}", self.timeout));
            }
            failed = match TcpStream::connect_timeout(&address, left) {
                Ok(stream) => return Ok(stream),
                Err(error) => match error.kind() {
                    ErrorKind::ConnectionRefused => "refused: nothing listens there".to_owned(),
                    ErrorKind::TimedOut => format!("timed out after {:?}", self.timeout),
                    _ => format!("cannot connect: {error}"),
                },
            };
        }
        Err(failed)
    }

    /// Looks up the host, in a thread: a name server can take longer than the dial may.
    fn resolve(&self, end: Instant) -> Result<Vec<SocketAddr>, String> {
        // As in Go, no host means this one.
        let host = match &*self.host {
            "" => "localhost".to_owned(),
            host => host.to_owned(),
        };
        let port = self.port;
        let resolve = move || (host.as_str(), port).to_socket_addrs().map(Vec::from_iter);
        let lookup = thread::Builder::new().spawn(resolve);
        let lookup = lookup.map_err(|error| format!("cannot look up the name: {error}"))?;
        while !lookup.is_finished() && !left(end).is_zero() {
            thread::sleep(Duration::from_millis(5));
        }
        match lookup.is_finished().then(|| lookup.join()) {
            Some(Ok(found)) => found.map_err(|error| format!("no such name: {error}")),
            _ => Err(format!("no name server answers within {:?}", self.timeout)),
        }
    }
}

fn set_timeouts(stream: &TcpStream, end: Instant) -> io::Result<()> {
    // Zero would mean no timeout.
    let left = left(end).max(Duration::from_millis(1));
    stream.set_write_timeout(Some(left))?;
    stream.set_read_timeout(Some(left))
}

fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
}
