//! A Hyperledger Fabric external builder for chaincode as a service, which records what it copies.
//!
//! The peer calls three programs, which are this one under three names: `detect`, `build` and
//! `release`. The other commands are for people. README.md describes them all.
//!
//! # A tour, from the top down
//!
//! Imports point downwards only.
//!
//! | layer | what is in it |
//! |---|---|
//! | [`cli`] | which command is meant; errors become lines and exit statuses |
//! | `commands` | what each command reads from its command line, and prints |
//! | `builder` | `build` and `release`, for the peer and for `check` |
//! | [`formats`] | what is in the files: the package's, the record's, the release's |
//! | [`files`] | directories held open, walks, outputs that appear when they are whole, digests |
//! | `log`, [`text`] | the one place that prints, and how texts are shown |
//! | [`error`], `layout` | the kinds of errors; names, modes and limits |
//!
//! A package goes through `builder::build`: metadata.json is read ([`formats::metadata`]), then
//! connection.json ([`formats::connection`], whose templates [`formats::template`] fills in and
//! whose values `formats::values` checks by the peer's rules), then META-INF is walked, checked and
//! copied (`formats::meta_inf`, [`formats::index`]), and all of it recorded ([`formats::record`]).
//! `builder::release` compares a build with its record and publishes what `formats::published`
//! names, and `commands::verify` compares both with the record later.
#![forbid(unsafe_code)]

mod builder;
pub mod cli;
mod commands;
mod error;
mod files;
mod formats;
mod layout;
mod log;
mod text;

/// What the tests and fuzz targets call. The program itself needs nothing public but [`cli`].
pub mod testing {
    pub use crate::files::{Digest, Dir};
    pub use crate::formats::address::Address;
    pub use crate::formats::archive::{gzip, tar};
    pub use crate::formats::artifact::Artifact;
    pub use crate::formats::connection::{Connection, Draft};
    pub use crate::formats::dial_timeout::DialTimeout;
    pub use crate::formats::index::check as check_index;
    pub use crate::formats::metadata::Metadata;
    pub use crate::formats::record::{Build, Record};
    pub use crate::formats::template::{Config, Template};
    pub use crate::formats::tls::{check_key_pair, check_root_certificates};
    pub use crate::text::{escaped, escaped_line, is_unsafe};
}
