//! Why a text holds no block of the wanted kind: the usual ways to get a PEM file into a JSON string wrong.

use std::collections::BTreeSet;

use anyhow::{Error, anyhow};

use super::block::{Blocks, Wanted, known_label};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// The likeliest fault of a text in which the peer finds no block that is `wanted`.
pub fn diagnose(text: &str, wanted: Wanted) -> Error {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return anyhow!("is empty, a PEM {wanted} is needed");
    }
    if !text.contains(BEGIN) {
        return without_begin(trimmed, wanted);
    }
    // A damaged block of the wanted kind explains more than a good one of another kind.
    if !labels(text, BEGIN).any(|label| wanted.is(label))
        && let Some(other) = Blocks::new(text).next()
    {
        let kind = known_label(other.label).unwrap_or("another kind of PEM block");
        return anyhow!("holds {kind}, a {wanted} is needed");
    }
    if text.contains("\\n") {
        return anyhow!(
            "holds a backslash and an n where its line breaks belong, in JSON write \\n and not \\\\n"
        );
    }
    if !text.contains(END) {
        return anyhow!("is cut off, the \"-----END\" line is missing");
    }
    if !trimmed.contains('\n') {
        return anyhow!("is PEM on one line, its line breaks are lost, in JSON write them as \\n");
    }
    if !starts_a_line(text, BEGIN) || !starts_a_line(text, END) {
        return anyhow!(
            "has text or white space before \"-----BEGIN\" or \"-----END\", which must start a line"
        );
    }
    let ends: BTreeSet<&str> = labels(text, END).collect();
    if labels(text, BEGIN).any(|label| ends.contains(label)) {
        let noun = wanted.to_string().to_lowercase();
        return anyhow!("the {noun}'s base64 is damaged");
    }
    anyhow!(
        "has damaged \"-----BEGIN\" or \"-----END\" lines, both must name the same kind and end in \"-----\""
    )
}

fn without_begin(text: &str, wanted: Wanted) -> Error {
    if is_base64_of_pem(text) {
        anyhow!("is base64 of PEM, decode it once and put the result here")
    } else if is_path(text) {
        anyhow!("looks like a file path, put the file's content here")
    } else if is_base64_of_der(text) {
        anyhow!(
            "lacks the lines \"-----BEGIN {wanted}-----\" and \"-----END {wanted}-----\" around its base64"
        )
    } else {
        anyhow!("is not PEM, it must hold \"-----BEGIN {wanted}-----\" and line breaks")
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
