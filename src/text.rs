//! How messages show text. Names, labels and addresses come from the package; escaped, they cannot
//! forge log lines or terminal codes. A private key is never quoted.

use std::fmt::Write as _;

use crate::layout::MAX_LINE;

/// A count with its noun in the singular or plural.
pub fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Quotes a package's text for a message. It is shortened, so that the reason after it still fits
/// on the line, and left out if it looks like a key.
pub fn quoted(text: &str) -> String {
    const MOST: usize = 80;
    if looks_like_key_material(text) {
        "the text".to_owned()
    } else if text.chars().count() > MOST {
        let start: String = text.chars().take(MOST).collect();
        format!(r#""{start}...""#)
    } else {
        format!(r#""{text}""#)
    }
}

/// Whether a text could contain key material, or a piece of it.
fn looks_like_key_material(text: &str) -> bool {
    // Nearly all base64 of this length has all three if its bytes are random; names seldom do.
    const LONG: usize = 40;
    let is_base64 = |letter: char| letter.is_ascii_alphanumeric() || "+/".contains(letter);
    let is_random = |run: &str| {
        run.len() >= LONG
            && run.contains(|letter: char| letter.is_ascii_lowercase())
            && run.contains(|letter: char| letter.is_ascii_uppercase())
            && run.contains(|letter: char| letter.is_ascii_digit())
    };
    text.contains("-----BEGIN") || text.split(|letter| !is_base64(letter)).any(is_random)
}

/// Escapes `text`, cuts it to the length of a line and ends it with a line feed.
#[must_use]
pub fn escaped_line(text: &str) -> String {
    const CUT: &str = " [cut]";
    let mut line = escaped(text);
    let room = MAX_LINE - 1;
    if line.len() > room {
        let mut end = room - CUT.len();
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
        line.push_str(CUT);
    }
    line.push('\n');
    line
}

/// The one of `names` that a word probably means: at most one typo away for every three letters,
/// and at most two.
pub fn nearest<'a>(word: &str, names: &mut dyn Iterator<Item = &'a str>) -> Option<&'a str> {
    let typos = 0..=2.min(word.len() / 3);
    let distance = |name: &str| {
        typos
            .clone()
            .find(|&most| is_near(word.as_bytes(), name.as_bytes(), most))
    };
    let near = names.filter_map(|name| Some((distance(name)?, name)));
    near.min().map(|(_, name)| name)
}

/// Whether `a` becomes `b` when at most `most` letters are added, removed, changed or swapped with
/// the next.
fn is_near(a: &[u8], b: &[u8], most: usize) -> bool {
    match (a, b) {
        ([], rest) | (rest, []) => rest.len() <= most,
        ([x, a @ ..], [y, b @ ..]) if x == y => is_near(a, b, most),
        ([x, next_x, a @ ..], [y, next_y, b @ ..]) if (x, next_x) == (next_y, y) => {
            most > 0 && is_near(a, b, most - 1)
        }
        ([_, less_a @ ..], [_, less_b @ ..]) => {
            let less = |a, b| most > 0 && is_near(a, b, most - 1);
            less(less_a, less_b) || less(less_a, b) || less(a, less_b)
        }
    }
}

/// A JSON text on one line, without characters that could move a terminal's cursor.
pub fn json_line(json: &str) -> String {
    let mut line = String::new();
    for character in json.chars() {
        if is_unsafe(character) {
            // Such characters occur only in strings, where an escape means the same.
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(character);
        }
    }
    line.push('\n');
    line
}

/// `text` with every [unsafe](is_unsafe) character written as `\u{..}`.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "{}", character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Whether a character could move a cursor, start a line, or hide or reorder text.
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_without_terminal_codes() {
        assert_eq!(
            escaped_line("a\nb\x1b[2J\u{202e}c"),
            "a\\u{a}b\\u{1b}[2J\\u{202e}c\n"
        );
    }

    #[test]
    fn a_quoted_text_is_shortened_after_80_characters() {
        let text = |length| "é".repeat(length);
        assert_eq!(quoted(&text(80)), format!(r#""{}""#, text(80)));
        for length in [81, 82] {
            assert_eq!(quoted(&text(length)), format!(r#""{}...""#, text(80)));
        }
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        for text in [
            "x".repeat(MAX_LINE),
            "é".repeat(MAX_LINE),
            "\u{1}".repeat(MAX_LINE),
        ] {
            let line = escaped_line(&text);
            assert!(line.len() <= MAX_LINE, "{}", line.len());
            assert!(line.ends_with(" [cut]\n"), "{line}");
        }
        let longest = "x".repeat(MAX_LINE - 1);
        assert_eq!(escaped_line(&longest), format!("{longest}\n"));
    }

    /// Unicode 16.0: categories Cc, Zl and Zp, the formatting characters that hide or reorder text,
    /// and the tags, each range by its first and last character.
    #[test]
    fn every_character_that_hides_or_reorders_text_is_unsafe() {
        let ranges = [
            ('\0', '\u{1f}'),
            ('\u{7f}', '\u{9f}'),
            ('\u{ad}', '\u{ad}'),
            ('\u{61c}', '\u{61c}'),
            ('\u{200b}', '\u{200f}'),
            ('\u{2028}', '\u{202e}'),
            ('\u{2060}', '\u{206f}'),
            ('\u{feff}', '\u{feff}'),
            ('\u{fff9}', '\u{fffb}'),
            ('\u{e0000}', '\u{e007f}'),
        ];
        for character in '\0'..=char::MAX {
            let expected = ranges
                .iter()
                .any(|&(first, last)| (first..=last).contains(&character));
            assert_eq!(is_unsafe(character), expected, "{character:?}");
        }
    }

    #[test]
    fn nearness_is_levenshteins_distance_with_swaps() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "ab", 2),
            ("ab", "", 2),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("ab", "ba", 1),
            ("abcd", "bdca", 3),
        ] {
            for most in 0..4 {
                let near = is_near(a.as_bytes(), b.as_bytes(), most);
                assert_eq!(near, expected <= most, "{a} {b} {most}");
            }
        }
    }
}
