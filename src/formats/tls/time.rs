//! The times of a certificate's Validity (RFC 5280, section 4.1.2.5), with the older forms of X.680
//! that Go reads: `UTCTime` `YYMMDDhhmm[ss](Z|+hhmm|-hhmm)` and `GeneralizedTime`
//! `YYYYMMDDhhmmss(Z|+hhmm|-hhmm)`.

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Whether an element is a time.
pub fn is_time(tag: u8, text: &[u8]) -> bool {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, zone) = text.split_at(digits);
    let digits = match (tag, digits.len()) {
        // A year of 19yy is a leap year when 20yy is; 1900 cannot be written.
        (UTC_TIME, 10) => [b"20", digits, b"00"].concat(),
        (UTC_TIME, 12) => [b"20", digits].concat(),
        (GENERALIZED_TIME, 14) => digits.to_vec(),
        _ => return false,
    };
    let (pairs, _) = digits.as_chunks();
    let &[century, year, month, day, hour, minute, second] = pairs else {
        return false;
    };
    let number = |[tens, ones]: [u8; 2]| u32::from(10 * (tens - b'0') + ones - b'0');
    let days = days(100 * number(century) + number(year), number(month));
    (1..=days).contains(&number(day))
        && hour < *b"24"
        && minute < *b"60"
        && second < *b"60"
        && is_zone(zone)
}

fn days(year: u32, month: u32) -> u32 {
    let multiple_of = |years| year.is_multiple_of(years);
    match month {
        2 if multiple_of(400) || multiple_of(4) && !multiple_of(100) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

fn is_zone(zone: &[u8]) -> bool {
    match zone {
        [b'+' | b'-', offset @ ..] => {
            offset.len() == 4 && offset != b"0000" && offset.iter().all(u8::is_ascii_digit)
        }
        _ => zone == b"Z",
    }
}

#[cfg(test)]
mod tests {
    use super::{GENERALIZED_TIME, UTC_TIME, is_time};

    #[test]
    fn reads_the_times_go_reads() {
        let cases = [
            (UTC_TIME, "250102030405Z", true),
            (UTC_TIME, "2501020304Z", true),
            (UTC_TIME, "250102030405+0130", true),
            (UTC_TIME, "000229000000Z", true),
            (UTC_TIME, "250102030405+0000", false),
            (UTC_TIME, "250229000000Z", false),
            (UTC_TIME, "251302030405Z", false),
            (UTC_TIME, "250002030405Z", false),
            (UTC_TIME, "250100030405Z", false),
            (UTC_TIME, "250102240405Z", false),
            (UTC_TIME, "250102036005Z", false),
            (UTC_TIME, "250102030460Z", false),
            (UTC_TIME, "250102030405", false),
            (UTC_TIME, "250102030405.5Z", false),
            (UTC_TIME, "20250102030405Z", false),
            (UTC_TIME, "", false),
            (GENERALIZED_TIME, "20500102030405Z", true),
            (GENERALIZED_TIME, "99991231235959Z", true),
            (GENERALIZED_TIME, "20500102030405-0800", true),
            (GENERALIZED_TIME, "21000229000000Z", false),
            (GENERALIZED_TIME, "205001020304Z", false),
            (GENERALIZED_TIME, "20500102030405.5Z", false),
            (0x0c, "250102030405Z", false),
        ];
        for (tag, text, expected) in cases {
            assert_eq!(is_time(tag, text.as_bytes()), expected, "{text}");
        }
    }
}
