//! `verify`: is what a peer runs what was recorded?

mod report;
mod target;
mod verdict;

use std::path::PathBuf;

use lexopt::{Arg, Parser};

use super::{Outcome, Stop, path};
use crate::error::Result;
use report::Report;
use target::Target;

/// The help text.
pub const HELP: &str = "\
Usage: fabric-ccs-builder verify [--json] PATH...

Compares what is on a disk with the record that build made of it. Each PATH is a
build output (with SHA256SUMS), one of a peer's builds (with build-info.json,
bld and release), or a peer's externalbuilder/builds with all of them. Prints a
line for each build that matches, a line for each difference (mismatch, missing,
unrecorded, damaged), and a summary. Changes nothing and follows no link.

  --json  prints one JSON object a line instead

Exit status: 0 all match, 1 some difference, 2 no difference, but something
could not be determined, such as another builder's build, which has no record.

Example: fabric-ccs-builder verify externalbuilder/builds
";

/// What the command line says.
pub struct Args {
    json: bool,
    paths: Vec<PathBuf>,
}

impl Args {
    /// Reads the command line.
    pub fn parse(mut parser: Parser) -> std::result::Result<Self, Stop> {
        let (mut json, mut paths) = (false, Vec::new());
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("json") => json = true,
                Arg::Value(value) => paths.push(path(value)?),
                _ => return Err(Stop::of(arg)),
            }
        }
        if paths.is_empty() {
            return Err("missing argument PATH".into());
        }
        Ok(Self { json, paths })
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let mut report = Report::new(args.json);
    for path in &args.paths {
        match Target::find(path) {
            Ok(targets) => {
                for target in &targets {
                    report.add(target, &target.verify())?;
                }
            }
            Err(error) => report.add_unusable(path, &error)?,
        }
    }
    report.finish()
}
