//! Private keys as Go's `tls.X509KeyPair` reads them, whatever their PEM label says: PKCS#1 (RFC
//! 8017, appendix A.1.2), PKCS#8 (RFC 5958) and SEC 1 (RFC 5915).
//!
//! ```text
//! RSAPrivateKey  ::= SEQUENCE { version INTEGER, modulus INTEGER, publicExponent INTEGER,
//!                    privateExponent INTEGER, prime1 INTEGER, prime2 INTEGER, ... }
//! PrivateKeyInfo ::= SEQUENCE { version INTEGER, algorithm SEQUENCE, privateKey OCTET STRING, ... }
//! ECPrivateKey   ::= SEQUENCE { version INTEGER, privateKey OCTET STRING, parameters [0],
//!                    publicKey [1] }
//! ```

use anyhow::{Context, Result, bail, ensure};

use super::der::{INTEGER, OCTET_STRING, Reader, SEQUENCE, explicit, implicit};

const NOT_A_KEY: &str = "the private key is not PKCS#8, PKCS#1 or SEC 1 DER";

/// The message for keys on other curves, and for a curve given by its parameters.
pub const UNKNOWN_CURVE: &str =
    "is on an elliptic curve the peer does not know; use P-256, P-384 or P-521 by name";

/// Contents of OBJECT IDENTIFIER elements.
pub mod oid {
    pub const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    pub const EC: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
    pub const ED25519: &[u8] = b"\x2b\x65\x70";
    /// id-at-commonName
    pub const COMMON_NAME: &[u8] = b"\x55\x04\x03";
    /// anyExtendedKeyUsage
    pub const ANY_USAGE: &[u8] = b"\x55\x1d\x25\x00";
    /// id-kp-clientAuth
    pub const CLIENT: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x02";
}

/// The public key of a certificate, or the public part of a private key. In a private key, an EC
/// point or the Ed25519 bytes may be missing (empty), and a point may have any form.
#[derive(PartialEq, Eq)]
pub enum Key {
    /// RFC 8017, appendix A.1.1
    Rsa { modulus: Vec<u8>, exponent: i64 },
    /// RFC 5480: the [size](curve_size) of the curve, and an uncompressed point
    Ec(usize, Vec<u8>),
    /// RFC 8410
    Ed25519(Vec<u8>),
}

impl Key {
    /// Reads an `RSAPublicKey`, or the same fields in an `RSAPrivateKey`.
    pub fn rsa(fields: &mut Reader) -> Result<Self> {
        let modulus = fields.positive()?.to_vec();
        let exponent = fields.int()?;
        fields.require(exponent > 0)?;
        Ok(Self::Rsa { modulus, exponent })
    }

    /// Whether this private key belongs to `public`, as far as that can be determined.
    pub fn belongs_to(&self, public: &Self) -> Result<()> {
        let matches = match (self, public) {
            (Self::Rsa { .. }, Self::Rsa { .. }) => self == public,
            (Self::Ec(curve, point), Self::Ec(named, of)) => {
                curve == named && same_point(point, of)
            }
            (Self::Ed25519(bytes), Self::Ed25519(of)) => bytes.is_empty() || bytes == of,
            _ => bail!(
                "does not belong to client_cert: it is {} and the certificate's key is {}",
                self.algorithm(),
                public.algorithm()
            ),
        };
        ensure!(
            matches,
            "does not belong to client_cert, whose public key is different"
        );
        Ok(())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "RSA",
            Self::Ec(..) => "ECDSA",
            Self::Ed25519(_) => "Ed25519",
        }
    }
}

/// The length of a coordinate on one of the curves that Go knows; it is different for each.
pub fn curve_size(oid: &[u8]) -> Option<usize> {
    match oid {
        // P-224, P-256, P-384, P-521
        b"\x2b\x81\x04\x00\x21" => Some(28),
        b"\x2a\x86\x48\xce\x3d\x03\x01\x07" => Some(32),
        b"\x2b\x81\x04\x00\x22" => Some(48),
        b"\x2b\x81\x04\x00\x23" => Some(66),
        _ => None,
    }
}

/// Reads a private key in any of the three forms; the second field shows which one it is.
pub fn parse(der: &[u8]) -> Result<Key> {
    let mut fields = Reader::new(der, NOT_A_KEY).inside(SEQUENCE)?;
    fields.int()?;
    if fields.next_is(INTEGER) {
        rsa(der)
    } else if fields.next_is(OCTET_STRING) {
        ec(der, None)
    } else {
        pkcs8(fields)
    }
}

/// An `RSAPrivateKey`. Unlike the other two forms, Go allows no data after it.
fn rsa(der: &[u8]) -> Result<Key> {
    let mut input = Reader::new(der, NOT_A_KEY);
    let mut fields = input.inside(SEQUENCE)?;
    input.require(input.is_empty())?;
    let version = fields.int()?;
    fields.require(version <= 1)?;
    let key = Key::rsa(&mut fields)?;
    for _ in ["privateExponent", "prime1", "prime2"] {
        fields.positive()?;
    }
    Ok(key)
}

/// The fields of a `PrivateKeyInfo` after its version.
fn pkcs8(mut fields: Reader) -> Result<Key> {
    let mut algorithm = fields.inside(SEQUENCE)?;
    let oid = algorithm.object_identifier()?;
    let key = fields.contents(OCTET_STRING)?;
    match oid {
        oid::RSA => rsa(key),
        oid::EC => ec(key, algorithm.object_identifier().ok()),
        oid::ED25519 => {
            let seed = Reader::new(key, NOT_A_KEY).contents(OCTET_STRING)?;
            fields.require(algorithm.is_empty() && seed.len() == 32)?;
            // A `OneAsymmetricKey` (RFC 5958) can hold the public key after its attributes.
            let attributes = fields.skip_optional(explicit(0));
            let public = attributes.and_then(|()| fields.contents(implicit(1)));
            Ok(Key::Ed25519(match public {
                Ok([0, public @ ..]) if public.len() == 32 => public.to_vec(),
                _ => Vec::new(),
            }))
        }
        _ => bail!("the private key is not RSA, ECDSA or Ed25519, the only kinds the peer can use"),
    }
}

/// An `ECPrivateKey`. In PKCS#8, the curve is named outside it.
fn ec(der: &[u8], named: Option<&[u8]>) -> Result<Key> {
    let mut fields = Reader::new(der, NOT_A_KEY).inside(SEQUENCE)?;
    let version = fields.int()?;
    let scalar = fields.contents(OCTET_STRING)?;
    fields.require(version == 1)?;
    let inner = fields.optional(explicit(0), Reader::object_identifier);
    let point = match fields.optional(explicit(1), Reader::bit_string) {
        Some((0, point)) => point.to_vec(),
        _ => Vec::new(),
    };
    let size = named
        .or(inner)
        .and_then(curve_size)
        .context(UNKNOWN_CURVE)?;
    // Some programs wrote too many leading zeros, others too few.
    let digits = scalar.iter().skip_while(|&&byte| byte == 0).count();
    fields.require((1..=size).contains(&digits))?;
    Ok(Key::Ec(size, point))
}

/// Compares a point in any form of SEC 1, section 2.3.3, with an uncompressed one. For unknown
/// forms, equality cannot be determined.
fn same_point(point: &[u8], uncompressed: &[u8]) -> bool {
    let both = uncompressed.get(1..).unwrap_or_default();
    let (x, y) = both.split_at(both.len() / 2);
    match point {
        [4 | 6 | 7, given @ ..] if given.len() == both.len() => given == both,
        [sign @ (2 | 3), given @ ..] if given.len() == x.len() => {
            given == x && y.last().is_some_and(|last| last & 1 == sign & 1)
        }
        _ => true,
    }
}
