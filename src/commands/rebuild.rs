//! `rebuild`: builds a peer's installed packages again, with the current config.

use std::collections::BTreeSet;

use lexopt::{Arg, Parser};

use super::arguments::{self, needed, path};
use crate::builder::{Rebuild, Rebuilt};
use crate::error::{Error, Outcome, Result, failed, refused, usage};
use crate::formats::installed::{PACKAGES, PackageId};
use crate::formats::template::TO_PEER;
use crate::log;
use crate::text::{escaped_line, plural};

pub const HELP: &str = "\
Usage: fabric-ccs-builder rebuild [OPTION...] PEER_PATH [PACKAGE_ID...]

Runs detect, build and release again on a peer's installed packages of type
ccaas or external, or on those named, with the current config, and replaces
what differs. PEER_PATH is the peer's file system path. The peer may be
running: it reads the new address when it next connects to the chaincode. A
missing or incomplete build is made, and another builder's build gets a record.
Prints a line for each package. Owners, groups and modes stay, but other users
can no longer read connection.json.

  --config JSON   the values for templates in connection.json, instead of the
                  environment variable CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG;
                  other users can see it while the command runs
  --config @FILE  reads them from FILE
  --dry-run       changes nothing, only prints what would change
  --name NAME     the builder's name for builds without a build-info.json, instead
                  of the one that all others have, or else ccaas_builder

Exit status: 0 done, 1 a package is refused, 2 something could not be done; the
other packages are rebuilt nevertheless.

Example: fabric-ccs-builder rebuild --dry-run /var/hyperledger/production
";

const WORD: &str = "rebuild";

pub fn run(mut parser: Parser) -> Result<Outcome> {
    let (mut config, mut dry_run, mut name) = (None, false, None);
    let (mut peer, mut named) = (None, BTreeSet::new());
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("config") => config = Some(parser.value()?),
            Arg::Long("dry-run") => dry_run = true,
            Arg::Long("name") => name = Some(arguments::text("--name", parser.value()?)?),
            Arg::Value(value) if peer.is_none() => peer = Some(path(value)?),
            Arg::Value(value) => {
                let Some(id) = value.to_str().and_then(PackageId::parse) else {
                    let value = value.display();
                    return usage(format!("{value} is not a package ID; write LABEL:HASH"));
                };
                named.insert(id);
            }
            _ => return Err(Error::of(arg)),
        }
    }
    let peer = needed(peer, "PEER_PATH")?;
    let config = arguments::config(config)?;
    let rebuild = Rebuild::open(&peer, config, name, dry_run)?;
    let mut report = Report::new(dry_run);
    let wants_all = named.is_empty();
    for package in rebuild.installed()? {
        let is_named = named.remove(&package.id);
        if is_named || wants_all {
            let done = match rebuild.run(&package) {
                Ok(None) if wants_all => continue,
                Ok(None) => refused("its type is for another builder"),
                Ok(Some(done)) => Ok(done),
                Err(error) => Err(error),
            };
            report.add(&package.id, done)?;
        }
    }
    for id in &named {
        report.add(
            id,
            failed(format!(
                "is not in {PACKAGES}: correct the ID, or install the package, even if \
                 queryinstalled lists it"
            )),
        )?;
    }
    report.finish()
}

/// The output: each result, and its number of packages.
struct Report([(&'static str, usize); 4]);

impl Report {
    fn new(dry_run: bool) -> Self {
        let differs = if dry_run { "differs" } else { "rebuilt" };
        Self(["unchanged", differs, "refused", "failed"].map(|word| (word, 0)))
    }

    fn add(&mut self, id: &PackageId, done: Result<Rebuilt>) -> Result<()> {
        let [unchanged, changed, refused, failed] = &mut self.0;
        let ((word, count), text) = match done {
            Ok(done) if done.files == 0 => (unchanged, format!("the peer will {}", done.after)),
            Ok(done) => {
                done.warnings.write(&format!("{WORD}: {id}"));
                let before = if done.before == done.after {
                    "as before".to_owned()
                } else {
                    format!("before: {}", done.before)
                };
                let count = plural(done.files, "file differs", "files differ");
                let text = format!("the peer will {}, {before}; {count}", done.after);
                (changed, text)
            }
            Err(Error::Refused(message)) => {
                // An unset config: that message is for a peer's operator.
                let here = "give it here with --config, or run this in the peer's environment";
                (refused, message.replace(TO_PEER, here))
            }
            Err(error) => (failed, error.advised()),
        };
        *count += 1;
        log::print(&escaped_line(&format!("{word:<9} {id}: {text}")))
    }

    fn finish(self) -> Result<Outcome> {
        let Self(counts @ [.., (_, refused), (_, failed)]) = self;
        let packages = counts.iter().map(|(_, count)| count).sum();
        let packages = plural(packages, "package", "packages");
        let counts = counts.map(|(word, count)| {
            let is_many = word == "differs" && count != 1;
            format!("{count} {}", if is_many { "differ" } else { word })
        });
        log::print(&format!("result    {packages}: {}\n", counts.join(", ")))?;
        Ok(match (refused, failed) {
            (0, 0) => Outcome::Yes,
            (0, _) => Outcome::Undetermined,
            _ => Outcome::No,
        })
    }
}
