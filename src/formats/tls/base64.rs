//! Base64 (RFC 4648, section 4) as Go's `base64.StdEncoding` reads it: padded, line breaks
//! anywhere, unused bits ignored.

/// The bytes, or `None` if `text` is not base64.
pub fn decode(text: impl IntoIterator<Item = u8>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut quantum, mut digits, mut padding) = (0_u32, 0_u8, 0_u8);
    for byte in text {
        let digit = match byte {
            b'\r' | b'\n' => continue,
            // Only the last two digits of the last quantum can be padding.
            b'=' if digits >= 2 => {
                padding += 1;
                0
            }
            _ if padding > 0 => return None,
            _ => value(byte)?,
        };
        quantum = quantum << 6 | digit;
        digits += 1;
        if digits == 4 {
            let [_, decoded @ ..] = quantum.to_be_bytes();
            bytes.extend(decoded.iter().take(3 - usize::from(padding)));
            (quantum, digits) = (0, 0);
        }
    }
    (digits == 0).then_some(bytes)
}

fn value(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
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
