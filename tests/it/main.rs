//! The compiled program, run as a Fabric peer runs it.
//!
//! - [`detect`], [`build`], [`release`]: what each writes on success
//! - [`mistakes`]: common mistakes, and what to write instead
//! - [`refusals`]: every input that is refused, with its message
//! - [`templates`]: connection.json filled in from the peer's config
//! - [`keys`]: values of that config that are files
//! - [`tree`]: odd things in a package's folders, and file system problems
//! - [`faults`]: kills, full disks, races, floods
//! - [`system_calls`]: each call to the file system fails once
//! - [`record`]: the record, checked by `sha256sum`, and the same on every run
//! - [`archive`]: gzip and tar, read as others read them
//! - [`properties`]: generated inputs against [`rules`], the peer's rules written a second time
//! - [`check`]: the same for people
//! - [`init`]: a source folder to start from
//! - [`dial`]: whether anything answers where a peer would dial
//! - [`cases`]: what people have trouble with
//! - [`package`]: the same bytes from the same content, for ever; and where they go
//! - [`indexes`]: index definitions, against the answers of real versions of `CouchDB`
//! - [`install`]: the program where a peer looks for it
//! - [`verify`]: what a peer keeps, compared with its packages, or with the record
//! - [`rebuild`]: a peer's builds made again while it runs
//! - [`command_line`]: help, versions and wrong arguments
//! - [`house`]: the map of the code, the direction of imports, the length of files and functions

mod peer;
mod user;

mod archive;
mod build;
mod cases;
mod check;
mod command_line;
mod detect;
mod dial;
mod faults;
mod house;
mod indexes;
mod init;
mod install;
mod keys;
mod mistakes;
mod package;
mod properties;
mod rebuild;
mod record;
mod refusals;
mod release;
mod rules;
mod system_calls;
mod templates;
mod tree;
mod verify;
