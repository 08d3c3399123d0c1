//! Why the peer cannot read a text: common mistakes when putting a PEM file into a JSON string.

use std::collections::BTreeSet;

use anyhow::{Error, anyhow};

use super::block::{BEGIN, Block, END, blocks, is_wanted};

/// How to give the peer a file, for texts that name one.
const OR_FILE: &str = ", or write {{.pem}} and add \"pem\": {\"file\": \"/PATH\"} to the peer's \
    CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG";

/// The most likely fault of a text in which the peer finds no `wanted` block.
pub fn missing(text: &str, wanted: &str) -> Error {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return anyhow!("is empty; a PEM {wanted} is needed");
    }
    if !text.contains(BEGIN) {
        return without_begin(trimmed, wanted);
    }
    // A damaged block of the wanted kind explains more than a good one of another kind.
    if !labels(text, BEGIN).any(|label| is_wanted(label, wanted))
        && let Some(other) = blocks(text).next()
    {
        let kind = known_label(other.label).unwrap_or("another kind of PEM block");
        return anyhow!("contains {kind}, not a {wanted}");
    }
    let mut ends = BTreeSet::new();
    ends.extend(labels(text, END));
    let starts_a_line = |frame| text.lines().any(|line| line.starts_with(frame));
    Error::msg(if text.contains("\\n") {
        "contains a backslash and an n where its line breaks belong; in JSON write \\n and not \\\\n"
    } else if !text.contains(END) {
        "is cut off: the \"-----END\" line is missing"
    } else if !trimmed.contains('\n') {
        "is PEM on one line: its line breaks are lost; in JSON write them as \\n"
    } else if !starts_a_line(BEGIN) || !starts_a_line(END) {
        "has text or white space before \"-----BEGIN\" or \"-----END\", which must start a line"
    } else if labels(text, BEGIN).any(|label| ends.contains(label)) {
        return anyhow!(
            "the {}'s base64 is damaged; copy it again",
            wanted.to_ascii_lowercase()
        );
    } else {
        "has damaged \"-----BEGIN\" or \"-----END\" lines: both must name the same kind and end in \"-----\""
    })
}

fn without_begin(text: &str, wanted: &str) -> Error {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(&byte);
    // "-----BEGIN" in base64. A DER SEQUENCE begins "M" in base64.
    if text.starts_with("LS0tLS1CRUdJTi") {
        anyhow!("is base64 of PEM; decode it once and put the result here")
    } else if is_path(text) {
        anyhow!("looks like a file path; put the file's content here{OR_FILE}")
    } else if is_variable(text) {
        anyhow!("looks like the name of a variable; put the PEM itself here{OR_FILE}")
    } else if text.starts_with('M') && text.len() >= 64 && text.bytes().all(is_base64) {
        anyhow!(
            "lacks the lines \"-----BEGIN {wanted}-----\" and \"-----END {wanted}-----\" around its base64"
        )
    } else {
        anyhow!("is not PEM; it must contain \"-----BEGIN {wanted}-----\" and line breaks")
    }
}

fn is_path(text: &str) -> bool {
    const STARTS: [&str; 6] = ["/", "./", "../", "~/", "file:", "C:\\"];
    // The last ending is of private keys written by Fabric CA and cryptogen.
    const ENDS: [&str; 7] = [".pem", ".crt", ".cer", ".cert", ".key", ".der", "_sk"];
    !text.contains(char::is_control)
        && (STARTS.iter().any(|start| text.starts_with(start))
            || ENDS.iter().any(|end| text.ends_with(end)))
}

/// Whether a text looks like `CORE_PEER_TLS_KEY_FILE` or `${TLS_KEY}`.
fn is_variable(text: &str) -> bool {
    let name = text.trim_matches(['$', '{', '}']);
    let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    name.contains('_') && name.bytes().all(is_part)
}

/// The labels of well-formed BEGIN or END lines.
fn labels<'a>(text: &'a str, frame: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .filter_map(move |line| line.trim_end().strip_prefix(frame)?.strip_suffix("-----"))
}

/// Why the peer cannot read a private key, if its label or headers show the reason.
pub fn unreadable_key(Block { label, headers, .. }: &Block) -> Option<Error> {
    let has_cipher = headers.lines().any(|line| line.starts_with("DEK-Info"));
    if has_cipher || headers.contains("ENCRYPTED") || *label == "ENCRYPTED PRIVATE KEY" {
        return Some(anyhow!(
            "is encrypted, but the peer has no passphrase; decrypt it with \"openssl pkey\""
        ));
    }
    if ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"].contains(label) {
        return None;
    }
    if *label == "OPENSSH PRIVATE KEY" {
        return Some(anyhow!(
            "is in OpenSSH format, which the peer cannot read; convert its file with \
             \"ssh-keygen -p -m PKCS8 -f FILE\""
        ));
    }
    let kind = known_label(label).unwrap_or("another kind of private key");
    Some(anyhow!(
        "contains {kind}, which the peer cannot read; convert it to a PRIVATE KEY"
    ))
}

/// A well-known label with its article. Any other label is not shown: it could be a secret.
fn known_label(label: &str) -> Option<&'static str> {
    const KNOWN: &str = "a CERTIFICATE,a TRUSTED CERTIFICATE,an X509 CERTIFICATE,\
        a CERTIFICATE REQUEST,a NEW CERTIFICATE REQUEST,an X509 CRL,a PKCS7,\
        a PUBLIC KEY,an RSA PUBLIC KEY,a PRIVATE KEY,an RSA PRIVATE KEY,an EC PRIVATE KEY,\
        a DSA PRIVATE KEY,an ENCRYPTED PRIVATE KEY,an OPENSSH PRIVATE KEY,\
        EC PARAMETERS,DH PARAMETERS";
    KNOWN.split(',').find(|known| {
        let article = known.strip_suffix(label);
        article.is_some_and(|article| matches!(article, "" | "a " | "an "))
    })
}
