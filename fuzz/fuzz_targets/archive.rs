//! A package file: no bytes make the readers panic, and what they accept is written back byte for
//! byte.
#![no_main]

use std::io::{Read, Write};

use fabric_ccs_builder::testing::{gzip, tar};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut files = Vec::new();
    let mut archive = tar::Reader::new(gzip::Reader::new(bytes));
    loop {
        match archive.next_entry() {
            Err(_) => return,
            Ok(None) => break,
            Ok(Some(mut entry)) => {
                let mut content = Vec::new();
                if entry.read_to_end(&mut content).is_err() {
                    return;
                }
                files.push((entry.path.clone(), content));
            }
        }
    }
    let mut archive = tar::Writer::new(gzip::Writer::new(Vec::new()).unwrap());
    for (path, content) in &files {
        let write = |out: &mut dyn Write| Ok(out.write_all(content)?);
        archive.file(path, content.len() as u64, write).unwrap();
    }
    assert_eq!(archive.finish().unwrap().finish().unwrap(), bytes);
});
