//! A Hyperledger Fabric external builder for chaincode as a service, which records what it copies.
//!
//! The peer calls three programs, which are this one under three names: [`commands::detect`], [`commands::build`] and
//! [`commands::release`]. The other commands are for people. README.md describes them all; the modules here describe the formats.
#![forbid(unsafe_code)]

pub mod address;
pub mod archive;
pub mod cli;
pub mod commands;
pub mod connection;
pub mod difference;
pub mod digest;
pub mod dir;
pub mod duration;
pub mod index;
pub mod json;
pub mod log;
pub mod meta_inf;
pub mod metadata;
pub mod new_file;
pub mod parallel;
pub mod pem;
pub mod record;
pub mod template;
