//! A tar archive inside a gzip file: what one layer cannot see, the other does.
//! (Each layer's own tests go through every byte.)

use super::{gzip, tar};
use std::io::{Read as _, Write as _};

pub(super) type File = (String, Vec<u8>);

pub(super) fn tar_of(files: &[File]) -> anyhow::Result<Vec<u8>> {
    let mut writer = tar::Writer::new(Vec::new());
    for (path, content) in files {
        writer.file(
            path,
            content.len() as u64,
            |out| Ok(out.write_all(content)?),
        )?;
    }
    Ok(writer.finish()?)
}

pub(super) fn gzip_of(content: &[u8]) -> Vec<u8> {
    let mut writer = gzip::Writer::new(Vec::new()).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

pub(super) fn read(archive: &[u8]) -> anyhow::Result<Vec<File>> {
    let mut reader = tar::Reader::new(gzip::Reader::new(archive));
    let mut files = Vec::new();
    while let Some(mut entry) = reader.next_entry()? {
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.push((entry.path, content));
    }
    Ok(files)
}

fn small() -> Vec<u8> {
    let files = [("a".into(), b"one".to_vec()), ("b/c".into(), Vec::new())];
    let archive = gzip_of(&tar_of(&files).unwrap());
    assert_eq!(read(&archive).unwrap(), files);
    archive
}

#[test]
fn streams_one_into_the_other() {
    let mut tar = tar::Writer::new(gzip::Writer::new(Vec::new()).unwrap());
    tar.file("a", 3, |out| Ok(out.write_all(b"one")?)).unwrap();
    tar.file("b/c", 0, |_| Ok(())).unwrap();
    assert_eq!(tar.finish().unwrap().finish().unwrap(), small());
}

#[test]
fn a_changed_byte_is_an_error() {
    let mut archive = small();
    for at in (0..archive.len()).step_by(7) {
        archive[at] ^= 1;
        assert!(read(&archive).is_err(), "{at}");
        archive[at] ^= 1;
    }
}

#[test]
fn a_truncated_archive_is_an_error() {
    let archive = small();
    for length in (0..archive.len()).step_by(7) {
        let reason = read(&archive[..length]).unwrap_err().to_string();
        assert_eq!(reason, "the archive ends too early", "{length}");
    }
}

#[test]
fn data_after_either_end_is_an_error() {
    let reason = "data after the end of the archive";
    let archive = [small(), vec![0]].concat();
    assert_eq!(read(&archive).unwrap_err().to_string(), reason);
    let archive = gzip_of(&[tar_of(&[]).unwrap(), vec![0; 10_240]].concat());
    assert_eq!(read(&archive).unwrap_err().to_string(), reason);
}

/// Bytes that a generator (xorshift) has scattered over a good archive: never a panic, and what is
/// accepted is what would be written.
#[test]
fn scattered_damage_is_never_a_panic() {
    let tar = tar_of(&[("a".into(), b"one".to_vec()), ("b/c".into(), Vec::new())]).unwrap();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut accepted = 0;
    for _ in 0..2000 {
        let mut changed = tar.clone();
        for _ in 0..=random(3) {
            changed[random(1600)] = [0, b'/', b'.', b'0', b'7', 0xff][random(6)];
        }
        changed.truncate(10_240 - random(2) * random(10_240));
        if let Ok(files) = read(&gzip_of(&changed)) {
            accepted += 1;
            assert!(tar_of(&files).unwrap() == changed);
        }
    }
    assert!(accepted > 0);
}
