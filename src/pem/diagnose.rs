//! Why a text holds no block of the wanted kind: the usual ways to get a PEM file into a JSON string wrong.

use std::collections::BTreeSet;

use super::block::Blocks;
use super::fault::{Fault, Wanted, known_label};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// The likeliest fault of a text in which the peer finds no block that is `wanted`.
pub(super) fn diagnose(text: &str, wanted: Wanted) -> Fault {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Fault::Empty(wanted);
    }
    if !text.contains(BEGIN) {
        return without_begin(trimmed, wanted);
    }
    // A damaged block of the wanted kind explains more than a good one of another kind.
    if let Some(other) = Blocks::new(text)
        .next()
        .filter(|_| !labels(text, BEGIN).any(|label| wanted.is(label)))
    {
        return Fault::OtherKind(known_label(other.label), wanted);
    }
    if text.contains("\\n") {
        return Fault::BackslashN;
    }
    if !text.contains(END) {
        return Fault::CutOff;
    }
    if !trimmed.contains('\n') {
        return Fault::OneLine;
    }
    if !starts_a_line(text, BEGIN) || !starts_a_line(text, END) {
        return Fault::Indented;
    }
    // As Object::into_map: collecting would sort first.
    let mut ends = BTreeSet::new();
    ends.extend(labels(text, END));
    if labels(text, BEGIN).any(|label| ends.contains(label)) {
        return Fault::Base64(wanted);
    }
    Fault::Frame
}

fn without_begin(text: &str, wanted: Wanted) -> Fault {
    if is_base64_of_pem(text) {
        Fault::EncodedTwice
    } else if is_path(text) {
        Fault::Path
    } else if is_base64_of_der(text) {
        Fault::NoFrame(wanted)
    } else {
        Fault::NotPem(wanted)
    }
}

/// Whether it is PEM that was encoded once more.
fn is_base64_of_pem(text: &str) -> bool {
    text.starts_with("LS0tLS1CRUdJTi")
}

/// Whether it could be a certificate or a key: a DER SEQUENCE of 128 bytes or more begins "MI" in base64, a shorter one "M".
fn is_base64_of_der(text: &str) -> bool {
    text.starts_with('M')
        && text.len() >= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(&byte))
}

fn is_path(text: &str) -> bool {
    const STARTS: [&str; 6] = ["/", "./", "../", "~/", "file:", "C:\\"];
    const ENDS: [&str; 6] = [".pem", ".crt", ".cer", ".cert", ".key", ".der"];
    !text.contains(char::is_control)
        && (STARTS.iter().any(|start| text.starts_with(start))
            || ENDS.iter().any(|end| text.ends_with(end)))
}

fn starts_a_line(text: &str, frame: &str) -> bool {
    text.lines().any(|line| line.starts_with(frame))
}

/// The labels of well-formed BEGIN or END lines.
fn labels<'a>(text: &'a str, frame: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .filter_map(move |line| line.trim_end().strip_prefix(frame)?.strip_suffix("-----"))
}
