//! What can be wrong with TLS material, in words that hold nothing of it.

use std::fmt;

/// What a field must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A block with the label `CERTIFICATE`.
    Certificate,
    /// A block whose label is or ends in `PRIVATE KEY`.
    PrivateKey,
}

impl Wanted {
    pub(super) fn is(self, label: &str) -> bool {
        match self {
            Self::Certificate => label == "CERTIFICATE",
            Self::PrivateKey => label == "PRIVATE KEY" || label.ends_with(" PRIVATE KEY"),
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::PrivateKey => "private key",
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "CERTIFICATE",
            Self::PrivateKey => "PRIVATE KEY",
        })
    }
}

/// The kind of a key that TLS can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA
    Rsa,
    /// ECDSA
    Ecdsa,
    /// Ed25519
    Ed25519,
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA",
            Self::Ecdsa => "ECDSA",
            Self::Ed25519 => "Ed25519",
        })
    }
}

/// Why the peer would not take a value. Displayed, it continues `connection.json: FIELD: `.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing, or only white space.
    Empty(Wanted),
    /// Something else than PEM.
    NotPem(Wanted),
    /// The path of a file.
    Path,
    /// PEM that was base64-encoded as a whole, as in a Kubernetes Secret.
    EncodedTwice,
    /// The base64 of a PEM block without its first and last line.
    NoFrame(Wanted),
    /// PEM with `\n` in two characters.
    BackslashN,
    /// PEM on one line.
    OneLine,
    /// PEM with white space or other text before `-----BEGIN` or `-----END`.
    Indented,
    /// PEM without an END line.
    CutOff,
    /// PEM whose BEGIN and END lines are malformed or differ.
    Frame,
    /// Base64 that cannot be decoded.
    Base64(Wanted),
    /// Well-formed PEM of other kinds only; the first one's name, if it is well known.
    OtherKind(Option<&'static str>, Wanted),
    /// A root certificate with PEM header lines, which the peer skips.
    CertificateHeaders,
    /// Not the structure of a certificate.
    NotX509,
    /// A string in the issuer or subject is not of its type.
    NameString,
    /// A malformed RSA public key.
    RsaKey,
    /// An elliptic curve the peer does not know, or one given by its parameters.
    Curve,
    /// An elliptic curve public key that is not an uncompressed point.
    Point,
    /// A certificate for another kind of key than TLS can use.
    CertificateAlgorithm,
    /// A private key that needs a pass phrase.
    Encrypted,
    /// A private key in a format the peer cannot read; its name, if it is well known.
    KeyFormat(Option<&'static str>),
    /// Not the structure of a private key.
    KeyDer,
    /// A private key of another kind than TLS can use.
    KeyAlgorithm,
    /// The private key is of another kind than the certificate's.
    OtherAlgorithm {
        /// Of the private key.
        key: Algorithm,
        /// Of the certificate.
        certificate: Algorithm,
    },
    /// The private key is not the certificate's.
    OtherKey,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Empty(wanted) => write!(f, "is empty, a PEM {wanted} is needed"),
            Self::NotPem(wanted) => write!(f, "is not PEM, it must hold \"-----BEGIN {wanted}-----\" and line breaks"),
            Self::Path => f.write_str("looks like a file path, put the file's content here"),
            Self::EncodedTwice => f.write_str("is base64 of PEM, decode it once and put the result here"),
            Self::NoFrame(wanted) => write!(
                f,
                "lacks the lines \"-----BEGIN {wanted}-----\" and \"-----END {wanted}-----\" around its base64"
            ),
            Self::BackslashN => f.write_str("holds a backslash and an n where its line breaks belong, in JSON write \\n and not \\\\n"),
            Self::OneLine => f.write_str("is PEM on one line, its line breaks are lost, in JSON write them as \\n"),
            Self::Indented => f.write_str("has text or white space before \"-----BEGIN\" or \"-----END\", which must start a line"),
            Self::CutOff => f.write_str("is cut off, the \"-----END\" line is missing"),
            Self::Frame => f.write_str("has damaged \"-----BEGIN\" or \"-----END\" lines, both must name the same kind and end in \"-----\""),
            Self::Base64(wanted) => write!(f, "the {}'s base64 is damaged", wanted.noun()),
            Self::OtherKind(found, wanted) => {
                write!(f, "holds {}, a {wanted} is needed", found.unwrap_or("another kind of PEM block"))
            }
            Self::CertificateHeaders => {
                f.write_str("the certificate's block has header lines, which the peer does not accept, remove them")
            }
            Self::NotX509 => f.write_str("the certificate is not X.509 DER"),
            Self::NameString => f.write_str("the certificate's issuer or subject has a character its string type forbids"),
            Self::RsaKey => f.write_str("the certificate's RSA key is malformed"),
            Self::Curve => f.write_str("is on an elliptic curve the peer does not know, use P-256, P-384 or P-521 by name"),
            Self::Point => f.write_str("the certificate's elliptic curve point is malformed or compressed, the peer needs it uncompressed"),
            Self::CertificateAlgorithm => f.write_str("the certificate's key is not RSA, ECDSA or Ed25519, the peer can use no other"),
            Self::Encrypted => f.write_str("is encrypted, the peer has no pass phrase; decrypt it with \"openssl pkey\""),
            Self::KeyFormat(found) => write!(
                f,
                "holds {}, which the peer cannot read; convert it to a PRIVATE KEY",
                found.unwrap_or("another kind of private key")
            ),
            Self::KeyDer => f.write_str("the private key is not PKCS#8, PKCS#1 or SEC 1 DER"),
            Self::KeyAlgorithm => f.write_str("the private key is not RSA, ECDSA or Ed25519, the peer can use no other"),
            Self::OtherAlgorithm { key, certificate } => {
                write!(f, "does not belong to client_cert, it is {key} and the certificate's key is {certificate}")
            }
            Self::OtherKey => f.write_str("does not belong to client_cert, whose public key is another one"),
        }
    }
}

/// Names a label that is well known, with its article. Others can be anything, a secret too.
pub(super) fn known_label(label: &str) -> Option<&'static str> {
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
    KNOWN
        .into_iter()
        .find(|known| known.trim_start_matches("a ").trim_start_matches("an ") == label)
}
