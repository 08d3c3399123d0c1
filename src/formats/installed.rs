//! What a peer keeps below its file system path (`peer.fileSystemPath` in core.yaml, usually
//! `/var/hyperledger/production`).
//!
//! ```text
//! lifecycle/chaincodes/LABEL.HASH.tar.gz  every package that was installed, byte for byte
//! externalbuilder/builds/LABEL-HASH/      every build that an external builder made
//! ```
//!
//! HASH is the SHA-256 of the package. The layouts come from Fabric's
//! `core/chaincode/persistence/persistence.go` and
//! `core/container/externalbuilder/externalbuilder.go`.

use std::fmt;
use std::fs::File;
use std::io::Seek;
use std::path::Path;

use super::json::Object;
use super::metadata::{Label, Metadata};
use super::package::Package;
use crate::error::{Cannot, Error, Result, failed, refused};
use crate::files::{Digest, Dir, Entry};
use crate::findings::Warnings;
use crate::layout::BUILD_INFO;
use crate::text::quoted;

pub const PACKAGES: &str = "lifecycle/chaincodes";
pub const BUILDS: &str = "externalbuilder/builds";

/// What an organisation approves for its own peers: a label, and the SHA-256 of the package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageId {
    pub label: Label,
    pub digest: Digest,
}

impl PackageId {
    /// Reads `LABEL:HASH`, as `peer lifecycle chaincode queryinstalled` prints it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::split(text, ':')
    }

    pub fn of_build(name: &str) -> Option<Self> {
        Self::split(name, '-')
    }

    pub fn of_package(name: &str) -> Option<Self> {
        Self::split(name.strip_suffix(".tar.gz")?, '.')
    }

    /// Splits at the last separator, because a label may contain separators but a hash does not.
    fn split(text: &str, separator: char) -> Option<Self> {
        let (label, digest) = text.rsplit_once(separator)?;
        Some(Self {
            label: Label::parse(label.to_owned()).ok()?,
            digest: Digest::parse(digest)?,
        })
    }

    /// Says how the package in the file at `path` differs from this ID, which is in its name; `None`
    /// if it does not, or if that is unknown. `read` is what was read from it.
    pub fn fault_of(
        &self,
        mut file: File,
        path: &Path,
        read: std::result::Result<(Digest, &Metadata), &Error>,
    ) -> Result<Option<String>> {
        let digest = match read {
            Ok((digest, _)) => digest,
            // It may be damaged, or another package.
            Err(Error::Refused(_)) => {
                file.rewind().cannot("read", path)?;
                Digest::of_open(&file, path)?
            }
            // Nothing is known of it, as the error says.
            Err(_) => return Ok(None),
        };
        let label = read.map(|(_, metadata)| metadata.label());
        let what = match label {
            _ if digest != self.digest => {
                format!("has the SHA-256 {digest}, not the one in its name")
            }
            Err(_) => return Ok(None),
            Ok(Ok(label)) if *label == self.label => return Ok(None),
            Ok(Ok(label)) => {
                let label = quoted(&label.to_string());
                format!("has the label {label}, not the one in its name")
            }
            Ok(Err(_)) => "has no label that a peer accepts, but one in its name".to_owned(),
        };
        let fault = format!("{what}; put the original back and find out who changed it");
        Ok(Some(format!("{}: {fault}", path.display())))
    }

    pub fn build_name(&self) -> String {
        format!("{}-{}", self.label, self.digest)
    }

    pub fn package_name(&self) -> String {
        format!("{}.{}.tar.gz", self.label, self.digest)
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.label, self.digest)
    }
}

/// A package that a peer has, and the file in which it is.
pub struct Installed {
    pub id: PackageId,
    pub entry: Entry,
}

/// The packages in `dir`, which is [`PACKAGES`], sorted by name; other files are left alone.
pub fn packages(dir: &Dir) -> Result<Vec<Installed>> {
    let packages = dir.list()?.into_iter().filter_map(|entry| {
        let id = PackageId::of_package(&entry.name)?;
        Some(Installed { id, entry })
    });
    Ok(packages.collect())
}

/// Reads a package in `dir`, which is [`PACKAGES`], and unpacks its code.tar.gz to `target`. One
/// with another ID is refused.
pub fn read(dir: &Dir, installed: &Installed, target: &Dir) -> Result<Package> {
    let Installed { id, entry } = installed;
    dir.check(entry)?;
    let (file, path) = (dir.open_file(entry)?, dir.path_of(&entry.name));
    let handle = file.try_clone().cannot("read", &path)?;
    // `check` has the warnings.
    let read = Package::read_file(file, &path, Some(target), &mut Warnings::default());
    let found = read.as_ref().map(|read| (read.digest, &read.metadata));
    match id.fault_of(handle, &path, found)? {
        Some(fault) => refused(fault),
        None => read,
    }
}

/// The name of the builder in a build's build-info.json, if that is as a peer needs it.
pub fn builder(build: &Dir) -> Result<Option<String>> {
    let content = match build.read_needed(BUILD_INFO) {
        Err(Error::Refused(_)) => return Ok(None),
        content => content?,
    };
    let name = Object::parse(&content).and_then(|info| info.string("builder_name"));
    Ok(name.ok().flatten().filter(|name| !name.is_empty()))
}

/// Opens [`PACKAGES`] or [`BUILDS`] below a peer's file system path, if it is there.
pub fn find(peer: &Dir, path: &str) -> Result<Option<Dir>> {
    let mut found = peer.descend("")?;
    for name in path.split('/') {
        match found.look_up(name)? {
            None => return Ok(None),
            Some(entry) if entry.listed().is_symlink() => {
                return failed(format!(
                    "{}: is a symbolic link, which is not followed; mount the folder there instead",
                    found.path_of(name).display()
                ));
            }
            Some(_) => found = found.subdir(name)?,
        }
    }
    Ok(Some(found.into_root()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_id_is_read_from_everywhere_it_occurs() {
        let hash = Digest::of(b"").to_string();
        for label in ["a", "a-b_1.0+c", "basic_1.0"] {
            let id = PackageId::parse(&format!("{label}:{hash}")).unwrap();
            assert_eq!(
                (id.label.to_string(), id.digest),
                (label.to_owned(), Digest::of(b""))
            );
            assert_eq!(id.to_string(), format!("{label}:{hash}"));
            assert_eq!(PackageId::of_build(&id.build_name()), Some(id.clone()));
            assert_eq!(id.package_name(), format!("{label}.{hash}.tar.gz"));
            assert_eq!(PackageId::of_package(&id.package_name()), Some(id));
        }
        for name in [
            hash.clone(),
            format!("-{hash}"),
            format!("a/b-{hash}"),
            format!("..-{hash}"),
            format!("a{hash}"),
            format!("a-{}", &hash[1..]),
            format!("a-{}", hash.to_uppercase()),
        ] {
            assert_eq!(PackageId::of_build(&name), None, "{name}");
        }
        assert_eq!(PackageId::of_package(&format!("a.{hash}.tar")), None);
    }
}
