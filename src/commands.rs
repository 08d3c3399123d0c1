//! The commands, one module each, except that the peer's three share one. They parse their
//! arguments, call the layers below, and print.

pub mod arguments;
pub mod check;
pub mod declared;
pub mod dial;
pub mod init;
pub mod install;
pub mod package;
pub mod peer;
pub mod rebuild;
pub mod verify;
