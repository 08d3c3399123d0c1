//! Base64 (RFC 4648, section 4) as Go's `base64.StdEncoding` reads it: padded, line breaks
//! anywhere, unused bits ignored.

const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes, or `None` if `text` is not base64.
pub fn decode(text: impl IntoIterator<Item = u8>) -> Option<Vec<u8>> {
    let text = text.into_iter().filter(|byte| !b"\r\n".contains(byte));
    let padded: Vec<u8> = text.collect();
    let digits = padded.strip_suffix(b"==").or(padded.strip_suffix(b"="));
    let mut bytes = Vec::new();
    for quantum in digits.unwrap_or(&padded).chunks(4) {
        let mut bits = 0_u32;
        for byte in quantum {
            let value = DIGITS.iter().position(|digit| digit == byte)?;
            bits = bits << 6 | u32::try_from(value).ok()?;
        }
        let [_, decoded @ ..] = (bits << (6 * (4 - quantum.len()))).to_be_bytes();
        bytes.extend(decoded.iter().take(quantum.len() - 1));
    }
    padded.len().is_multiple_of(4).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn reads_what_go_reads() {
        let cases: [(&str, Option<&[u8]>); 22] = [
            ("", Some(b"")),
            ("\r\n\n", Some(b"")),
            ("Zg==", Some(b"f")),
            ("Zm8=", Some(b"fo")),
            ("Zm9v", Some(b"foo")),
            ("Zm9vYg==", Some(b"foob")),
            ("Z\nm\r\n8\n=\n", Some(b"fo")),
            ("Zg=\n=", Some(b"f")),
            ("Zh==", Some(b"f")),
            ("+/+/", Some(b"\xfb\xff\xbf")),
            ("Z", None),
            ("Zg", None),
            ("Zg=", None),
            ("Zm8", None),
            ("Zg==Zg==", None),
            ("Zm8=Zg==", None),
            ("Zg===", None),
            ("Zm9v=", None),
            ("Z===", None),
            ("====", None),
            ("Zm-_", None),
            ("Zm8 =", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(decode(text.bytes()).as_deref(), bytes, "{text:?}");
        }
    }
}
