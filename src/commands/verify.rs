//! `verify`: is what a peer runs what was recorded?

mod report;
mod target;
mod verdict;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use lexopt::{Arg, Parser};

use super::{Outcome, Request, path};
use crate::parallel;
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
could not be told: another builder's build, which has no record, for example.

Example: fabric-ccs-builder verify externalbuilder/builds
";

/// What is slower than this shows its progress.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often progress is shown anew.
const TICK: Duration = Duration::from_millis(200);

/// What the command line says.
pub struct Args {
    json: bool,
    paths: Vec<PathBuf>,
}

impl Args {
    /// Reads the command line.
    ///
    /// # Errors
    /// When it has an unknown option, or no PATH.
    pub fn parse(mut parser: Parser) -> Result<Request<Self>, lexopt::Error> {
        let (mut json, mut paths) = (false, Vec::new());
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Short('h') | Arg::Long("help") => return Ok(Request::Help),
                Arg::Short('V') | Arg::Long("version") => return Ok(Request::Version),
                Arg::Long("json") => json = true,
                Arg::Value(value) => paths.push(path(value)?),
                _ => return Err(arg.unexpected()),
            }
        }
        if paths.is_empty() {
            return Err("missing argument PATH".into());
        }
        Ok(Request::Run(Self { json, paths }))
    }
}

/// Runs the command.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &Args) -> Result<Outcome> {
    let mut report = Report::new(args.json);
    let mut targets = Vec::new();
    for path in &args.paths {
        match Target::find(path) {
            Ok(found) => targets.extend(found),
            Err(error) => report.unusable(path, &error)?,
        }
    }
    report.expect(&targets);
    let targets: Vec<(usize, Target)> = targets.into_iter().enumerate().collect();
    let report = &Mutex::new(report);
    thread::scope(|scope| {
        // Dropped at the end, which ends the progress.
        let (_working, work) = mpsc::channel();
        if io::stderr().is_terminal() {
            // Without a second thread there is no progress to see.
            let _ =
                thread::Builder::new().spawn_scoped(scope, move || show_progress(report, &work));
        }
        parallel::map_large(&targets, |(number, target), (): &mut ()| {
            let verdict = target.verify();
            lock(report).take(*number, target, &verdict)
        })
    })?;
    lock(report).finish()
}

/// Shows how far the work has come, from when it begins to take long until the other end of `work` is dropped.
fn show_progress(report: &Mutex<Report>, work: &mpsc::Receiver<()>) {
    let mut wait = PATIENCE;
    while work.recv_timeout(wait) == Err(mpsc::RecvTimeoutError::Timeout) {
        lock(report).show_progress();
        wait = TICK;
    }
    lock(report).hide_progress();
}

/// The report; what a thread that panicked has left of it is still right.
fn lock(report: &Mutex<Report>) -> MutexGuard<'_, Report> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}
