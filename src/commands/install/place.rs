//! DIR: the folder as it is given, as the peer sees it, and its `bin`.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{self, Path, PathBuf};

use serde_json::json;

use crate::commands::arguments::text;
use crate::error::{Result, failed, usage};
use crate::files::Dir;
use crate::formats::template::VARIABLE;
use crate::layout::BIN;

/// Opens DIR, unless it is clearly not the one that is meant.
pub fn open(dir: &Path, rollback: bool) -> Result<Dir> {
    let shown = dir.display();
    // This look-up only improves the message.
    match fs::metadata(dir) {
        Ok(found) if !found.is_dir() => {
            return failed(format!(
                "{shown}: is a file; give the builder's folder; to install a package, use peer lifecycle chaincode install"
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && !rollback => {
            return failed(format!(
                "cannot open {shown}: {error}; create it first: mkdir -p {shown}"
            ));
        }
        _ => {}
    }
    let opened = Dir::open(dir)?.with_hard_links();
    let is_bin = path::absolute(dir).is_ok_and(|dir| dir.ends_with(BIN));
    if is_bin && opened.look_up("detect")?.is_some() {
        return failed(format!(
            "{shown}: holds a builder's programs; give the folder above it"
        ));
    }
    Ok(opened)
}

/// DIR as the peer sees it.
pub fn peer_path(dir: &Path, given: Option<OsString>) -> Result<String> {
    if let Some(given) = given {
        let given = text("--path", given)?;
        if given.starts_with('/') {
            return Ok(given);
        }
        let message = format!(r#"--path: "{given}" does not begin with a /"#);
        return usage(message);
    }
    let absolute = path::absolute(dir)
        .or_else(|error| usage(format!("cannot find {}: {error}", dir.display())))?;
    // Without `.` components and repeated slashes.
    let absolute: PathBuf = absolute.components().collect();
    text("DIR", absolute.into())
        .or_else(|error| usage(format!("{error}; say with --path what the peer calls it")))
}

/// Refuses a link or file in the place of the folder `name`. This only improves the message,
/// because opening follows no link anyway: a user who can write to a volume must not be able to
/// make root write elsewhere.
pub fn needs_dir(dir: &Dir, name: &str, advice: &str) -> Result<()> {
    if matches!(dir.look_up(name), Ok(Some(found)) if !found.is_dir()) {
        return failed(format!(
            "{}: is a link or file and is left alone; {advice}",
            dir.path_of(name).display()
        ));
    }
    Ok(())
}

/// The configuration that makes a peer use the builder. A JSON string is also a YAML string.
pub fn configuration(name: &str, path: &str) -> String {
    let variable = json!([{"name": name, "path": path, "propagateEnvironment": [VARIABLE]}]);
    format!(
        "\
# core.yaml:
chaincode:
  externalBuilders:
    - name: {}
      path: {}
      propagateEnvironment:
        - {VARIABLE}
# or the value of CORE_CHAINCODE_EXTERNALBUILDERS in the peer's environment:
{variable}
",
        json!(name),
        json!(path)
    )
}
