//! `check --dial` and `verify --dial`, against servers on this machine.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::peer::{Peer, Seen, quoted, tls};
use super::user;

/// A connection.json for a port of this machine.
fn plain(port: u16) -> String {
    format!(r#"{{"address":"127.0.0.1:{port}","dial_timeout":"1s"}}"#)
}

/// The line and the exit status of `check --dial`.
fn check(connection: &str) -> (i32, String) {
    let peer = Peer::empty();
    peer.put("bld/metadata.json", r#"{"type":"ccaas","label":"a"}"#)
        .put("bld/connection.json", connection);
    let seen = user::run(&peer.path("bld"), &["check", "--dial", "."]);
    let mut lines = seen.stdout.lines();
    let line = lines.find_map(|line| line.strip_prefix("dialled  "));
    let line = line.unwrap_or_else(|| panic!("{seen:?}")).to_owned();
    let result = match seen.status {
        0 => "result   a peer would accept this package\n",
        _ => {
            "result   a peer would accept this package, but this machine cannot reach its server\n"
        }
    };
    assert!(seen.stdout.ends_with(result), "{seen:?}");
    (seen.status, line)
}

/// A server that treats its only client this way; its port.
fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || serve(listener.accept().unwrap().0));
    port
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";

/// A gRPC server: it reads the client's preface and settings, and answers with its own.
fn grpc(mut stream: TcpStream) {
    let mut begin = [0; 33];
    stream.read_exact(&mut begin).unwrap();
    assert_eq!(begin, *[PREFACE, SETTINGS].concat());
    stream
        .write_all(b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0d")
        .unwrap();
    let _ = stream.read(&mut begin);
}

#[test]
fn a_grpc_server_answers() {
    let port = server(grpc);
    let line = format!("127.0.0.1:{port}: connected, and a gRPC (HTTP/2) server answers");
    assert_eq!(check(&plain(port)), (0, line));
}

#[test]
fn says_what_failed() {
    let answering = |answer: &'static [u8]| {
        server(move |mut stream| {
            stream.read_exact(&mut [0; 33]).unwrap();
            stream.write_all(answer).unwrap();
        })
    };
    // Nobody listens on port 1, because only root may.
    let refused = "127.0.0.1:1: refused: nothing listens there".to_owned();
    assert_eq!(check(&plain(1)), (1, refused));
    for (port, what) in [
        (
            server(drop),
            "connected, but the connection was closed at once: no gRPC server is there",
        ),
        (
            answering(b""),
            "connected, but the connection was closed at once: no gRPC server is there",
        ),
        (
            answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            "connected, but what answers is not a gRPC (HTTP/2) server",
        ),
        (
            answering(b"220 hi\r\n"),
            "connected, but what answers is not a gRPC (HTTP/2) server",
        ),
        (
            answering(b"\x15\x03\x01\0\x02\x02\x16"),
            "connected, but the server wants TLS: set tls_required",
        ),
        (
            server(|mut stream| _ = stream.read_to_end(&mut Vec::new())),
            "connected, but nothing answers within 1s",
        ),
    ] {
        let line = format!("127.0.0.1:{port}: {what}");
        assert_eq!(check(&plain(port)), (1, line));
    }
}

#[test]
fn a_name_that_nobody_knows() {
    let (status, line) = check(r#"{"address":"x.invalid:9999","dial_timeout":"20s"}"#);
    assert!(
        status == 1 && line.starts_with("x.invalid:9999: no such name: "),
        "{line}"
    );
}

#[test]
fn gives_up_on_a_server_whose_queue_is_full() {
    // Connections that nobody accepts fill the queue, and the system drops further ones.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) =
        TcpStream::connect_timeout(&address, std::time::Duration::from_millis(100))
    {
        waiting.push(stream);
        assert!(waiting.len() < 10_000);
    }
    let port = address.port();
    let line = format!("127.0.0.1:{port}: timed out after 1s");
    assert_eq!(check(&plain(port)), (1, line));
}

#[test]
fn with_tls_only_the_connection_is_tried() {
    let port = server(|mut stream| {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "something was sent");
    });
    let connection = format!(
        r#"{{"address":"localhost:{port}","tls_required":true,"root_cert":{}}}"#,
        quoted(&tls("P-256.pem"))
    );
    let line = format!("localhost:{port}: connected; the TLS handshake is not tried");
    assert_eq!(check(&connection), (0, line));
}

#[test]
fn a_socket_is_not_tried() {
    let line = "not tried: the address is not a host and port".to_owned();
    for address in ["unix:/nowhere", "Unix:/run/localhost:1", "unix-abstract:a"] {
        let connection = format!(r#"{{"address":"{address}"}}"#);
        assert_eq!(check(&connection), (0, line.clone()), "{address}");
    }
}

#[test]
fn every_form_of_a_host_is_dialled() {
    let refused = "127.0.0.1:1: refused: nothing listens there".to_owned();
    for address in [
        "127.0.0.1:1",
        "dns:127.0.0.1:1",
        "dns:///127.0.0.1:1",
        "DNS://10.0.0.53/127.0.0.1:1",
        "passthrough:///127.0.0.1:1",
    ] {
        let connection = format!(r#"{{"address":"{address}"}}"#);
        assert_eq!(check(&connection), (1, refused.clone()), "{address}");
    }
    // Without a port it is that of HTTPS, and a name may begin like a socket's.
    for (address, start) in [
        ("dns:x.invalid", "x.invalid:443: no such name: "),
        ("dns:///x.invalid", "x.invalid:443: no such name: "),
        ("unix.invalid:http", "unix.invalid:80: no such name: "),
    ] {
        let (status, line) = check(&format!(
            r#"{{"address":"{address}","dial_timeout":"20s"}}"#
        ));
        assert!(status == 1 && line.starts_with(start), "{address}: {line}");
    }
}

/// `verify ARGS` of what a peer has built.
fn verify(peer: &Peer, args: &[&str]) -> Seen {
    user::run(&peer.path("."), &[&["verify"], args].concat())
}

#[test]
fn verify_dials_what_the_peer_reads() {
    let port = server(grpc);
    let peer = Peer::with_connection(plain(port));
    peer.build().succeeds(&[]);
    let seen = verify(&peer, &["--dial", "bld"]);
    let line =
        format!("bld: dialled: 127.0.0.1:{port}: connected, and a gRPC (HTTP/2) server answers\n");
    assert!(seen.status == 0 && seen.stdout.contains(&line), "{seen:?}");
    // Nothing listens there any more, in a peer's layout.
    peer.release().succeeds(&[]);
    peer.put("build-info.json", r#"{"builder_name":"a"}"#);
    for name in ["src", "metadata"] {
        std::fs::remove_dir_all(peer.path(name)).unwrap();
    }
    let seen = verify(&peer, &["--dial", "."]);
    let line = format!(".: not reached: 127.0.0.1:{port}: refused: nothing listens there\n");
    assert!(seen.status == 2 && seen.stdout.contains(&line), "{seen:?}");
    let seen = verify(&peer, &["--dial", "--json", "."]);
    assert!(
        seen.stdout.contains(r#""result":"not reached""#),
        "{seen:?}"
    );
    // Never without the option.
    let seen = verify(&peer, &["."]);
    assert!(
        seen.status == 0 && !seen.stdout.contains("reached"),
        "{seen:?}"
    );
    let peer = Peer::with_connection(plain(server(grpc)));
    peer.build().succeeds(&[]);
    let seen = verify(&peer, &["--dial", "--quiet", "bld"]);
    assert!(
        seen.status == 0 && !seen.stdout.contains("dialled"),
        "{seen:?}"
    );
}

#[test]
fn a_server_that_drips_gets_no_more_time() {
    let port = server(|mut stream| {
        for byte in SETTINGS {
            thread::sleep(std::time::Duration::from_millis(400));
            let _ = stream.write_all(&[*byte]);
        }
    });
    let line = format!("127.0.0.1:{port}: connected, but nothing answers within 1s");
    assert_eq!(check(&plain(port)), (1, line));
}
