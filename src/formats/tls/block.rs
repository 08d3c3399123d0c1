//! PEM blocks (RFC 7468, and the header lines of RFC 1421) as Go's `encoding/pem` finds them.
//!
//! ```text
//! -----BEGIN LABEL-----      first on its line
//! Name: value                any number of header lines
//! base64                     spaces and line breaks anywhere
//! -----END LABEL-----        first on its line, nothing after it
//! ```
//!
//! A block that breaks a rule is skipped, and so is all text around blocks. If several BEGIN lines
//! precede an END, the last one counts.

use std::iter;

use super::base64;

pub const BEGIN: &str = "-----BEGIN ";
pub const END: &str = "-----END ";
const DASHES: &str = "-----";

/// The label of a certificate, and the label of a private key or its end.
pub const CERTIFICATE: &str = "CERTIFICATE";
pub const PRIVATE_KEY: &str = "PRIVATE KEY";

pub struct Block<'a> {
    pub label: &'a str,
    pub headers: &'a str,
    pub der: Vec<u8>,
}

/// Whether this label is the `wanted` one, [`CERTIFICATE`] or [`PRIVATE_KEY`].
pub fn is_wanted(label: &str, wanted: &str) -> bool {
    label == wanted || wanted == PRIVATE_KEY && label.ends_with(" PRIVATE KEY")
}

pub fn blocks(mut rest: &str) -> impl Iterator<Item = Block<'_>> {
    iter::from_fn(move || {
        loop {
            let (before, end) = rest.split_at(rest.find("\n-----END ")? + 1);
            // After a bad block's "-----END ", Go treats what follows as the start of a line.
            rest = end.strip_prefix(END)?;
            if let Some(block) = block(before, &mut rest) {
                return Some(block);
            }
        }
    })
}

/// The block before an END; `rest` begins with the remainder of that END line. Advances `rest` to
/// where reading continues.
fn block<'a>(before: &'a str, rest: &mut &'a str) -> Option<Block<'a>> {
    let (text, contents) = before.rsplit_once(BEGIN)?;
    if !text.is_empty() && !text.ends_with('\n') {
        return None;
    }
    let (label, body) = cut_line(contents);
    let label = label.strip_suffix(DASHES)?;
    let headers = body
        .split_inclusive('\n')
        .take_while(|line| line.contains(':'));
    let (headers, body) = body.split_at(headers.map(str::len).sum());
    let (end, after) = cut_line(rest);
    if body.is_empty() && end.contains(':') {
        // The END line could be a header too, and Go gives up.
        *rest = "";
        return None;
    }
    // An END line must not directly follow a header line.
    if body.is_empty() && !headers.is_empty() || end.strip_suffix(DASHES)? != label {
        return None;
    }
    let der = base64::decode(body.bytes().filter(|byte| !b" \t".contains(byte)))?;
    *rest = after;
    Some(Block {
        label,
        headers,
        der,
    })
}

/// The text up to the line break, without trailing white space, and the text after it.
fn cut_line(text: &str) -> (&str, &str) {
    let (line, rest) = match text.split_once('\n') {
        Some((line, rest)) => (line.strip_suffix('\r').unwrap_or(line), rest),
        None => (text, ""),
    };
    (line.trim_end_matches([' ', '\t']), rest)
}
