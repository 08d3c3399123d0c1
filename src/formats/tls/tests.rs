//! What the peer accepts and refuses, tested on files written by `openssl`
//! (`tests/fixtures/tls/make.sh`) and on damaged copies.

use super::block::blocks;
use super::{check_key_pair, check_root_certificates, key, x509};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/tls/",
            $name
        ))
    };
}

const ACCEPTED: &str = "accepted";
const NOT_X509: &str = "the certificate is not X.509 DER";
const NOT_A_KEY: &str = "client_key: the private key is not PKCS#8, PKCS#1 or SEC 1 DER";
const OTHER_KEY: &str = "client_key: does not belong to client_cert, whose public key is different";

/// The line for a root certificate.
fn root(text: &str) -> String {
    match check_root_certificates(text) {
        Ok(()) => ACCEPTED.to_owned(),
        Err(fault) => fault.to_string(),
    }
}

/// The line for a key pair, with its field.
fn pair(certificate: &str, key: &str) -> String {
    match check_key_pair(Some(certificate), Some(key)) {
        Ok(()) => ACCEPTED.to_owned(),
        Err(fault) => format!("{fault:#}"),
    }
}

/// The contents of a text's last block.
fn der(text: &str) -> Vec<u8> {
    blocks(text).last().expect("the fixture is PEM").der
}

fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut base64 = String::new();
    for chunk in der.chunks(3) {
        let bytes = [
            0,
            chunk[0],
            *chunk.get(1).unwrap_or(&0),
            *chunk.get(2).unwrap_or(&0),
        ];
        let quantum = u32::from_be_bytes(bytes);
        for digit in 0..4 {
            let value = usize::try_from(quantum >> (18 - 6 * digit) & 0x3f).unwrap();
            base64.push(if digit > chunk.len() {
                '='
            } else {
                char::from(DIGITS[value])
            });
        }
        base64.push('\n');
    }
    format!("-----BEGIN {label}-----\n{base64}-----END {label}-----\n")
}

fn certificate(der: &[u8]) -> String {
    pem("CERTIFICATE", der)
}

/// A copy in which the first `from` is `to`. The lengths are equal, so that all DER lengths stay
/// right.
fn replaced(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = der
        .windows(from.len())
        .position(|window| window == from)
        .expect("the fixture holds it");
    [&der[..at], to, &der[at + to.len()..]].concat()
}

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    [&header(tag, contents.len()), contents].concat()
}

/// The tag and length of an element of less than 16 MiB.
fn header(tag: u8, length: usize) -> Vec<u8> {
    let bytes = u32::try_from(length).unwrap().to_be_bytes();
    match bytes {
        [0, 0, 0, low @ 0..0x80] => vec![tag, low],
        [0, 0, 0, low] => vec![tag, 0x81, low],
        [0, 0, high, low] => vec![tag, 0x82, high, low],
        [_, high, middle, low] => vec![tag, 0x83, high, middle, low],
    }
}

#[test]
fn accepts_root_certificates_of_every_kind() {
    for text in [
        fixture!("P-224.pem"),
        fixture!("P-256.pem"),
        fixture!("P-384.pem"),
        fixture!("P-521.pem"),
        fixture!("rsa.pem"),
        fixture!("rsa-pss.pem"),
        fixture!("ed25519.pem"),
        fixture!("ed448.pem"),
        fixture!("dsa.pem"),
        fixture!("v1.pem"),
        fixture!("chain.pem"),
    ] {
        assert_eq!(root(text), ACCEPTED, "{text}");
    }
}

#[test]
fn accepts_the_layouts_of_pem_that_go_accepts() {
    let good = fixture!("ed25519.pem");
    let bare = good.trim_end();
    let damaged = good.replacen('M', "!", 1);
    for text in [
        good.replace('\n', "\r\n"),
        bare.to_owned(),
        format!("\n\n  note: text\n{good}more text"),
        format!("{bare} \t\r\n"),
        good.replacen("-----\n", "----- \t\r\n", 1),
        good.replace("\nM", "\n \tM"),
        good.replace('M', "\nM"),
        format!("{damaged}{good}"),
        format!("-----BEGIN CERTIFICATE-----\n{good}"),
        format!("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n{good}"),
        format!(
            "{}{good}{}",
            fixture!("ecparam.pem"),
            fixture!("request.pem")
        ),
        format!("{}{good}", fixture!("secp256k1.pem")),
    ] {
        assert_eq!(root(&text), ACCEPTED, "{text}");
    }
}

#[test]
fn refuses_text_that_is_not_pem() {
    let good = fixture!("P-256.pem");
    let body: String = good.lines().filter(|line| !line.starts_with('-')).collect();
    let empty = "is empty; a PEM CERTIFICATE is needed";
    let not_pem = "is not PEM; it must contain \"-----BEGIN CERTIFICATE-----\" and line breaks";
    let way = r#", or write {{.pem}} and add "pem": {"file": "/PATH"} to the peer's CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"#;
    let path = &format!("looks like a file path; put the file's content here{way}");
    let variable = &format!("looks like the name of a variable; put the PEM itself here{way}");
    let backslash = "contains a backslash and an n where its line breaks belong; in JSON write \\n and not \\\\n";
    let indented =
        "has text or white space before \"-----BEGIN\" or \"-----END\", which must start a line";
    let frame = "has damaged \"-----BEGIN\" or \"-----END\" lines: both must name the same kind and end in \"-----\"";
    let base64 = "the certificate's base64 is damaged; copy it again";
    let cases = [
        (String::new(), empty),
        (" \r\n\t".to_owned(), empty),
        ("hello".to_owned(), not_pem),
        ("BEGIN CERTIFICATE".to_owned(), not_pem),
        ("MI is a US state".to_owned(), not_pem),
        ("/etc/hyperledger/tls/ca.crt".to_owned(), path),
        ("tls/ca.pem\n".to_owned(), path),
        ("C:\\tls\\ca".to_owned(), path),
        ("CORE_PEER_TLS_KEY_FILE".to_owned(), variable),
        (" ${TLS_KEY_2}\n".to_owned(), variable),
        ("TLS_key".to_owned(), not_pem),
        ("CERTIFICATE".to_owned(), not_pem),
        (good.replace('\n', "\\n"), backslash),
        (good.replace('\n', "\\n\n"), backslash),
        (
            good.replace('\n', ""),
            "is PEM on one line: its line breaks are lost; in JSON write them as \\n",
        ),
        (
            good.replace('\n', " "),
            "is PEM on one line: its line breaks are lost; in JSON write them as \\n",
        ),
        (good.replace("-----B", "  -----B"), indented),
        (good.replace("-----E", "  -----E"), indented),
        (
            good.replace("-----END CERTIFICATE-----", ""),
            "is cut off: the \"-----END\" line is missing",
        ),
        (good.replace("END CERTIFICATE", "END CERT"), frame),
        (good.replace("CERTIFICATE-----", "CERTIFICATE----"), frame),
        (good.replacen('M', "!", 1), base64),
        (good.replacen('M', "", 1), base64),
        (good.replacen('M', "=", 1), base64),
        (good.replace("-----END", "===\n-----END"), base64),
        (
            body.clone(),
            "lacks the lines \"-----BEGIN CERTIFICATE-----\" and \"-----END CERTIFICATE-----\" around its base64",
        ),
        (
            pem("", good.as_bytes())
                .lines()
                .filter(|line| !line.starts_with('-'))
                .collect(),
            "is base64 of PEM; decode it once and put the result here",
        ),
        (
            good.replacen('\n', "\nProc-Type: 4\n\n", 1),
            "the certificate's block has header lines, which the peer does not accept; remove them",
        ),
    ];
    for (text, line) in &cases {
        assert_eq!(root(text), *line, "{text}");
    }
    assert_eq!(
        pair(good, "key.txt"),
        "client_key: is not PEM; it must contain \"-----BEGIN PRIVATE KEY-----\" and line breaks"
    );
    assert_eq!(
        pair(good, ""),
        "client_key: is empty; a PEM PRIVATE KEY is needed"
    );
    assert_eq!(
        pair("", ""),
        "client_cert: is empty; a PEM CERTIFICATE is needed"
    );
    let damaged = fixture!("P-256.key").replacen('M', "!", 1);
    assert_eq!(
        pair(good, &damaged),
        "client_key: the private key's base64 is damaged; copy it again"
    );
}

#[test]
fn refuses_pem_of_another_kind_and_names_it_only_when_well_known() {
    let ed25519 = fixture!("ed25519.pem");
    let cases = [
        (fixture!("P-256.key"), "a PRIVATE KEY"),
        (fixture!("rsa.pkcs1.key"), "an RSA PRIVATE KEY"),
        (fixture!("P-256.no-public.key"), "an EC PRIVATE KEY"),
        (fixture!("P-256.encrypted.key"), "an ENCRYPTED PRIVATE KEY"),
        (fixture!("P-256.openssh.key"), "an OPENSSH PRIVATE KEY"),
        (fixture!("ecparam.pem"), "EC PARAMETERS"),
        (fixture!("trusted.pem"), "a TRUSTED CERTIFICATE"),
        (fixture!("request.pem"), "a CERTIFICATE REQUEST"),
        (fixture!("public.pem"), "a PUBLIC KEY"),
        (fixture!("pkcs7.pem"), "a PKCS7"),
        (
            "-----BEGIN hunter2-----\nZg==\n-----END hunter2-----\n",
            "another kind of PEM block",
        ),
    ];
    for (text, kind) in cases {
        assert_eq!(root(text), format!("contains {kind}, not a CERTIFICATE"));
        assert_eq!(
            pair(text, ""),
            format!("client_cert: contains {kind}, not a CERTIFICATE")
        );
    }
    assert_eq!(
        pair(ed25519, ed25519),
        "client_key: contains a CERTIFICATE, not a PRIVATE KEY"
    );
    assert_eq!(
        pair(ed25519, fixture!("ecparam.pem")),
        "client_key: contains EC PARAMETERS, not a PRIVATE KEY"
    );
    let damaged = ed25519.replacen('M', "!", 1);
    assert_eq!(
        root(&format!("{}{damaged}", fixture!("ecparam.pem"))),
        "the certificate's base64 is damaged; copy it again",
        "the damaged block of the right kind explains more"
    );
}

#[test]
fn refuses_certificates_with_keys_go_does_not_know() {
    let curve = "is on an elliptic curve the peer does not know; use P-256, P-384 or P-521 by name";
    for text in [
        fixture!("secp256k1.pem"),
        fixture!("brainpoolP256r1.pem"),
        fixture!("explicit.pem"),
    ] {
        assert_eq!(root(text), curve);
        assert_eq!(
            pair(text, fixture!("P-256.key")),
            format!("client_cert: {curve}")
        );
    }
    let p384 = der(fixture!("P-384.pem"));
    let too_long = replaced(&p384, b"\x2b\x81\x04\x00\x22", b"\x2b\x81\x04\x00\x21");
    for text in [fixture!("compressed.pem"), &certificate(&too_long)] {
        assert_eq!(
            root(text),
            "the certificate's elliptic curve point is malformed or compressed, but the peer needs it uncompressed"
        );
    }
    for text in [
        fixture!("dsa.pem"),
        fixture!("ed448.pem"),
        fixture!("rsa-pss.pem"),
    ] {
        assert_eq!(
            pair(text, fixture!("P-256.key")),
            "client_cert: the certificate's key is not RSA, ECDSA or Ed25519, the only kinds the peer can use"
        );
    }
}

type Change = (&'static [u8], &'static [u8]);

/// Asserts that each change alone makes the peer refuse the certificate, with this line.
fn refuses_each(text: &str, changes: &[Change], line: &str) {
    assert_eq!(root(text), ACCEPTED);
    for (from, to) in changes {
        assert_eq!(
            root(&certificate(&replaced(&der(text), from, to))),
            line,
            "{from:02x?} {to:02x?}"
        );
    }
}

#[test]
fn refuses_a_certificate_of_another_structure() {
    let changes: &[Change] = &[
        (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03"),
        (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\xff"),
        (b"\x02\x01\x02\x02\x14", b"\x02\x01\x02\x04\x14"),
        (
            b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02",
            b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x01",
        ),
        (
            b"\x31\x0b\x30\x09\x06\x03\x55\x04\x06",
            b"\x30\x0b\x30\x09\x06\x03\x55\x04\x06",
        ),
        (b"\x06\x03\x55\x04\x06", b"\x06\x03\x55\x04\x86"),
        (b"\x30\x20\x17\x0d", b"\x30\x20\x0c\x0d"),
        // an issuer's unique identifier that is cut off
        (b"\xa3\x81\xe6\x30", b"\x81\x84\xe6\x30"),
    ];
    refuses_each(fixture!("P-256.pem"), changes, NOT_X509);
    refuses_each(
        fixture!("ed25519.pem"),
        &[(b"\x03\x41\x00", b"\x04\x41\x00")],
        NOT_X509,
    );
    // An Ed25519 key of 57 bytes.
    let ed448: Change = (
        b"\x30\x05\x06\x03\x2b\x65\x71\x03",
        b"\x30\x05\x06\x03\x2b\x65\x70\x03",
    );
    refuses_each(fixture!("ed448.pem"), &[ed448], NOT_X509);

    let trailing = [&der(fixture!("P-256.pem"))[..], b"\0"].concat();
    assert_eq!(root(&certificate(&trailing)), NOT_X509);
    assert_eq!(root(&certificate(b"")), NOT_X509);
    assert_eq!(
        pair(&certificate(b""), ""),
        format!("client_cert: {NOT_X509}")
    );
}

#[test]
fn refuses_a_certificate_with_malformed_extensions() {
    let changes: &[Change] = &[
        // critical
        (b"\x01\x01\xff\x04", b"\x01\x01\x01\x04"),
        // key usage
        (b"\x03\x02\x02\x84", b"\x03\x02\x03\x84"),
        // another key usage
        (
            b"\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff",
            b"\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x05\x03\x03\x00\x01\xff",
        ),
        // basic constraints
        (
            b"\x04\x05\x30\x03\x01\x01\xff",
            b"\x04\x05\x30\x03\x01\x01\x01",
        ),
        // subject and authority key identifier
        (b"\x04\x16\x04\x14", b"\x04\x16\x05\x14"),
        (b"\x30\x16\x80\x14", b"\x31\x16\x80\x14"),
        (b"\x30\x16\x80\x14", b"\x30\x16\x80\x15"),
        // extended key usage
        (b"\x07\x03\x02", b"\x07\x03\x82"),
        // subject alternative name
        (b"\x82\x15chain", b"\x82\x15\xffhain"),
        (b"\x82\x15chain", b"\x87\x15chain"),
        (b"\x87\x04\x7f\x00\x00\x01", b"\x87\x03\x7f\x00\x00\x01"),
    ];
    refuses_each(fixture!("P-256.pem"), changes, NOT_X509);
}

#[test]
fn refuses_a_certificate_with_a_malformed_name_or_key() {
    let changes: &[Change] = &[
        (b"\x13\x02XX", b"\x13\x02X_"),
        (b"\x13\x02XX", b"\x12\x02XX"),
        (b"\x13\x02XX", b"\x03\x02XX"),
        (b"\x0c\x09test", b"\x0c\x09\xffest"),
        (b"\x0c\x09test", b"\x16\x09\xffest"),
        (b"\x0c\x09test", b"\x1e\x09test"),
    ];
    let line = "the certificate's issuer or subject has a character its string type forbids";
    refuses_each(fixture!("P-256.pem"), changes, line);

    let changes: &[Change] = &[
        (b"\x01\x01\x01\x05\x00", b"\x01\x01\x01\x04\x00"),
        (b"\x02\x03\x01\x00\x01", b"\x02\x03\x81\x00\x01"),
        (b"\x02\x03\x01\x00\x01", b"\x02\x01\x00\x05\x00"),
        (b"\x02\x82\x01\x01\x00", b"\x02\x82\x01\x01\x80"),
    ];
    refuses_each(
        fixture!("rsa.pem"),
        changes,
        "the certificate's RSA key is malformed",
    );
}

#[test]
fn accepts_what_no_go_or_only_newer_go_refuses() {
    let changes: [Change; 6] = [
        // a negative serial number
        (b"\x02\x14\x12", b"\x02\x14\x92"),
        // strings of the right characters
        (b"\x13\x02XX", b"\x12\x0211"),
        (b"\x13\x02XX", b"\x13\x02*&"),
        (b"\x13\x02XX", b"\x14\x02\xff\xff"),
        (b"\x13\x02XX", b"\x1e\x02\x00X"),
        (b"\x0c\x09test", b"\x16\x09test"),
    ];
    for (from, to) in changes {
        let copy = replaced(&der(fixture!("P-256.pem")), from, to);
        assert_eq!(root(&certificate(&copy)), ACCEPTED, "{from:02x?} {to:02x?}");
    }
}

#[test]
fn only_version_3_has_extensions() {
    let damaged = replaced(
        &der(fixture!("P-256.pem")),
        b"\x04\x16\x04\x14",
        b"\x04\x16\x05\x14",
    );
    assert_eq!(root(&certificate(&damaged)), NOT_X509);
    for version in [0, 1] {
        let older = replaced(&damaged, b"\xa0\x03\x02\x01\x02", &[0xa0, 3, 2, 1, version]);
        assert_eq!(root(&certificate(&older)), ACCEPTED);
    }
}

#[test]
fn accepts_keys_of_every_form_with_their_certificate() {
    let p256 = fixture!("P-256.pem");
    for (certificate, key) in [
        (fixture!("P-224.pem"), fixture!("P-224.key")),
        (p256, fixture!("P-256.key")),
        (p256, fixture!("P-256.sec1.key")),
        (p256, fixture!("P-256.no-public.key")),
        (p256, fixture!("P-256.compressed.key")),
        (p256, fixture!("P-256.hybrid.key")),
        (fixture!("P-384.pem"), fixture!("P-384.key")),
        (fixture!("P-521.pem"), fixture!("P-521.key")),
        (fixture!("rsa.pem"), fixture!("rsa.key")),
        (fixture!("rsa.pem"), fixture!("rsa.pkcs1.key")),
        (fixture!("ed25519.pem"), fixture!("ed25519.key")),
        (fixture!("chain.pem"), fixture!("P-256.key")),
    ] {
        assert_eq!(pair(certificate, key), ACCEPTED, "{certificate}");
        // One file often holds both.
        let both = format!("{key}{certificate}");
        assert_eq!(pair(&both, &both), ACCEPTED, "{certificate}");
    }
}

#[test]
fn neither_label_nor_headers_of_a_key_matter_to_go() {
    let [certificate, key] = [fixture!("P-256.pem"), fixture!("P-256.key")];
    for label in [
        "RSA PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "odd PRIVATE KEY",
    ] {
        assert_eq!(
            pair(certificate, &key.replace("PRIVATE KEY", label)),
            ACCEPTED
        );
    }
    assert_eq!(
        pair(
            certificate,
            &key.replacen('\n', "\nProc-Type: 4,ENCRYPTED\n\n", 1)
        ),
        ACCEPTED
    );
    assert_eq!(
        pair(&certificate.replacen('\n', "\nName: value\n\n", 1), key),
        ACCEPTED
    );
    assert_ne!(
        pair(certificate, &key.replace("PRIVATE KEY", "XPRIVATE KEY")),
        ACCEPTED
    );
}

#[test]
fn a_block_of_headers_alone_is_skipped() {
    let [certificate, key] = [fixture!("P-256.pem"), fixture!("P-256.key")];
    let headers = "-----BEGIN PRIVATE KEY-----\nName: value\n-----END PRIVATE KEY-----\n";
    assert_eq!(pair(certificate, &format!("{headers}{key}")), ACCEPTED);
    // Go reads on after an END line that could be a header, and gives up.
    let colon = "-----BEGIN A: B-----\n-----END A: B-----\n";
    assert_ne!(pair(certificate, &format!("{colon}{key}")), ACCEPTED);
    assert_eq!(
        pair(certificate, &format!("{}{key}", colon.replace(':', ""))),
        ACCEPTED
    );
}

#[test]
fn only_the_first_certificate_and_the_first_key_are_read() {
    let [certificate, key, other] = [
        fixture!("P-256.pem"),
        fixture!("P-256.key"),
        fixture!("other.P-256.key"),
    ];
    assert_eq!(
        pair(
            &format!("{certificate}{}", pem("CERTIFICATE", b"")),
            &format!("{key}{other}")
        ),
        ACCEPTED
    );
    assert_eq!(pair(certificate, &format!("{other}{key}")), OTHER_KEY);
    assert_eq!(
        pair(&format!("{}{certificate}", pem("CERTIFICATE", b"")), key),
        format!("client_cert: {NOT_X509}")
    );
}

#[test]
fn refuses_the_key_of_another_certificate() {
    let cases = [
        (
            fixture!("P-256.pem"),
            fixture!("other.P-256.key"),
            OTHER_KEY,
        ),
        (fixture!("P-256.pem"), fixture!("P-384.key"), OTHER_KEY),
        (fixture!("rsa.pem"), fixture!("other.rsa.key"), OTHER_KEY),
        (
            fixture!("P-256.pem"),
            fixture!("rsa.key"),
            "client_key: does not belong to client_cert: it is RSA and the certificate's key is ECDSA",
        ),
        (
            fixture!("ed25519.pem"),
            fixture!("P-256.key"),
            "client_key: does not belong to client_cert: it is ECDSA and the certificate's key is Ed25519",
        ),
        (
            fixture!("rsa.pem"),
            fixture!("ed25519.key"),
            "client_key: does not belong to client_cert: it is Ed25519 and the certificate's key is RSA",
        ),
    ];
    for (certificate, key, line) in cases {
        assert_eq!(pair(certificate, key), line);
    }
}

#[test]
fn compares_every_form_of_an_elliptic_curve_point() {
    let other = der(fixture!("other.P-256.key"));
    let (_, point) = other.split_at(other.len() - 64);
    let (x, y) = point.split_at(32);
    let sign = 2 + (y[31] & 1);
    for form in [
        [&[4], x, y].concat(),
        [&[6], x, y].concat(),
        [&[sign], x].concat(),
    ] {
        let key = |point: &[u8]| {
            let bits = element(3, &[&[0], point].concat());
            let curve = element(6, b"\x2a\x86\x48\xce\x3d\x03\x01\x07");
            let fields = [
                &b"\x02\x01\x01"[..],
                &element(4, &[1; 32]),
                &element(0xa0, &curve),
                &element(0xa1, &bits),
            ];
            pem("EC PRIVATE KEY", &element(0x30, &fields.concat()))
        };
        assert_eq!(pair(fixture!("P-256.pem"), &key(&form)), OTHER_KEY);
        let own = der(fixture!("P-256.key"));
        let (_, point) = own.split_at(own.len() - 64);
        let (x, y) = point.split_at(32);
        let wrong_sign = [&[2 + (1 - (y[31] & 1))], x].concat();
        assert_eq!(pair(fixture!("P-256.pem"), &key(&wrong_sign)), OTHER_KEY);
        assert_eq!(
            pair(
                fixture!("P-256.pem"),
                &key(&[&[2 + (y[31] & 1)], x].concat())
            ),
            ACCEPTED
        );
        for unknown in [&b""[..], b"\x04\x01", b"\x02\x01", b"\x05\x01"] {
            let line = pair(fixture!("P-256.pem"), &key(unknown));
            assert_eq!(line, ACCEPTED, "cannot be determined: {unknown:?}");
        }
    }
}

#[test]
fn compares_the_public_key_of_an_ed25519_key_that_holds_it() {
    let [certificate, key] = [fixture!("ed25519.pem"), fixture!("ed25519.key")];
    let info = der(key);
    let at = b"\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
    let whole = der(certificate);
    let start = whole
        .windows(at.len())
        .position(|window| window == at)
        .unwrap()
        + at.len();
    let public = &whole[start..start + 32];
    let with = |public: &[u8]| {
        let field = element(0x81, &[&[0], public].concat());
        pem(
            "PRIVATE KEY",
            &element(0x30, &[&info[2..], b"\xa0\x00", &field].concat()),
        )
    };
    assert_eq!(pair(certificate, &with(public)), ACCEPTED);
    assert_eq!(pair(certificate, &with(&[7; 32])), OTHER_KEY);
    assert_eq!(
        pair(certificate, &with(&[7; 31])),
        ACCEPTED,
        "cannot be determined"
    );
}

#[test]
fn refuses_keys_the_peer_cannot_read() {
    let certificate = fixture!("P-256.pem");
    let encrypted = "client_key: is encrypted, but the peer has no passphrase; decrypt it with \"openssl pkey\"";
    let algorithm =
        "client_key: the private key is not RSA, ECDSA or Ed25519, the only kinds the peer can use";
    let curve = "client_key: is on an elliptic curve the peer does not know; use P-256, P-384 or P-521 by name";
    let cases = [
        (fixture!("P-256.encrypted.key"), encrypted),
        (fixture!("P-256.dek-info.key"), encrypted),
        (
            fixture!("P-256.openssh.key"),
            "client_key: is in OpenSSH format, which the peer cannot read; convert its file with \"ssh-keygen -p -m PKCS8 -f FILE\"",
        ),
        (
            "-----BEGIN hunter2 PRIVATE KEY-----\nZg==\n-----END hunter2 PRIVATE KEY-----\n",
            "client_key: contains another kind of private key, which the peer cannot read; convert it to a PRIVATE KEY",
        ),
        (fixture!("dsa.key"), algorithm),
        (fixture!("ed448.key"), algorithm),
        (fixture!("x25519.key"), algorithm),
        (fixture!("rsa-pss.key"), algorithm),
        (fixture!("secp256k1.key"), curve),
        (fixture!("brainpoolP256r1.key"), curve),
        (fixture!("P-256.explicit.key"), curve),
    ];
    for (key, line) in cases {
        assert_eq!(pair(certificate, key), line);
    }
}

#[test]
fn refuses_what_is_not_a_private_key() {
    let certificate = fixture!("P-256.pem");
    let [pkcs1, sec1, ed25519] = [
        fixture!("rsa.pkcs1.key"),
        fixture!("P-256.sec1.key"),
        fixture!("ed25519.key"),
    ]
    .map(der);
    let scalar = &sec1[7..39];
    for der in [
        Vec::new(),
        vec![0x30, 0],
        replaced(&pkcs1, b"\x02\x01\x00\x02\x82", b"\x02\x01\x02\x02\x82"),
        replaced(&pkcs1, b"\x02\x03\x01\x00\x01", b"\x02\x03\x81\x00\x01"),
        [&pkcs1[..], b"\0"].concat(),
        element(0x30, b"\x02\x01\x00\x02\x01\x0f\x02\x01\x03\x02\x01\x03"),
        replaced(&sec1, b"\x02\x01\x01\x04\x20", b"\x02\x01\x02\x04\x20"),
        replaced(&sec1, scalar, &[0; 32]),
        replaced(&ed25519, b"\x04\x22\x04\x20", b"\x04\x22\x04\x1f"),
        replaced(
            &ed25519,
            b"\x30\x05\x06\x03\x2b\x65\x70",
            b"\x30\x05\x06\x01\x2b\x05\x00",
        ),
    ] {
        let line = pair(certificate, &pem("PRIVATE KEY", &der));
        let unknown = "client_key: the private key is not RSA, ECDSA or Ed25519, the only kinds the peer can use";
        assert!(
            [NOT_A_KEY, unknown].contains(&line.as_str()),
            "{line} {der:02x?}"
        );
    }
    let long = [
        &b"\x02\x01\x01\x04\x21\x01"[..],
        scalar,
        b"\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
    ]
    .concat();
    assert_eq!(
        pair(certificate, &pem("PRIVATE KEY", &element(0x30, &long))),
        NOT_A_KEY
    );
    let padded = [
        &b"\x02\x01\x01\x04\x21\x00"[..],
        scalar,
        b"\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
    ]
    .concat();
    assert_eq!(
        pair(certificate, &pem("PRIVATE KEY", &element(0x30, &padded))),
        ACCEPTED
    );
}

#[test]
fn a_key_inside_a_key_costs_no_stack() {
    let fields = b"\x02\x01\x00\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    // Written backwards, because each header needs the length of what follows it.
    let mut key = Vec::new();
    for _ in 0..25_000 {
        key.extend(header(4, key.len()).iter().rev());
        key.extend(fields.iter().rev());
        key.extend(header(0x30, key.len()).iter().rev());
    }
    key.reverse();
    let error = key::parse(&key).err().unwrap().to_string();
    assert!(NOT_A_KEY.ends_with(&error), "{error}");
}

#[test]
fn refuses_every_text_that_is_cut_or_damaged() {
    let [certificate, key] = [fixture!("P-256.pem"), fixture!("P-256.key")];
    for end in 0..certificate.len() - 1 {
        assert_ne!(root(&certificate[..end]), ACCEPTED, "{end}");
        assert_ne!(pair(&certificate[..end], key), ACCEPTED, "{end}");
    }
    for start in 1..certificate.len() {
        assert_ne!(root(&certificate[start..]), ACCEPTED, "{start}");
    }
    for end in 0..key.len() - 1 {
        assert_ne!(pair(certificate, &key[..end]), ACCEPTED, "{end}");
    }
    for at in 0..certificate.len() {
        for damage in ["~", "é", "\0"] {
            let damaged = [&certificate[..at], damage, &certificate[at + 1..]].concat();
            assert_ne!(root(&damaged), ACCEPTED, "{at}");
        }
    }
}

#[test]
fn refuses_every_der_that_is_cut_and_survives_every_flipped_bit() {
    for (certificate, key) in [
        (fixture!("P-256.pem"), fixture!("P-256.sec1.key")),
        (fixture!("rsa.pem"), fixture!("rsa.key")),
        (fixture!("ed25519.pem"), fixture!("ed25519.key")),
    ] {
        let [certificate, key] = [certificate, key].map(der);
        for end in 0..certificate.len() {
            let fault = x509::parse(&certificate[..end]).err().unwrap();
            assert_eq!(fault.to_string(), NOT_X509, "{end}");
        }
        for end in 0..key.len() {
            let fault = key::parse(&key[..end]).err().unwrap();
            assert!(NOT_A_KEY.ends_with(&fault.to_string()), "{end}");
        }
        assert!(flipped(&certificate).any(|der| x509::parse(&der).is_err()));
        assert!(flipped(&key).any(|der| key::parse(&der).is_err()));
        assert!(
            flipped(&certificate)
                .filter(|der| x509::parse(der).is_ok())
                .count()
                > 500,
            "the signature's bits"
        );
        assert!(
            flipped(&key).filter(|der| key::parse(der).is_ok()).count() > 200,
            "the key's bits"
        );
    }
}

/// Every copy with one other bit.
fn flipped(der: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..8 * der.len()).map(|bit| {
        let mut der = der.to_vec();
        der[bit / 8] ^= 1 << (bit % 8);
        der
    })
}
