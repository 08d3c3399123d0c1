//! The times of a certificate's Validity (RFC 5280, section 4.1.2.5), with the older forms of X.680
//! that Go reads: `UTCTime` `YYMMDDhhmm[ss](Z|+hhmm|-hhmm)` and `GeneralizedTime`
//! `YYYYMMDDhhmmss(Z|+hhmm|-hhmm)`.

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// A time that Go reads.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Since 1970.
    pub seconds: i64,
    /// Year, month and day, in its own time zone.
    pub day: [i64; 3],
}

/// Reads the time in an element.
pub fn parse(tag: u8, text: &[u8]) -> Option<Time> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, zone) = text.split_at(digits);
    let century: &[u8] = if digits < b"50".as_slice() {
        b"20"
    } else {
        b"19"
    };
    let digits = match (tag, digits.len()) {
        (UTC_TIME, 10) => [century, digits, b"00"].concat(),
        (UTC_TIME, 12) => [century, digits].concat(),
        (GENERALIZED_TIME, 14) => digits.to_vec(),
        _ => return None,
    };
    let (pairs, _) = digits.as_chunks();
    let numbers: Vec<i64> = pairs.iter().copied().map(number).collect();
    let &[century, year, month, day, hour, minute, second] = &numbers[..] else {
        return None;
    };
    let year = 100 * century + year;
    let start = days_before(year, month);
    let is_day =
        (1..=12).contains(&month) && (1..=days_before(year, month + 1) - start).contains(&day);
    let is_time = is_day && hour < 24 && minute < 60 && second < 60;
    let seconds = 86_400 * (start + day - 1) + 3600 * hour + 60 * minute + second;
    let seconds = seconds - offset(zone).filter(|_| is_time)?;
    Some(Time {
        seconds,
        day: [year, month, day],
    })
}

/// The days from 1970 to a month of the Gregorian calendar, of which the 13th is the next January.
fn days_before(year: i64, month: i64) -> i64 {
    // Years begin in March here, after the leap day.
    let (year, month) = (
        year + (month - 3).div_euclid(12),
        (month - 3).rem_euclid(12),
    );
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + (153 * month + 2) / 5 - 719_468
}

fn number([tens, ones]: [u8; 2]) -> i64 {
    i64::from(10 * (tens - b'0') + ones - b'0')
}

fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, digits) = match zone {
        b"Z" => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let is_offset = digits != b"0000" && digits.iter().all(u8::is_ascii_digit);
    let (&[hours, minutes], []) = digits.as_chunks() else {
        return None;
    };
    let (hours, minutes) = is_offset.then(|| (number(hours), number(minutes)))?;
    // Go reads 24 hours and 60 minutes too, but writes the latter in another way and compares.
    (hours <= 24 && minutes < 60).then_some(sign * 60 * (60 * hours + minutes))
}

#[cfg(test)]
mod tests {
    use super::{GENERALIZED_TIME, UTC_TIME, parse};

    #[test]
    fn reads_the_times_go_reads() {
        let cases = [
            (UTC_TIME, "250102030405Z", true),
            (UTC_TIME, "2501020304Z", true),
            (UTC_TIME, "250102030405+0130", true),
            (UTC_TIME, "000229000000Z", true),
            (UTC_TIME, "250102030405+0000", false),
            (UTC_TIME, "250102030405+0059", true),
            (UTC_TIME, "250102030405+0060", false),
            (UTC_TIME, "250102030405-0160", false),
            (UTC_TIME, "250102030405+2459", true),
            (UTC_TIME, "250102030405+2500", false),
            (UTC_TIME, "250102030405-9900", false),
            (UTC_TIME, "250229000000Z", false),
            (UTC_TIME, "250431000000Z", false),
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
            assert_eq!(parse(tag, text.as_bytes()).is_some(), expected, "{text}");
        }
    }

    /// `date -u -d "2024-02-29 12:34:56" +%s`
    #[test]
    fn counts_seconds_as_date_does() {
        for (tag, text, seconds, day) in [
            (UTC_TIME, "700101000000Z", 0, [1970, 1, 1]),
            (UTC_TIME, "691231235959Z", -1, [1969, 12, 31]),
            (UTC_TIME, "500101000000Z", -631_152_000, [1950, 1, 1]),
            (UTC_TIME, "491231235959Z", 2_524_607_999, [2049, 12, 31]),
            (UTC_TIME, "240229123456Z", 1_709_210_096, [2024, 2, 29]),
            (UTC_TIME, "240229123456+0130", 1_709_204_696, [2024, 2, 29]),
            (UTC_TIME, "2402291234-0130", 1_709_215_440, [2024, 2, 29]),
            (UTC_TIME, "240229123456+0245", 1_709_200_196, [2024, 2, 29]),
            (
                GENERALIZED_TIME,
                "21000301000000Z",
                4_107_542_400,
                [2100, 3, 1],
            ),
            (
                GENERALIZED_TIME,
                "99991231235959Z",
                253_402_300_799,
                [9999, 12, 31],
            ),
            (
                GENERALIZED_TIME,
                "00000101000000Z",
                -62_167_219_200,
                [0, 1, 1],
            ),
        ] {
            let time = parse(tag, text.as_bytes()).unwrap();
            assert_eq!((time.seconds, time.day), (seconds, day), "{text}");
        }
    }
}
