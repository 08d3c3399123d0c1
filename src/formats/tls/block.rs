//! PEM blocks (RFC 7468, and the header lines of RFC 1421) as Go's `encoding/pem` finds them.
//!
//! ```text
//! -----BEGIN LABEL-----      first on its line
//! Name: value                any number of header lines
//! base64                     spaces and line breaks anywhere
//! -----END LABEL-----        first on its line, nothing after it
//! ```
//!
//! A block that breaks a rule is skipped, as is all text around blocks. Where END has several BEGIN before it, the last one
//! counts.

use std::fmt;

use anyhow::{Error, anyhow};

use super::base64;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "\n-----END ";
const DASHES: &str = "-----";

/// One well-formed block.
pub struct Block<'a> {
    pub label: &'a str,
    pub has_headers: bool,
    encrypted: bool,
    pub der: Vec<u8>,
}

impl Block<'_> {
    /// Why the peer cannot read this private key, when its label or headers show it.
    pub fn unreadable_key(&self) -> Option<Error> {
        if self.encrypted || self.label == "ENCRYPTED PRIVATE KEY" {
            return Some(anyhow!(
                "is encrypted, the peer has no pass phrase; decrypt it with \"openssl pkey\""
            ));
        }
        if ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"].contains(&self.label) {
            return None;
        }
        let kind = known_label(self.label).unwrap_or("another kind of private key");
        Some(anyhow!(
            "holds {kind}, which the peer cannot read; convert it to a PRIVATE KEY"
        ))
    }
}

/// What a field must hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A block with the label `CERTIFICATE`.
    Certificate,
    /// A block whose label is or ends in `PRIVATE KEY`.
    PrivateKey,
}

impl Wanted {
    /// Whether a block with this label is wanted.
    pub fn is(self, label: &str) -> bool {
        match self {
            Self::Certificate => label == "CERTIFICATE",
            Self::PrivateKey => label == "PRIVATE KEY" || label.ends_with(" PRIVATE KEY"),
        }
    }
}

/// The label.
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "CERTIFICATE",
            Self::PrivateKey => "PRIVATE KEY",
        })
    }
}

/// Names a label that is well known, with its article. Others can be anything, a secret too.
pub fn known_label(label: &str) -> Option<&'static str> {
    const KNOWN: [&str; 17] = [
        "a CERTIFICATE",
        "a TRUSTED CERTIFICATE",
        "an X509 CERTIFICATE",
        "a CERTIFICATE REQUEST",
        "a NEW CERTIFICATE REQUEST",
        "an X509 CRL",
        "a PKCS7",
        "a PUBLIC KEY",
        "an RSA PUBLIC KEY",
        "a PRIVATE KEY",
        "an RSA PRIVATE KEY",
        "an EC PRIVATE KEY",
        "a DSA PRIVATE KEY",
        "an ENCRYPTED PRIVATE KEY",
        "an OPENSSH PRIVATE KEY",
        "EC PARAMETERS",
        "DH PARAMETERS",
    ];
    let bare = |known: &'static str| known.trim_start_matches("a ").trim_start_matches("an ");
    KNOWN.into_iter().find(|known| bare(known) == label)
}

/// The blocks of a text, in order.
pub struct Blocks<'a> {
    rest: &'a str,
}

impl<'a> Blocks<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { rest: text }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        loop {
            let (before, after) = self.rest.split_once(END)?;
            // Behind a bad block's "-----END ", Go takes what follows for the start of a line.
            self.rest = after;
            let Some((text, contents)) = before.rsplit_once(BEGIN) else {
                continue;
            };
            if !text.is_empty() && !text.ends_with('\n') {
                continue;
            }
            let (label, body) = cut_line(contents);
            let Some(label) = trim_line(label).strip_suffix(DASHES) else {
                continue;
            };
            let Headers {
                any: has_headers,
                encrypted,
                body,
            } = Headers::skip(body);
            let (end, rest) = cut_line(after);
            if body.is_none() && (has_headers || end.contains(':')) {
                // The END line follows a header line directly; Go gives up when it could be one too.
                if end.contains(':') {
                    self.rest = "";
                }
                continue;
            }
            let end = if rest.is_some() {
                trim_line(end)
            } else {
                trim_spaces(end)
            };
            if end.strip_suffix(DASHES) != Some(label) {
                continue;
            }
            let digits = body
                .unwrap_or_default()
                .bytes()
                .filter(|byte| !b" \t".contains(byte));
            let Some(der) = base64::decode(digits) else {
                continue;
            };
            self.rest = rest.unwrap_or_default();
            return Some(Block {
                label,
                has_headers,
                encrypted,
                der,
            });
        }
    }
}

struct Headers<'a> {
    any: bool,
    encrypted: bool,
    /// What follows them, unless the END line follows directly.
    body: Option<&'a str>,
}

impl<'a> Headers<'a> {
    fn skip(body: Option<&'a str>) -> Self {
        let mut headers = Self {
            any: false,
            encrypted: false,
            body,
        };
        while let Some((line, body)) = headers
            .body
            .map(cut_line)
            .filter(|(line, _)| line.contains(':'))
        {
            headers.any = true;
            headers.encrypted |= line.starts_with("DEK-Info") || line.contains("ENCRYPTED");
            headers.body = body;
        }
        headers
    }
}

/// The text up to the line break, and the text behind it if there is one.
fn cut_line(text: &str) -> (&str, Option<&str>) {
    text.split_once('\n')
        .map_or((text, None), |(line, rest)| (line, Some(rest)))
}

fn trim_line(line: &str) -> &str {
    trim_spaces(line.strip_suffix('\r').unwrap_or(line))
}

fn trim_spaces(line: &str) -> &str {
    line.trim_end_matches([' ', '\t'])
}
