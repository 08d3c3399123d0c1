//! TLS material: no text makes the checks panic, and a message never contains a line of it.
#![no_main]

use fabric_ccs_builder::testing::{check_key_pair, check_root_certificates};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let halves = text.split_at(text.rfind("-----BEGIN").unwrap_or(text.len()));
    let results = [
        check_root_certificates(text),
        check_key_pair(Some(halves.0), Some(halves.1)),
        check_key_pair(Some(text), None),
        check_key_pair(None, Some(text)),
    ];
    for error in results.into_iter().filter_map(Result::err) {
        let message = format!("{error:#}");
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        let is_secret = |line: &&str| line.len() > 20 && line.bytes().all(is_base64);
        let shown = text
            .lines()
            .filter(is_secret)
            .find(|line| message.contains(line));
        assert_eq!(shown, None, "{message}");
    }
});
