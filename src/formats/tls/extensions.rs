//! The extensions of a certificate (RFC 5280, section 4.2) that every version of Go refuses when
//! malformed.

use std::collections::BTreeSet;

use anyhow::Result;

use super::der::{INTEGER, OCTET_STRING, Reader, SEQUENCE, implicit};

/// Reads over `SEQUENCE OF SEQUENCE { id OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, value
/// OCTET STRING }`.
pub fn check(mut extensions: Reader) -> Result<()> {
    let mut seen = BTreeSet::new();
    while !extensions.is_empty() {
        let mut extension = extensions.inside(SEQUENCE)?;
        let id = extension.object_identifier()?;
        extension.skip_boolean()?;
        let value = extension.inside(OCTET_STRING)?;
        extension.require(seen.insert(id))?;
        // id-ce, 2.5.29
        if let [0x55, 0x1d, number] = id {
            check_value(*number, value)?;
        }
    }
    Ok(())
}

fn check_value(number: u8, mut value: Reader) -> Result<()> {
    match number {
        // subjectKeyIdentifier
        14 => value.contents(OCTET_STRING).map(drop),
        // keyUsage
        15 => value.bit_string().map(drop),
        // subjectAltName
        17 => alternative_names(value.inside(SEQUENCE)?),
        // basicConstraints
        19 => {
            let mut constraints = value.inside(SEQUENCE)?;
            constraints.skip_boolean()?;
            if constraints.next_is(INTEGER) {
                constraints.int()?;
            }
            Ok(())
        }
        // authorityKeyIdentifier
        35 => value.inside(SEQUENCE)?.skip_optional(implicit(0)),
        // extKeyUsage
        37 => {
            let mut usages = value.inside(SEQUENCE)?;
            while !usages.is_empty() {
                usages.object_identifier()?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn alternative_names(mut names: Reader) -> Result<()> {
    while !names.is_empty() {
        let (tag, name) = names.any()?;
        names.require(match tag {
            // mail, DNS name, URI
            0x81 | 0x82 | 0x86 => name.is_ascii(),
            // IP address
            0x87 => matches!(name.len(), 4 | 16),
            _ => true,
        })?;
    }
    Ok(())
}
