//! X.509 certificates (RFC 5280, section 4.1) as Go's `x509.ParseCertificate` reads them.
//!
//! ```text
//! Certificate    ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature BIT STRING }
//! tbsCertificate ::= SEQUENCE { version [0] DEFAULT 0, serialNumber INTEGER, signature, issuer,
//!                    validity, subject, subjectPublicKeyInfo, issuerUniqueID [1],
//!                    subjectUniqueID [2], extensions [3] }
//! ```

use anyhow::{Context, Result, ensure};

use super::der::{NULL, OBJECT_IDENTIFIER, Reader, SEQUENCE, SET, explicit, implicit};
use super::extensions::{self, Extensions};
use super::key::{Key, UNKNOWN_CURVE, curve_size, oid};
use super::time::{self, Time};

const NOT_X509: &str = "the certificate is not X.509 DER";
const MALFORMED_RSA: &str = "the certificate's RSA key is malformed";

pub struct Certificate<'a> {
    /// Its public key, if a TLS client can use this kind of key.
    pub key: Option<Key>,
    pub not_after: Time,
    pub extensions: Extensions<'a>,
    /// The last common name of the subject.
    pub common_name: Option<&'a [u8]>,
    pub is_self_issued: bool,
    /// Whether it is of a version that has extensions.
    pub is_v3: bool,
}

/// Reads a certificate with no data after it.
pub fn parse(der: &[u8]) -> Result<Certificate<'_>> {
    let mut input = Reader::new(der, NOT_X509);
    let mut certificate = input.inside(SEQUENCE)?;
    input.require(input.is_empty())?;
    let mut tbs = certificate.inside(SEQUENCE)?;
    let version = version(&mut tbs)?;
    tbs.integer()?;
    // The certificate repeats the signature algorithm outside its signed part.
    let signature = tbs.contents(SEQUENCE)?;
    algorithm(Reader::new(signature, NOT_X509))?;
    let repeated = certificate.contents(SEQUENCE)?;
    certificate.require(repeated == signature)?;
    let issuer = tbs.contents(SEQUENCE)?;
    check_name(Reader::new(issuer, NOT_X509))?;
    let mut validity = tbs.inside(SEQUENCE)?;
    time(&mut validity)?;
    let not_after = time(&mut validity)?;
    let subject = tbs.contents(SEQUENCE)?;
    let common_name = check_name(Reader::new(subject, NOT_X509))?;
    let key = public_key(tbs.inside(SEQUENCE)?)?;
    if version >= 1 {
        tbs.skip_optional(implicit(1))?;
        tbs.skip_optional(implicit(2))?;
    }
    let mut extensions = Extensions::default();
    if version == 2 && tbs.next_is(explicit(3)) {
        extensions = extensions::read(tbs.inside(explicit(3))?.inside(SEQUENCE)?)?;
    }
    certificate.bit_string()?;
    Ok(Certificate {
        key,
        not_after,
        extensions,
        common_name,
        is_self_issued: issuer == subject,
        is_v3: version == 2,
    })
}

fn time(validity: &mut Reader) -> Result<Time> {
    let (tag, text) = validity.any()?;
    time::parse(tag, text).context(NOT_X509)
}

fn version(tbs: &mut Reader) -> Result<i64> {
    if !tbs.next_is(explicit(0)) {
        return Ok(0);
    }
    let mut field = tbs.inside(explicit(0))?;
    let version = field.int()?;
    field.require(field.is_empty() && (0..=2).contains(&version))?;
    Ok(version)
}

type Parameters<'a> = Option<(u8, &'a [u8])>;

/// `AlgorithmIdentifier`: an OBJECT IDENTIFIER and parameters of any kind.
fn algorithm(mut field: Reader<'_>) -> Result<(&[u8], Parameters<'_>)> {
    let oid = field.object_identifier()?;
    let parameters = (!field.is_empty()).then(|| field.any()).transpose()?;
    Ok((oid, parameters))
}

/// `SubjectPublicKeyInfo`. `None` for a kind of key that TLS cannot use.
fn public_key(mut info: Reader) -> Result<Option<Key>> {
    let (oid, parameters) = algorithm(info.inside(SEQUENCE)?)?;
    let (unused, key) = info.bit_string()?;
    match oid {
        oid::RSA => {
            ensure!(
                unused == 0 && parameters == Some((NULL, &[])),
                MALFORMED_RSA
            );
            let mut numbers = Reader::new(key, MALFORMED_RSA).inside(SEQUENCE)?;
            Key::rsa(&mut numbers).map(Some)
        }
        oid::EC => {
            let curve = parameters.filter(|&(tag, _)| tag == OBJECT_IDENTIFIER);
            let size = curve
                .and_then(|(_, oid)| curve_size(oid))
                .context(UNKNOWN_CURVE)?;
            ensure!(
                unused == 0 && key.len() == 1 + 2 * size && key.first() == Some(&4),
                "the certificate's elliptic curve point is malformed or compressed, but the peer needs it uncompressed"
            );
            Ok(Some(Key::Ec(size, key.to_vec())))
        }
        oid::ED25519 => {
            info.require(parameters.is_none() && key.len() == 32)?;
            Ok((unused == 0).then(|| Key::Ed25519(key.to_vec())))
        }
        _ => Ok(None),
    }
}

/// Reads over a Name (section 4.1.2.4),
/// `SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value }`, whose strings Go checks. Returns
/// the last common name in it.
fn check_name(mut name: Reader<'_>) -> Result<Option<&[u8]>> {
    let mut common_name = None;
    while !name.is_empty() {
        let mut set = name.inside(SET)?;
        while !set.is_empty() {
            let mut attribute = set.inside(SEQUENCE)?;
            let kind = attribute.object_identifier()?;
            let (tag, value) = attribute.any()?;
            if kind == oid::COMMON_NAME {
                common_name = Some(value);
            }
            ensure!(
                is_string(tag, value),
                "the certificate's issuer or subject has a character its string type forbids"
            );
        }
    }
    Ok(common_name)
}

fn is_string(tag: u8, value: &[u8]) -> bool {
    match tag {
        // UTF8String
        0x0c => str::from_utf8(value).is_ok(),
        // NumericString
        0x12 => value.iter().all(|byte| b" 0123456789".contains(byte)),
        // PrintableString, with two further characters that Go tolerates
        0x13 => value
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&byte)),
        // TeletexString
        0x14 => true,
        // IA5String
        0x16 => value.is_ascii(),
        // BMPString; newer Go knows which code units are characters, older does not
        0x1e => value.len().is_multiple_of(2),
        _ => false,
    }
}
