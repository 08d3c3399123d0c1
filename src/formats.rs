//! The file formats of packages, of builds and their records, and of what is published from them.
//!
//! Functions that parse content return `anyhow` errors, which are about that content, or about a
//! file that the config names for it. Functions that read files return this crate's
//! [`Error`](crate::error::Error).

pub mod address;
pub mod advice;
pub mod archive;
pub mod artifact;
pub mod comparison;
pub mod connection;
pub mod dial_timeout;
pub mod index;
pub mod installed;
pub mod json;
pub mod judge;
pub mod meta_inf;
pub mod metadata;
pub mod package;
pub mod published;
pub mod record;
pub mod statement;
pub mod template;
pub mod tls;
pub mod values;
pub mod written;
