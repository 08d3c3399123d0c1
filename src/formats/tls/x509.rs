//! X.509 certificates (RFC 5280, section 4.1) as Go's `x509.ParseCertificate` reads them.
//!
//! ```text
//! Certificate    ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature BIT STRING }
//! tbsCertificate ::= SEQUENCE { version [0] DEFAULT 0, serialNumber INTEGER, signature, issuer, validity, subject,
//!                               subjectPublicKeyInfo, issuerUniqueID [1], subjectUniqueID [2], extensions [3] }
//! ```

use anyhow::{Context, Error, Result, anyhow};

use super::der::{BitString, NULL, OBJECT_IDENTIFIER, Reader, SEQUENCE, explicit, implicit};
use super::{extensions, names, time};

/// What is said of anything that is not a certificate.
pub const NOT_X509: &str = "the certificate is not X.509 DER";

/// A certificate, reduced to what a private key is compared with.
pub struct Certificate<'a> {
    key: Option<PublicKey<'a>>,
}

/// A public key of a kind that TLS can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicKey<'a> {
    /// RFC 8017, appendix A.1.1
    Rsa { modulus: &'a [u8], exponent: i64 },
    /// RFC 5480: an uncompressed point
    Ec { curve: Curve, point: &'a [u8] },
    /// RFC 8410
    Ed25519(&'a [u8]),
}

impl PublicKey<'_> {
    /// The name of the kind.
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::Rsa { .. } => "RSA",
            Self::Ec { .. } => "ECDSA",
            Self::Ed25519(_) => "Ed25519",
        }
    }
}

/// The curves Go knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    P224,
    P256,
    P384,
    P521,
}

pub mod oid {
    //! Contents of OBJECT IDENTIFIER elements.
    pub const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    pub const EC: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
    pub const ED25519: &[u8] = b"\x2b\x65\x70";
}

impl Curve {
    pub fn from_oid(oid: &[u8]) -> Option<Self> {
        match oid {
            b"\x2b\x81\x04\x00\x21" => Some(Self::P224),
            b"\x2a\x86\x48\xce\x3d\x03\x01\x07" => Some(Self::P256),
            b"\x2b\x81\x04\x00\x22" => Some(Self::P384),
            b"\x2b\x81\x04\x00\x23" => Some(Self::P521),
            _ => None,
        }
    }

    /// The length of a coordinate, and of a private key.
    pub fn size(self) -> usize {
        match self {
            Self::P224 => 28,
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// What is said of keys on other curves, and of a curve that is given by its parameters.
pub fn unknown_curve() -> Error {
    anyhow!("is on an elliptic curve the peer does not know, use P-256, P-384 or P-521 by name")
}

impl<'a> Certificate<'a> {
    /// Reads a certificate with nothing behind it.
    pub fn parse(der: &'a [u8]) -> Result<Self> {
        let mut input = Reader::new(der);
        let mut certificate = input
            .inside(SEQUENCE)
            .filter(|_| input.is_empty())
            .context(NOT_X509)?;
        let mut tbs = certificate.inside(SEQUENCE).context(NOT_X509)?;
        let version = version(&mut tbs).context(NOT_X509)?;
        algorithms(&mut tbs, &mut certificate).context(NOT_X509)?;
        name(&mut tbs)?;
        validity(&mut tbs).context(NOT_X509)?;
        name(&mut tbs)?;
        let key = public_key(&mut tbs)?;
        rest(&mut tbs, version).context(NOT_X509)?;
        certificate.bit_string().context(NOT_X509)?;
        Ok(Self { key })
    }

    /// The public key, if a TLS client can use it.
    pub fn tls_key(&self) -> Result<PublicKey<'a>> {
        self.key.context(
            "the certificate's key is not RSA, ECDSA or Ed25519, the peer can use no other",
        )
    }
}

fn version(tbs: &mut Reader) -> Option<i64> {
    if !tbs.next_is(explicit(0)) {
        return Some(0);
    }
    let mut field = tbs.inside(explicit(0))?;
    field
        .int()
        .filter(|version| field.is_empty() && (0..=2).contains(version))
}

/// The serial number, and the signature algorithm, which the certificate repeats outside its signed part.
fn algorithms(tbs: &mut Reader, certificate: &mut Reader) -> Option<()> {
    tbs.integer()?;
    let inner = tbs.contents(SEQUENCE)?;
    algorithm(Reader::new(inner))?;
    certificate
        .contents(SEQUENCE)
        .filter(|&outer| outer == inner)
        .map(drop)
}

fn name(tbs: &mut Reader) -> Result<()> {
    names::check(tbs.inside(SEQUENCE).context(NOT_X509)?)
}

fn validity(tbs: &mut Reader) -> Option<()> {
    let mut validity = tbs.inside(SEQUENCE)?;
    for _ in ["notBefore", "notAfter"] {
        validity
            .any()
            .filter(|&(tag, text)| time::is_time(tag, text))?;
    }
    Some(())
}

/// What follows the public key, which depends on the version.
fn rest(tbs: &mut Reader, version: i64) -> Option<()> {
    if version >= 1 {
        tbs.skip_optional(implicit(1))?;
        tbs.skip_optional(implicit(2))?;
    }
    if version == 2 && tbs.next_is(explicit(3)) {
        extensions::check(tbs.inside(explicit(3))?.inside(SEQUENCE)?)?;
    }
    Some(())
}

type Parameters<'a> = Option<(u8, &'a [u8])>;

/// `AlgorithmIdentifier`: an OBJECT IDENTIFIER and parameters of any kind.
fn algorithm(mut field: Reader<'_>) -> Option<(&[u8], Parameters<'_>)> {
    let oid = field.object_identifier()?;
    if field.is_empty() {
        return Some((oid, None));
    }
    field.any().map(|parameters| (oid, Some(parameters)))
}

/// `SubjectPublicKeyInfo`. A key of another kind than TLS can use is `None`.
fn public_key<'a>(tbs: &mut Reader<'a>) -> Result<Option<PublicKey<'a>>> {
    let (oid, parameters, key) = public_key_info(tbs).context(NOT_X509)?;
    match oid {
        oid::RSA => rsa_key(parameters, key)
            .context("the certificate's RSA key is malformed")
            .map(Some),
        oid::EC => ec_key(parameters, key).map(Some),
        oid::ED25519 if parameters.is_none() && key.len() == 32 => {
            Ok(key.whole_bytes().map(PublicKey::Ed25519))
        }
        oid::ED25519 => Err(anyhow!(NOT_X509)),
        _ => Ok(None),
    }
}

fn public_key_info<'a>(tbs: &mut Reader<'a>) -> Option<(&'a [u8], Parameters<'a>, BitString<'a>)> {
    let mut info = tbs.inside(SEQUENCE)?;
    let (oid, parameters) = algorithm(info.inside(SEQUENCE)?)?;
    Some((oid, parameters, info.bit_string()?))
}

fn rsa_key<'a>(parameters: Parameters, key: BitString<'a>) -> Option<PublicKey<'a>> {
    parameters.filter(|&(tag, contents)| tag == NULL && contents.is_empty())?;
    let mut numbers = Reader::new(key.whole_bytes()?).inside(SEQUENCE)?;
    let modulus = numbers.positive()?;
    let exponent = numbers.int().filter(|&exponent| exponent > 0)?;
    Some(PublicKey::Rsa { modulus, exponent })
}

fn ec_key<'a>(parameters: Parameters, key: BitString<'a>) -> Result<PublicKey<'a>> {
    let curve = parameters
        .filter(|&(tag, _)| tag == OBJECT_IDENTIFIER)
        .and_then(|(_, oid)| Curve::from_oid(oid))
        .ok_or_else(unknown_curve)?;
    match key.whole_bytes() {
        Some(point @ [4, xy @ ..]) if xy.len() == 2 * curve.size() => {
            Ok(PublicKey::Ec { curve, point })
        }
        _ => Err(anyhow!(
            "the certificate's elliptic curve point is malformed or compressed, the peer needs it uncompressed"
        )),
    }
}
