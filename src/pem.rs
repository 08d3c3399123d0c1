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

/// The value of `root_cert`: PEM in which the peer finds a certificate it can trust.
///
/// As at the peer, one readable certificate is enough and everything around it is skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootCertificates(String);

impl RootCertificates {
    /// Takes `text` as it is, if the peer's certificate pool would.
    ///
    /// # Errors
    /// The fault of the first certificate block, or why there is none.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut first = None;
        for block in Blocks::new(text).filter(Block::is_certificate) {
            let fault = if block.has_headers {
                Fault::CertificateHeaders
            } else {
                match Certificate::parse(&block.der) {
                    Ok(_) => return Ok(Self(text.to_owned())),
                    Err(fault) => fault,
                }
            };
            first.get_or_insert(fault);
        }
        Err(first.unwrap_or_else(|| diagnose::diagnose(text, Wanted::Certificate)))
    }

    /// The text, unchanged.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The values of `client_cert` and `client_key`: a certificate and the private key that belongs to it.
///
/// It has no `Debug`, so that the key cannot end in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    certificate: String,
    key: String,
}

/// The field of a key pair that is at fault, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPairFault {
    /// `client_cert`
    Certificate(Fault),
    /// `client_key`
    Key(Fault),
}

impl KeyPair {
    /// Takes the two texts as they are, if the peer could present them to a chaincode server.
    ///
    /// As at the peer, only the first certificate and the first private key are read; an issuer's certificate may follow.
    ///
    /// # Errors
    /// The fault of the certificate, otherwise of the key; a key of another certificate is the key's fault.
    pub fn parse(certificate: &str, key: &str) -> Result<Self, KeyPairFault> {
        let leaf =
            first_block(certificate, Wanted::Certificate).map_err(KeyPairFault::Certificate)?;
        let public = Certificate::parse(&leaf.der)
            .and_then(|leaf| leaf.tls_key())
            .map_err(KeyPairFault::Certificate)?;
        let block = first_block(key, Wanted::PrivateKey).map_err(KeyPairFault::Key)?;
        PrivateKey::parse(&block.der)
            // Labels and headers do not count for Go, so they are looked at only to explain.
            .map_err(|fault| block.unreadable_key().unwrap_or(fault))
            .and_then(|private| private.belongs_to(&public))
            .map_err(KeyPairFault::Key)?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        })
    }

    /// The text of `client_cert`, unchanged.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The text of `client_key`, unchanged.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

fn first_block(text: &str, wanted: Wanted) -> Result<Block<'_>, Fault> {
    Blocks::new(text)
        .find(|block| wanted.is(block.label))
        .ok_or_else(|| diagnose::diagnose(text, wanted))
}
