//! The extensions of a certificate (RFC 5280, section 4.2) that every version of Go refuses when
//! malformed.

use std::collections::BTreeSet;

use anyhow::Result;

use super::der::{INTEGER, OCTET_STRING, Reader, SEQUENCE, implicit};

#[derive(Default)]
pub struct Extensions<'a> {
    /// The alternative names of the subject, each with its tag.
    pub names: Vec<(u8, &'a [u8])>,
    pub is_ca: bool,
    pub key_signs_certificates: bool,
    /// What the key may be used for; anything, if there is none.
    pub usages: Vec<&'a [u8]>,
}

pub const DNS_NAME: u8 = 0x82;
pub const IP_ADDRESS: u8 = 0x87;

/// Reads `SEQUENCE OF SEQUENCE { id OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, value OCTET
/// STRING }`.
pub fn read(mut extensions: Reader<'_>) -> Result<Extensions<'_>> {
    let mut read = Extensions::default();
    let mut seen = BTreeSet::new();
    while !extensions.is_empty() {
        let mut extension = extensions.inside(SEQUENCE)?;
        let id = extension.object_identifier()?;
        extension.boolean()?;
        let value = extension.inside(OCTET_STRING)?;
        extension.require(seen.insert(id))?;
        // id-ce, 2.5.29
        if let [0x55, 0x1d, number] = id {
            read.add(*number, value)?;
        }
    }
    Ok(read)
}

impl<'a> Extensions<'a> {
    fn add(&mut self, number: u8, mut value: Reader<'a>) -> Result<()> {
        match number {
            // subjectKeyIdentifier
            14 => value.contents(OCTET_STRING).map(drop),
            // keyUsage
            15 => {
                let (_, bits) = value.bit_string()?;
                self.key_signs_certificates = bits.first().is_some_and(|first| first & 0x04 != 0);
                Ok(())
            }
            // subjectAltName
            17 => self.add_names(value.inside(SEQUENCE)?),
            // basicConstraints
            19 => {
                let mut constraints = value.inside(SEQUENCE)?;
                self.is_ca = constraints.boolean()?;
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
                    self.usages.push(usages.object_identifier()?);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add_names(&mut self, mut names: Reader<'a>) -> Result<()> {
        while !names.is_empty() {
            let (tag, name) = names.any()?;
            names.require(match tag {
                // mail and URI
                0x81 | DNS_NAME | 0x86 => name.is_ascii(),
                IP_ADDRESS => matches!(name.len(), 4 | 16),
                _ => true,
            })?;
            self.names.push((tag, name));
        }
        Ok(())
    }
}
