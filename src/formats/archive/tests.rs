//! A tar archive inside a gzip file, written and read.

use super::{gunzip, gzip, tar, untar};
use std::io::{self, Read as _, Write as _};

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

pub(super) fn members<R: io::Read>(mut archive: untar::Reader<R>) -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    while let Some(member) = archive.next_member()? {
        let mut content = Vec::new();
        archive.read_to_end(&mut content)?;
        assert_eq!(member.size, content.len() as u64);
        files.push((member.name, content));
    }
    Ok(files)
}

pub(super) fn read(archive: &[u8]) -> io::Result<Vec<File>> {
    members(untar::Reader::new(gunzip::Reader::new(archive)))
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
