//! connection.json: no bytes make the parser panic, and what we write is accepted again unchanged.
#![no_main]

use fabric_ccs_builder::testing::{Config, Connection, Draft};
use libfuzzer_sys::fuzz_target;

const CONFIG: &str = r#"{"peername":"org1","port":9999,"a":{"b":"c"},"on":true,"braces":"{{.x}}"}"#;

fuzz_target!(|bytes: &[u8]| {
    let config = Config::parse(CONFIG).unwrap();
    let Ok((draft, _)) = Draft::parse(bytes) else {
        return;
    };
    if let Ok(connection) = draft.resolve(&config) {
        let again = Connection::parse_written(connection.json()).unwrap();
        assert_eq!(again.json(), connection.json());
        assert_eq!(again.dial_description(), connection.dial_description());
    }
});
