//! CRC-32 as in RFC 1952, section 8: polynomial 0xEDB88320 (reflected), a byte at a time.

/// The CRC of each byte, without pre- and post-conditioning.
static TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte as usize] = shift_eight_bits(byte);
        byte += 1;
    }
    table
}

const fn shift_eight_bits(mut crc: u32) -> u32 {
    let mut bit = 0;
    while bit < 8 {
        crc = (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
        bit += 1;
    }
    crc
}

/// The CRC-32 of the bytes seen so far.
pub(super) struct Crc32(u32);

impl Crc32 {
    pub(super) fn new() -> Self {
        Self(!0)
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let [low, ..] = self.0.to_le_bytes();
            self.0 = (self.0 >> 8) ^ TABLE[usize::from(low ^ byte)];
        }
    }

    pub(super) fn value(&self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc32(parts: &[&[u8]]) -> u32 {
        let mut crc = Crc32::new();
        for part in parts {
            crc.update(part);
        }
        crc.value()
    }

    /// The definition, a bit at a time.
    fn defined(bytes: &[u8]) -> u32 {
        !bytes
            .iter()
            .fold(!0, |crc, byte| shift_eight_bits(crc ^ u32::from(*byte)))
    }

    #[test]
    fn has_the_check_value_of_the_algorithm() {
        assert_eq!(crc32(&[b"123456789"]), 0xCBF4_3926);
        assert_eq!(crc32(&[]), 0);
    }

    #[test]
    fn is_the_definition_for_every_length_and_split() {
        let bytes: Vec<u8> = (0..=255).rev().collect();
        for length in 0..40 {
            let (bytes, _) = bytes.split_at(length);
            for split in 0..=length {
                let (left, right) = bytes.split_at(split);
                assert_eq!(crc32(&[left, right]), defined(bytes), "{split} of {length}");
            }
        }
    }
}
