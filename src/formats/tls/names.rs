//! The Name of an issuer or subject (RFC 5280, section 4.1.2.4), whose strings Go checks.

use anyhow::{Result, ensure};

use super::der::{Reader, SEQUENCE, SET};

/// Checks a Name: `SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value }`.
pub fn check(mut name: Reader) -> Result<()> {
    while !name.is_empty() {
        let mut set = name.inside(SET)?;
        while !set.is_empty() {
            let mut attribute = set.inside(SEQUENCE)?;
            attribute.object_identifier()?;
            let (tag, value) = attribute.any()?;
            ensure!(
                is_string(tag, value),
                "the certificate's issuer or subject has a character its string type forbids"
            );
        }
    }
    Ok(())
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
        // BMPString; only newer Go checks which code units are characters
        0x1e => value.len().is_multiple_of(2),
        _ => false,
    }
}
