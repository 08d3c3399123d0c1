//! TLS material in `connection.json`: `root_cert`, and `client_cert` with `client_key`.
//!
//! The peer reads these fields at its first dial, long after install, with Go's
//! `x509.CertPool.AppendCertsFromPEM` and `tls.X509KeyPair` (Fabric,
//! `internal/pkg/comm/config.go`). What they would refuse then is refused here at install. No
//! message quotes any of the material.
//!
//! What Go 1.19 or Go 1.26 accepts is accepted. Some of what they refuse is accepted too, because
//! detecting it takes arithmetic on keys, or because Go's versions differ:
//! - a certificate whose elliptic curve point is not on its curve, or whose DSA key is malformed;
//! - a malformed URI in the subject alternative name, and malformed extensions other than the key
//!   identifiers, key usage, extended key usage, subject alternative name and basic constraints;
//! - a negative serial number, or a key identifier marked critical, which only newer Go refuses;
//! - a private key with damage in a part that is not compared with the certificate, such as RSA's
//!   primes;
//! - a private key that does not hold its public key (`openssl` leaves it out for Ed25519), which
//!   cannot be compared with the certificate's.
//!
//! Two things that Go accepts are refused: a private key that contains a public key other than its
//! own, which Go recomputes; and PEM with `-----BEGIN ` inside a header line, which only older Go
//! accepts.

mod base64;
mod block;
mod der;
mod diagnose;
mod extensions;
mod key;
#[cfg(test)]
mod tests;
mod time;
mod x509;

use std::net::IpAddr;

use anyhow::{Context, Result, bail, ensure};

use block::{Block, CERTIFICATE, PRIVATE_KEY, blocks, is_wanted};
use key::{Key, oid};
pub use time::Time;

/// Checks the value of `root_cert`: PEM in which the peer finds a certificate it can trust. One
/// readable certificate is enough, and everything around it is skipped. The error is the fault of
/// the first certificate block, or why there is none.
pub fn check_root_certificates(text: &str) -> Result<()> {
    let mut checked = wanted_blocks(text, CERTIFICATE).map(|block| {
        ensure!(
            block.headers.is_empty(),
            "the certificate's block has header lines, which the peer does not accept; remove them"
        );
        x509::parse(&block.der).map(drop)
    });
    let first = checked.next();
    let first = first.unwrap_or_else(|| Err(diagnose::missing(text, CERTIFICATE)));
    match first {
        Err(_) if checked.any(|certificate| certificate.is_ok()) => Ok(()),
        first => first,
    }
}

/// Checks the values of `client_cert` and `client_key`, one of which may not be known yet: a
/// certificate that the peer can present, and the private key that belongs to it. Only the first
/// certificate and the first private key are read; an issuer's certificate may follow. The error is
/// the fault of the certificate, or else of the key, with the field's name. If the two do not
/// belong together, that is the key's fault.
pub fn check_key_pair(certificate: Option<&str>, key: Option<&str>) -> Result<()> {
    let public = certificate.map(certified_key).transpose();
    let public = public.context("client_cert")?;
    let private = key.map(private_key).transpose().context("client_key")?;
    match (private, public) {
        (Some(private), Some(public)) => {
            let mut later = wanted_blocks(certificate.unwrap_or_default(), CERTIFICATE).skip(1);
            let is_its = |block: Block| {
                let certificate = x509::parse(&block.der).ok();
                let public = certificate.and_then(|certificate| certificate.key);
                public.is_some_and(|public| private.belongs_to(&public).is_ok())
            };
            let belongs = private.belongs_to(&public);
            if belongs.is_err() && later.any(is_its) {
                bail!(
                    "client_key: belongs to a later certificate in client_cert; put that one first"
                );
            }
            belongs.context("client_key")
        }
        // There is nothing to compare with.
        _ => Ok(()),
    }
}

/// Whether each of two texts has what the other should have: a certificate and a private key.
pub fn are_swapped(certificate: &str, key: &str) -> bool {
    let has_only = |text, wanted, other| {
        wanted_blocks(text, other).next().is_none() && wanted_blocks(text, wanted).next().is_some()
    };
    has_only(certificate, PRIVATE_KEY, CERTIFICATE) && has_only(key, CERTIFICATE, PRIVATE_KEY)
}

fn certified_key(text: &str) -> Result<Key> {
    let block = first_block(text, CERTIFICATE)?;
    x509::parse(&block.der)?.key.context(
        "the certificate's key is not RSA, ECDSA or Ed25519, the only kinds the peer can use",
    )
}

fn private_key(text: &str) -> Result<Key> {
    let block = first_block(text, PRIVATE_KEY)?;
    // Go ignores labels and headers, so they are used only for the message.
    key::parse(&block.der).map_err(|fault| diagnose::unreadable_key(&block).unwrap_or(fault))
}

/// When the certificates in a text expire, as far as they can be read.
pub fn expiries(text: &str) -> impl Iterator<Item = Time> {
    let blocks = wanted_blocks(text, CERTIFICATE);
    blocks.filter_map(|block| Some(x509::parse(&block.der).ok()?.not_after))
}

/// If `root_cert` is the server's own certificate and not a CA's: whether it is for this name,
/// without which the peer refuses the server.
pub fn own_certificate_is_for(root_cert: &str, name: &str) -> Option<bool> {
    let mut found = wanted_blocks(root_cert, CERTIFICATE);
    let (block, None) = (found.next()?, found.next()) else {
        return None;
    };
    let certificate = x509::parse(&block.der).ok()?;
    let extensions = certificate.extensions;
    // `openssl req -x509` marks a server's certificate as a CA's too. Such a certificate names the
    // server, and does not say that its key signs certificates.
    let is_named = |common: &[u8]| common.eq_ignore_ascii_case(name.as_bytes());
    let is_servers = certificate.is_self_issued
        && !extensions.key_signs_certificates
        && (!extensions.names.is_empty() || certificate.common_name.is_some_and(is_named));
    let is_own = !extensions.is_ca || is_servers;
    let mut names = extensions.names.iter();
    let is_for = names.any(|&(tag, found)| is_name(tag, found, name));
    (is_own && certificate.is_v3).then_some(is_for)
}

/// Whether the first certificate in a text is for other uses than that of a TLS client.
pub fn is_not_for_client(client_cert: &str) -> bool {
    let block = wanted_blocks(client_cert, CERTIFICATE).next();
    let certificate = block.as_ref().map(|block| x509::parse(&block.der));
    let Some(Ok(certificate)) = certificate else {
        return false;
    };
    let usages = &certificate.extensions.usages;
    let is_for = |usage: &&[u8]| [oid::ANY_USAGE, oid::CLIENT].contains(usage);
    !usages.is_empty() && !usages.iter().any(is_for)
}

/// Whether a name in a certificate is for the server `name`, as in Go's `VerifyHostname`.
fn is_name(tag: u8, found: &[u8], name: &str) -> bool {
    match (tag, name.parse::<IpAddr>()) {
        (extensions::IP_ADDRESS, Ok(IpAddr::V4(address))) => found == address.octets(),
        (extensions::IP_ADDRESS, Ok(IpAddr::V6(address))) => found == address.octets(),
        (extensions::DNS_NAME, Err(_)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let is = |found: &[u8], name: &str| found.eq_ignore_ascii_case(name.as_bytes());
            let parent = name.split_once('.').map(|(_, parent)| parent);
            let wild = found.strip_prefix(b"*.").zip(parent);
            is(found, name) || wild.is_some_and(|(found, parent)| is(found, parent))
        }
        _ => false,
    }
}

/// What is said of a file in which nobody needs a private key.
pub const KEY_WITHIN: &str = "holds a private key, which goes into the package";

/// Whether a file contains the end of a PEM label of any kind of private key.
pub fn holds_private_key(content: &[u8]) -> bool {
    String::from_utf8_lossy(content).contains("PRIVATE KEY-----")
}

fn wanted_blocks<'a>(text: &'a str, wanted: &'a str) -> impl Iterator<Item = Block<'a>> {
    blocks(text).filter(move |block| is_wanted(block.label, wanted))
}

fn first_block<'a>(text: &'a str, wanted: &'a str) -> Result<Block<'a>> {
    let first = wanted_blocks(text, wanted).next();
    first.ok_or_else(|| diagnose::missing(text, wanted))
}
