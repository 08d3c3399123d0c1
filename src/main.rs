//! The program: `detect`, `build` or `release` when called by that name, sub-commands otherwise.
#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    fabric_ccs_builder::cli::run(env::args_os())
}
