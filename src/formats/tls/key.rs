//! Private keys as Go's `tls.X509KeyPair` reads them, whatever their PEM label says: PKCS#1 (RFC 8017, appendix A.1.2),
//! PKCS#8 (RFC 5958) and SEC 1 (RFC 5915).
//!
//! ```text
//! RSAPrivateKey ::= SEQUENCE { version INTEGER, modulus INTEGER, publicExponent INTEGER, privateExponent INTEGER,
//!                              prime1 INTEGER, prime2 INTEGER, ... }
//! PrivateKeyInfo ::= SEQUENCE { version INTEGER, algorithm SEQUENCE, privateKey OCTET STRING, ... }
//! ECPrivateKey  ::= SEQUENCE { version INTEGER, privateKey OCTET STRING, parameters [0], publicKey [1] }
//! ```

use anyhow::{Context, Result, bail, ensure};

use super::der::{BitString, INTEGER, OCTET_STRING, Reader, SEQUENCE, explicit, implicit};
use super::x509::{Curve, PublicKey, oid, unknown_curve};

/// What is said of anything that is not a private key.
const NOT_A_KEY: &str = "the private key is not PKCS#8, PKCS#1 or SEC 1 DER";

/// A private key, reduced to its public part, which it need not hold.
#[derive(Clone, Copy)]
pub enum PrivateKey<'a> {
    Rsa {
        modulus: &'a [u8],
        exponent: i64,
    },
    Ec {
        curve: Curve,
        point: Option<&'a [u8]>,
    },
    Ed25519(Option<&'a [u8]>),
}

impl<'a> PrivateKey<'a> {
    /// Reads a key of any of the three forms, which their second field tells apart.
    pub fn parse(der: &'a [u8]) -> Result<Self> {
        let mut fields = Reader::new(der).inside(SEQUENCE).context(NOT_A_KEY)?;
        let version = fields.int().context(NOT_A_KEY)?;
        if fields.next_is(INTEGER) {
            rsa(der).context(NOT_A_KEY)
        } else if fields.next_is(OCTET_STRING) {
            ec(version, fields, None)
        } else {
            pkcs8(fields)
        }
    }

    /// Whether this is the private key of `public`, as far as that can be seen.
    pub fn belongs_to(self, public: &PublicKey) -> Result<()> {
        let matches = match (self, *public) {
            (
                Self::Rsa { modulus, exponent },
                PublicKey::Rsa {
                    modulus: n,
                    exponent: e,
                },
            ) => (modulus, exponent) == (n, e),
            (
                Self::Ec { curve, point },
                PublicKey::Ec {
                    curve: named,
                    point: of,
                },
            ) => curve == named && point.is_none_or(|point| same_point(point, of)),
            (Self::Ed25519(bytes), PublicKey::Ed25519(of)) => bytes.is_none_or(|bytes| bytes == of),
            (key, public) => bail!(
                "does not belong to client_cert, it is {} and the certificate's key is {}",
                key.algorithm(),
                public.algorithm()
            ),
        };
        ensure!(
            matches,
            "does not belong to client_cert, whose public key is another one"
        );
        Ok(())
    }

    fn algorithm(self) -> &'static str {
        match self {
            Self::Rsa { .. } => "RSA",
            Self::Ec { .. } => "ECDSA",
            Self::Ed25519(_) => "Ed25519",
        }
    }
}

/// An `RSAPrivateKey`. Of the three forms, this is the only one behind which Go allows nothing.
fn rsa(der: &[u8]) -> Option<PrivateKey<'_>> {
    let mut input = Reader::new(der);
    let mut fields = input.inside(SEQUENCE).filter(|_| input.is_empty())?;
    fields.int().filter(|&version| version <= 1)?;
    let modulus = fields.positive()?;
    let exponent = fields.int().filter(|&exponent| exponent > 0)?;
    for _ in ["privateExponent", "prime1", "prime2"] {
        fields.positive()?;
    }
    Some(PrivateKey::Rsa { modulus, exponent })
}

/// The fields of a `PrivateKeyInfo` behind its version.
fn pkcs8(mut fields: Reader<'_>) -> Result<PrivateKey<'_>> {
    let mut algorithm = fields.inside(SEQUENCE).context(NOT_A_KEY)?;
    let oid = algorithm.object_identifier().context(NOT_A_KEY)?;
    let key = fields.contents(OCTET_STRING).context(NOT_A_KEY)?;
    match oid {
        oid::RSA => rsa(key).context(NOT_A_KEY),
        oid::EC => {
            let mut key = Reader::new(key).inside(SEQUENCE).context(NOT_A_KEY)?;
            let version = key.int().context(NOT_A_KEY)?;
            ec(version, key, algorithm.object_identifier())
        }
        oid::ED25519 => {
            let seed = Reader::new(key).contents(OCTET_STRING);
            if !algorithm.is_empty() || seed.is_none_or(|seed| seed.len() != 32) {
                bail!(NOT_A_KEY);
            }
            Ok(PrivateKey::Ed25519(ed25519_public(fields)))
        }
        _ => bail!("the private key is not RSA, ECDSA or Ed25519, the peer can use no other"),
    }
}

/// The public key of a `OneAsymmetricKey` (RFC 5958), behind its attributes.
fn ed25519_public(mut fields: Reader<'_>) -> Option<&[u8]> {
    fields.skip_optional(explicit(0))?;
    match fields.contents(implicit(1))? {
        [0, bytes @ ..] if bytes.len() == 32 => Some(bytes),
        _ => None,
    }
}

/// The fields of an `ECPrivateKey` behind its version. PKCS#8 names the curve outside.
fn ec<'a>(version: i64, mut fields: Reader<'a>, named: Option<&[u8]>) -> Result<PrivateKey<'a>> {
    let scalar = fields
        .contents(OCTET_STRING)
        .filter(|_| version == 1)
        .context(NOT_A_KEY)?;
    let inner = optional(&mut fields, 0, Reader::object_identifier);
    let point = optional(&mut fields, 1, Reader::bit_string).and_then(BitString::whole_bytes);
    let curve = named
        .or(inner)
        .and_then(Curve::from_oid)
        .ok_or_else(unknown_curve)?;
    // Some programs wrote too many leading zeros, others none.
    let digits = scalar.iter().skip_while(|&&byte| byte == 0).count();
    if digits == 0 || digits > curve.size() {
        bail!(NOT_A_KEY);
    }
    Ok(PrivateKey::Ec { curve, point })
}

/// An optional field. Like Go, it trusts the length of what is inside, not of the wrapper.
fn optional<'a, T>(
    fields: &mut Reader<'a>,
    number: u8,
    read: impl Fn(&mut Reader<'a>) -> Option<T>,
) -> Option<T> {
    let mut inside = fields.opened(explicit(number))?;
    let value = read(&mut inside)?;
    *fields = inside;
    Some(value)
}

/// Compares a point in any form of SEC 1, section 2.3.3, with an uncompressed one. Other forms cannot be told apart.
fn same_point(point: &[u8], uncompressed: &[u8]) -> bool {
    let Some((_, coordinates)) = uncompressed.split_first() else {
        return false;
    };
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    match point {
        [4 | 6 | 7, both @ ..] if both.len() == coordinates.len() => both == coordinates,
        [sign @ (2 | 3), one @ ..] if one.len() == x.len() => {
            one == x && y.last().is_some_and(|last| last & 1 == sign & 1)
        }
        _ => true,
    }
}
