//! `check`: says, on any machine, what a peer would do with a package.

mod report;
mod subject;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use lexopt::{Arg, Parser};

use super::arguments::{self, path};
use super::dial;
use crate::builder::{self, Done};
use crate::error::{Error, Outcome, Refuse, Result, usage};
use crate::files::Scratch;
use crate::findings::Warnings;
use crate::formats::artifact;
use crate::formats::connection::Connection;
use crate::formats::meta_inf::Outside;
use crate::formats::package::source::Source;
use crate::layout::{CONNECTION, METADATA, SERVER};
use report::Report;
use subject::Subject;

pub const HELP: &str = "\
Usage: fabric-ccs-builder check [OPTION...] [DIR|FILE]

Says whether a peer would accept a package, and prints every fault, what would
be published and what the peer would dial. DIR is a package's source folder,
with metadata.json, connection.json and META-INF side by side. FILE is a package
made by any program: whether a peer can unpack it is then checked too. Without
either, the current folder is checked if it is a package, otherwise a sample.

  --config JSON   the values for templates in connection.json, instead of the
                  environment variable CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG;
                  other users can see it while the command runs
  --config @FILE  reads them from FILE
  --dial          connects to the address from this machine, without TLS also as
                  a gRPC client
  --json          prints one JSON object instead
  --sample        checks the sample
  --verbose       also prints what the peer's log would have, and digests

Exit status: 0 a peer would accept the package and publish all of its index
definitions, 1 it would not, 2 something could not be done.

Example: fabric-ccs-builder check --config '{\"peername\":\"org1peer1\"}' basic
";

const WORD: &str = "check";

pub fn run(mut parser: Parser) -> Result<Outcome> {
    let (mut config, mut source, mut sample) = (None, None, false);
    let mut report = Report::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("config") => config = Some(parser.value()?),
            Arg::Long("dial") => report.wants_dial = true,
            Arg::Long("json") => report.json = true,
            Arg::Long("sample") => sample = true,
            Arg::Long("verbose") => report.verbose = true,
            Arg::Value(dir) if source.is_none() => source = Some(path(dir)?),
            _ => return Err(Error::of(arg)),
        }
    }
    if sample && source.is_some() {
        return usage("--sample is a package itself; leave DIR out");
    }
    let config = arguments::config(config)?;
    let source = source.or_else(|| current_package().filter(|_| !sample));
    let shown = source.as_deref().map(|path| path.display().to_string());
    report.shown = shown.unwrap_or_else(|| "the built-in sample".to_owned());
    report.accepted = match (&source, sample) {
        (Some(_), _) => "a peer would accept this package",
        (None, true) => "a peer would accept the sample",
        (None, false) => "a peer would accept the sample; this folder holds no package",
    };
    report.refused = "a peer would refuse this package";
    let checked = check(source.as_deref(), config, &mut report);
    report.finish(checked)
}

/// The current folder, if it is meant as a package.
fn current_package() -> Option<PathBuf> {
    // If the look-up fails, opening the folder will say why.
    let is_there = |name: &&str| fs::exists(name).unwrap_or(true);
    let found = [METADATA, CONNECTION].iter().any(is_there);
    found.then(|| ".".into())
}

/// Checks the package at `path`, or else the sample, and reports what it finds.
fn check(path: Option<&Path>, config: Option<OsString>, report: &mut Report) -> Result<()> {
    let scratch = Scratch::new(WORD)?;
    let mut warnings = Warnings::default();
    let subject = Subject::open(path, &scratch, &mut warnings);
    report.add_warnings(warnings);
    let subject = subject?;
    let mut review = builder::review(&subject.source, subject.metadata(), config.clone())?;
    let outside = mem::take(&mut review.outside);
    let is_folder = path.is_some() && subject.digest.is_none();
    if is_folder {
        report.warnings.extend(outside.left_out(false));
    }
    let is_packable = review.unpackable.is_empty();
    report.add_review(review, subject.digest, now());
    if is_packable {
        report_package(&subject, &outside, report)?;
    }
    if report.faults.is_empty() {
        run_programs(&subject, config, &scratch, report)?;
    }
    Ok(())
}

/// Seconds since 1970. Used only by `check`: a clock must not decide an install.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs().try_into().unwrap_or(i64::MAX))
}

fn run_programs(
    subject: &Subject,
    config: Option<OsString>,
    scratch: &Scratch,
    report: &mut Report,
) -> Result<()> {
    let (bld, release) = (scratch.dir("bld")?, scratch.dir("release")?);
    let built = builder::build(&subject.source, subject.metadata(), &bld, config);
    report_program("build", built, report)?;
    report_program("release", builder::release(&bld, &release), report)?;
    report.recorded = artifact::list(&bld)?;
    report.released = artifact::list(&release)?;
    let content = release.descend(SERVER)?.read_needed(CONNECTION)?;
    let connection = Connection::parse_written(&content).refuse(CONNECTION)?;
    report.address = Some(connection.address().to_string());
    report.dial = Some(connection.dial_description());
    report.dial_result = report.wants_dial.then(|| dial::dial(&connection));
    Ok(())
}

fn report_program(name: &'static str, done: Result<Done>, report: &mut Report) -> Result<()> {
    let (status, lines) = match &done {
        Ok(done) => (0, done.lines().collect()),
        Err(error) => (1, vec![error.to_string()]),
    };
    report.log.push((name, format!("exit status: {status}")));
    let lines = lines
        .into_iter()
        .map(|line| ("", format!("{name}: {line}")));
    report.log.extend(lines);
    done.map(drop)
}

/// Reports that `package` would make a different package from the content.
fn report_package(subject: &Subject, outside: &Outside, report: &mut Report) -> Result<()> {
    let made = match Source::read(&subject.source, subject.metadata()) {
        // What it refuses is already among the faults.
        Err(Error::Refused(_)) if report.has_faults() => return Ok(()),
        made => made?,
    };
    let Some(digest) = subject.digest else {
        return Ok(());
    };
    let by_package = made.write(&mut io::sink())?;
    if by_package != digest {
        report.packaged = Some(format!("{}:{by_package}", made.metadata.label()?));
        report.warnings.extend(outside.left_out(true));
    }
    Ok(())
}
