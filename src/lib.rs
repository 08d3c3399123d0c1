//! A Hyperledger Fabric external builder for chaincode as a service that records what it copies.
//!
//! The peer calls this program under three names: `detect`, `build` and `release`. The other
//! commands are for people. docs/reference.md lists them all.
//!
//! # A tour, from the top down
//!
//! Imports only point down this table.
//!
//! | layer | contents |
//! |---|---|
//! | [`cli`] | selects the command; turns errors into lines and exit statuses |
//! | `commands` | the arguments and the output of each command |
//! | `builder` | `build`, `release` and `rebuild`, what they would make, and every fault of a package |
//! | [`formats`] | the file formats of packages, records and releases |
//! | [`files`] | directories held open, walks, outputs that appear only when complete, digests |
//! | `findings` | the faults and warnings of a package |
//! | `log`, [`text`] | the one place that prints, and how text is escaped and quoted |
//! | [`error`], `layout` | how a command ends: answers and kinds of errors; names, modes and limits |
//!
//! `main` calls [`cli::run`], which selects `commands::peer::build`, which opens the peer's three
//! directories and calls `builder::build`. There, metadata.json is read ([`formats::metadata`]),
//! then connection.json ([`formats::connection`], whose templates [`formats::template`] fills in
//! and whose values `formats::values` checks by the peer's rules), then META-INF is walked
//! (`formats::meta_inf`), its index definitions are judged (`formats::judge`, [`formats::index`]),
//! its files are copied, and everything is recorded ([`formats::record`]). `builder::release`
//! compares a build with its record and publishes connection.json and the sound definitions
//! (`formats::published`). Both write into a hidden folder and rename what is complete
//! (`files::Staging`). Later, `commands::verify` compares both outputs with what
//! `builder::recompute` produces from the package by the same rules, or with the record.
//! `builder::review` is for `check`: it reads the same formats, but continues after a fault.
#![forbid(unsafe_code)]

mod builder;
pub mod cli;
mod commands;
mod error;
mod files;
mod findings;
mod formats;
mod layout;
mod log;
mod text;

/// What the tests and fuzz targets call. The program itself only needs [`cli`] to be public.
pub mod testing {
    pub use crate::files::{Digest, Dir};
    pub use crate::formats::address::Address;
    pub use crate::formats::archive::{gunzip, gzip, tar, untar};
    pub use crate::formats::artifact::Artifact;
    pub use crate::formats::connection::{Connection, Draft};
    pub use crate::formats::dial_timeout::DialTimeout;
    pub use crate::formats::index::Definition;
    pub use crate::formats::metadata::Metadata;
    pub use crate::formats::record::{Inputs, Record};
    pub use crate::formats::template::{Config, Template};
    pub use crate::formats::tls::{check_key_pair, check_root_certificates};
    pub use crate::text::{escaped, escaped_line, is_unsafe};
}
