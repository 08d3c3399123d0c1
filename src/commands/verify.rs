//! `verify`: compares what a peer runs with what was recorded.

mod report;
mod target;
mod verdict;

use lexopt::{Arg, Parser};

use super::{Outcome, Result, Stop, dial, path};
use report::Report;
use target::Place;

pub const HELP: &str = "\
Usage: fabric-ccs-builder verify [--json] [--dial] PATH...

Compares what is on a disk with the record that build made of it. Each PATH is a
build output (with SHA256SUMS), one of a peer's builds (with build-info.json,
bld and release), or a peer's externalbuilder/builds with all of them. Prints a
line for each build that matches, a line for each difference (mismatch, missing,
unrecorded, damaged), and a summary. Changes nothing and follows no link.

  --dial  also connects to each chaincode's address from this machine, without
          TLS as a gRPC client; one that is not reached could not be determined
  --json  prints one JSON object a line instead

Exit status: 0 all match, 1 some difference, 2 no difference, but something
could not be determined, such as another builder's build, which has no record.

Example: fabric-ccs-builder verify externalbuilder/builds
";

pub fn run(mut parser: Parser) -> Result<Outcome> {
    let (mut json, mut is_dialled, mut paths) = (false, false, Vec::new());
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("json") => json = true,
            Arg::Long("dial") => is_dialled = true,
            Arg::Value(value) => paths.push(path(value)?),
            _ => return Err(Stop::of(arg)),
        }
    }
    if paths.is_empty() {
        return Err(Stop::usage("missing argument PATH"));
    }
    let mut report = Report::new(json);
    for path in &paths {
        match Place::find(path) {
            Ok(place) => {
                for target in place.targets() {
                    report.add(&target, &target.verify())?;
                    let connection = target.connection().filter(|_| is_dialled);
                    if let Some(connection) = connection {
                        report.add_dial(&target, dial::dial(&connection))?;
                    }
                }
            }
            Err(error) => report.add_unusable(path, &error)?,
        }
    }
    Ok(report.finish()?)
}
