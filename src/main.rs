//! The program: `detect`, `build` or `release` if called by that name, subcommands otherwise.
#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    fabric_ccs_builder::cli::run(env::args_os())
}
