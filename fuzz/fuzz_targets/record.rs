//! A record: no bytes make the parser panic, and its paths stay inside the build output. The two
//! files are separated by the first NUL byte.
#![no_main]

use fabric_ccs_builder::testing::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    let (sums, statement) = bytes.split_at(end);
    if let Ok(record) = Record::parse(sums, statement.get(1..).unwrap_or_default()) {
        for artifact in &record.artifacts {
            let mut parts = artifact.path.split('/');
            assert!(parts.all(|part| !matches!(part, "" | "." | "..")));
            assert_eq!(record.digest(&artifact.path), Some(artifact.digest));
        }
    }
});
