//! `verify`: compares what a peer keeps with its packages, or with what was recorded.

mod compare;
mod counts;
mod expected;
mod report;
mod target;
mod verdict;
mod wanted;

use std::collections::BTreeSet;
use std::path::Path;

use lexopt::{Arg, Parser, ValueExt};

use super::arguments::{self, path};
use super::dial;
use crate::error::{Error, Outcome, Result, usage};
use crate::files::Entry;
use crate::formats::installed::PackageId;
use crate::formats::template::Config;
use crate::log;
use counts::OtherResult;
use expected::{Expected, Own, Packages};
use report::Report;
use target::Place;
use wanted::Wanted;

pub const HELP: &str = "\
Usage: fabric-ccs-builder verify [OPTION...] PATH...

Compares what is on disk with what build and release produce from the packages
that a peer has installed. Builds that are given alone, without --packages, are
compared with their own records; otherwise a build without its package counts as
\"cannot tell\". Each PATH is a peer's file system path (with
lifecycle/chaincodes), its externalbuilder/builds, one of the builds in it
(with build-info.json, bld and release), or a build output (with SHA256SUMS).
Prints a line for each build that matches, a line for each difference, and a
summary. Changes nothing in PATH and follows no link below it.

  --packages DIR    looks for packages in DIR too; repeatable
  --config JSON     the values for templates in connection.json, instead of the
                    environment variable CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG;
                    without any, a build whose package has templates counts as
                    \"cannot tell\"
  --config @FILE    reads them from FILE
  --package-id ID   this package must be there and match; repeatable
  --installed FILE  the same for each package in the output of peer lifecycle
                    chaincode queryinstalled or queryapproved with -O json; - is
                    standard input
  --dial            also connects to each chaincode's address from this machine,
                    without TLS as a gRPC client; a server that is not reached
                    counts as \"cannot tell\"
  -q, --quiet       prints no line for a build that matches or is another
                    builder's, or whose chaincode was dialled
  --json            prints one JSON object per line instead
  --metrics FILE    also writes the counts in the text format of Prometheus

Exit status: 0 all match, 1 some difference, 2 no difference, but something
could not be determined, such as a build without its package, or one with
templates and no config.

Example: fabric-ccs-builder verify /var/hyperledger/production
";

pub fn run(mut parser: Parser) -> Result<Outcome> {
    let (mut paths, mut packages, mut metrics, mut config) = (vec![], vec![], None, None);
    let (mut wanted, mut report, mut dial) = (Wanted::default(), Report::default(), false);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("json") => report.json = true,
            Arg::Long("dial") => dial = true,
            Arg::Short('q') | Arg::Long("quiet") => report.quiet = true,
            Arg::Long("config") => config = Some(parser.value()?),
            Arg::Long("packages") => packages.push(path(parser.value()?)?),
            Arg::Long("metrics") => metrics = Some(path(parser.value()?)?),
            Arg::Long("installed") => wanted.add_file(&parser.value()?)?,
            Arg::Long("package-id") => {
                let value = parser.value()?.string()?;
                let Some(id) = PackageId::parse(&value) else {
                    return usage(format!(
                        "--package-id {value}: is not a package ID; write LABEL:HASH"
                    ));
                };
                wanted.ids.get_or_insert_default().insert(id);
            }
            Arg::Value(value) => paths.push(path(value)?),
            _ => return Err(Error::of(arg)),
        }
    }
    if paths.is_empty() {
        return usage("missing argument PATH");
    }
    // As a refusal, it would have the exit status of a difference.
    let config = Config::read(arguments::config(config)?);
    let config = config.map_err(|error| Error::Failed(error.to_string()))?;
    let mut run = Verifier {
        packages: Packages::open(&packages, config, wanted.ids.is_some())?,
        wanted,
        dial,
        report,
    };
    for (path, error) in &run.packages.unreadable {
        let (path, reason) = (path.display().to_string(), error.advised());
        run.report
            .add_other(("package", &path), OtherResult::CannotTell, &reason)?;
    }
    for path in &paths {
        match Place::find(path) {
            Ok(place) => run.verify(path, &place)?,
            Err(error) => run.report.add_unusable(path, &error)?,
        }
    }
    run.wanted.report(&run.packages, &mut run.report)?;
    let outcome = run.report.finish()?;
    if let Some(path) = &metrics {
        match run.report.counts.write_metrics(path) {
            // A difference takes precedence.
            Err(error) if outcome == Outcome::No => log::line("verify", error.to_string()),
            written => written?,
        }
    }
    Ok(outcome)
}

/// One run: what it compares with, and what it has found.
struct Verifier {
    packages: Packages,
    wanted: Wanted,
    dial: bool,
    report: Report,
}

impl Verifier {
    /// Verifies all builds at `path`, and names the packages that have none.
    fn verify(&mut self, path: &Path, place: &Place) -> Result<()> {
        if let Own::Unreadable(error) = &place.own {
            self.report.add_unusable(path, error)?;
        }
        let mut built = BTreeSet::new();
        for target in place.targets() {
            let expected = self.packages.expect(&place.own, target.id.as_ref());
            let verdict = compare::verdict(&target, &expected);
            self.report.add(&target, &verdict)?;
            if let (Own::Folder(own), Some(id), Expected::Made(made)) =
                (&place.own, &target.id, &expected)
                && !made.is_own
            {
                // It was found with --packages.
                let path = own.path_of(&id.package_name()).display().to_string();
                let reason = "the peer cannot run the chaincode once it restarts: install the \
                              package again";
                self.report
                    .add_other(("package", &path), OtherResult::Missing, reason)?;
            }
            if self.dial
                && let Some(connection) = target.connection()
            {
                self.report.add_dial(&target, dial::dial(&connection))?;
            }
            if let Some(id) = target.id {
                self.wanted.reported.insert(id.clone());
                built.insert(id);
            }
        }
        self.verify_unbuilt(path, &place.own, &built)
    }

    /// Names the packages in `own` that have no build.
    fn verify_unbuilt(
        &mut self,
        path: &Path,
        own: &Own,
        built: &BTreeSet<PackageId>,
    ) -> Result<()> {
        let Own::Folder(folder) = own else {
            return Ok(());
        };
        let entries = match folder.list() {
            Ok(entries) => entries,
            Err(error) => return self.report.add_unusable(path, &error),
        };
        for Entry { name, .. } in entries {
            let path = folder.path_of(&name).display().to_string();
            let Some(id) = PackageId::of_package(&name) else {
                if name.ends_with(".tar.gz") {
                    self.report.add_note(format!(
                        "{path}: its name is not LABEL.HASH.tar.gz, so no peer reads it: package --id \
                         says what it is; give it that name, or remove it"
                    ));
                }
                continue;
            };
            if built.contains(&id) {
                continue;
            }
            let Wanted {
                reported, unbuilt, ..
            } = &mut self.wanted;
            let (found, result, reason) = match self.packages.expect(own, Some(&id)) {
                Expected::Wrong(reason) => (reported, OtherResult::Mismatch, reason),
                // It needs no build of ours. Nothing in a folder of packages is merely recorded.
                Expected::Foreign(_) | Expected::Recorded => {
                    reported.insert(id);
                    continue;
                }
                // It may be another builder's, so it is not said to lack a build.
                Expected::Undetermined(reason) => (reported, OtherResult::CannotTell, reason),
                Expected::Made(..) => {
                    let reason = "rebuild makes it, or the peer at its next start";
                    (unbuilt, OtherResult::NotBuilt, reason.to_owned())
                }
            };
            found.insert(id);
            self.report.add_other(("package", &path), result, &reason)?;
        }
        Ok(())
    }
}
