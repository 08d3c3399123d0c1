//! TLS material in `connection.json`: `root_cert`, and `client_cert` with `client_key`.
//!
//! The peer reads these fields at its first dial, long after install, with Go's `x509.CertPool.AppendCertsFromPEM` and
//! `tls.X509KeyPair` (Fabric, `internal/pkg/comm/config.go`). The types here exist only for text those two accept, so that
//! everything else is refused at install.
//!
//! What Go 1.19 accepts is accepted, and what Go 1.26 accepts. Some of what they refuse is accepted too, because telling
//! would take arithmetic on keys, or because Go's versions differ:
//! - a certificate whose elliptic curve point is not on its curve, or whose DSA key is malformed;
//! - a URI in the subject alternative name that is none, and malformed contents of extensions other than the key
//!   identifiers, key usage, extended key usage, subject alternative name and basic constraints;
//! - a negative serial number, or a key identifier marked critical, which only newer Go refuses;
//! - a private key that is damaged in what is not compared with the certificate, such as the primes of RSA;
//! - a private key that does not hold its public key (`openssl` leaves it out for Ed25519): whether it is the certificate's
//!   cannot be told.
//!
//! Two things that Go accepts are refused. A private key that holds a public key other than its own: Go computes the
//! public key anew, here the one in the file is believed. And PEM with `-----BEGIN ` inside a header line, where the latest
//! Go is followed, not the older one.

mod base64;
mod block;
mod der;
mod diagnose;
mod extensions;
mod fault;
mod key;
mod names;
#[cfg(test)]
mod tests;
mod time;
mod x509;

use block::{Block, Blocks};
pub use fault::{Algorithm, Fault, Wanted};
use key::PrivateKey;
use x509::Certificate;

/// Checks the value of `root_cert`: PEM in which the peer finds a certificate it can trust. One readable certificate is enough, and
/// everything around it is skipped.
///
/// # Errors
/// The fault of the first certificate block, or why there is none.
pub fn check_root_certificates(text: &str) -> Result<(), Fault> {
    let mut first = None;
    for block in Blocks::new(text).filter(Block::is_certificate) {
        let fault = if block.has_headers {
            Fault::CertificateHeaders
        } else {
            match Certificate::parse(&block.der) {
                Ok(_) => return Ok(()),
                Err(fault) => fault,
            }
        };
        first.get_or_insert(fault);
    }
    Err(first.unwrap_or_else(|| diagnose::diagnose(text, Wanted::Certificate)))
}

/// The field of a key pair that is at fault, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPairFault {
    /// `client_cert`
    Certificate(Fault),
    /// `client_key`
    Key(Fault),
}

/// Checks the values of `client_cert` and `client_key`, of which one may not be known yet: a certificate that the peer can present
/// and the private key that belongs to it. Only the first certificate and the first private key are read; an issuer's
/// certificate may follow.
///
/// # Errors
/// The fault of the certificate, otherwise of the key; a key of another certificate is the key's fault.
pub fn check_key_pair(certificate: Option<&str>, key: Option<&str>) -> Result<(), KeyPairFault> {
    let leaf = certificate
        .map(|text| first_block(text, Wanted::Certificate))
        .transpose()
        .map_err(KeyPairFault::Certificate)?;
    let public = leaf
        .as_ref()
        .map(|leaf| Certificate::parse(&leaf.der)?.tls_key())
        .transpose()
        .map_err(KeyPairFault::Certificate)?;
    let block = key
        .map(|text| first_block(text, Wanted::PrivateKey))
        .transpose()
        .map_err(KeyPairFault::Key)?;
    let private = block
        .as_ref()
        // Labels and headers do not count for Go, so they are looked at only to explain.
        .map(|block| {
            PrivateKey::parse(&block.der).map_err(|fault| block.unreadable_key().unwrap_or(fault))
        })
        .transpose()
        .map_err(KeyPairFault::Key)?;
    match (private, public) {
        (Some(private), Some(public)) => private.belongs_to(&public).map_err(KeyPairFault::Key),
        // One half alone cannot be compared.
        _ => Ok(()),
    }
}

/// Whether there could be key material in a text, or a piece of it: such a text is not quoted in a message.
#[must_use]
pub fn looks_like_key_material(text: &str) -> bool {
    // Nearly all base64 of random bytes that is so long has all three, and a name or path seldom has.
    const LONG: usize = 40;
    let is_base64 = |letter: char| letter.is_ascii_alphanumeric() || "+/".contains(letter);
    let is_random = |run: &str| {
        run.len() >= LONG
            && run.contains(|letter: char| letter.is_ascii_lowercase())
            && run.contains(|letter: char| letter.is_ascii_uppercase())
            && run.contains(|letter: char| letter.is_ascii_digit())
    };
    text.contains("-----BEGIN") || text.split(|letter| !is_base64(letter)).any(is_random)
}

/// Whether a file holds PEM of a private key, of whatever kind: told by the end of such a label, as it is written.
#[must_use]
pub fn holds_private_key(content: &[u8]) -> bool {
    const END_OF_LABEL: &[u8] = b"PRIVATE KEY-----";
    content
        .windows(END_OF_LABEL.len())
        .any(|bytes| bytes == END_OF_LABEL)
}

fn first_block(text: &str, wanted: Wanted) -> Result<Block<'_>, Fault> {
    Blocks::new(text)
        .find(|block| wanted.is(block.label))
        .ok_or_else(|| diagnose::diagnose(text, wanted))
}
