//! The compiled program, run as a Fabric peer runs it.
//!
//! - [`detect`], [`build`], [`release`]: what each writes on success
//! - [`refusals`]: every input that is refused, with its message
//! - [`templates`]: connection.json filled in from the peer's config
//! - [`tree`]: odd things in a package's folders, and file system problems
//! - [`faults`]: kills, full disks, races, floods
//! - [`system_calls`]: each call to the file system fails once
//! - [`record`]: the record is checked by `sha256sum`, and the same on every run
//! - [`properties`]: generated inputs, compared with [`rules`], a second version of the peer's
//!   rules
//! - [`check`]: the three programs on a source folder
//! - [`package`]: the same content always gives the same bytes; and where they go
//! - [`install`]: puts the program where a peer looks for it
//! - [`verify`]: compares what a peer keeps with the record
//! - [`command_line`]: help, versions and wrong arguments
//! - [`house`]: the map of the code, the direction of imports, the length of files and functions

mod peer;
mod user;

mod build;
mod check;
mod command_line;
mod detect;
mod faults;
mod house;
mod install;
mod package;
mod properties;
mod record;
mod refusals;
mod release;
mod rules;
mod system_calls;
mod templates;
mod tree;
mod verify;
