//! The compiled program, run as a Fabric peer runs it.
//!
//! - [`detect`], [`build`], [`release`]: what each writes when it says yes
//! - [`refusals`]: every input that is refused, with its line
//! - [`templates`]: connection.json filled in from the peer's config
//! - [`tree`]: odd things in a package's folders, and what the file system can do to us
//! - [`record`]: the record, checked by `sha256sum`, and the same on every run
//! - [`check`]: the same for people
//! - [`verify`]: what a peer keeps, compared with the record
//! - [`command_line`]: help, versions and wrong arguments

mod peer;

mod build;
mod check;
mod command_line;
mod detect;
mod record;
mod refusals;
mod release;
mod templates;
mod tree;
mod verify;
