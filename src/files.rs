//! Files and directories of packages and peers on disk.
//!
//! A package is untrusted until it is checked, so nothing here follows a symbolic link below a
//! directory that a caller named. [`Dir`] is a directory held open, and [`Entry`] is something in
//! it. `walk` visits a directory tree, and [`Staging`] creates one that appears only when complete.

mod digest;
mod dir;
mod entry;
mod file;
mod new_file;
mod scratch;
mod sort;
mod staging;
mod update;
mod walk;

pub use digest::{Digest, Hashing};
pub use dir::{Dir, join};
pub use entry::{Entry, fault_of_name};
pub use file::{pieces, read_pem, read_small};
pub use new_file::NewFile;
pub use scratch::Scratch;
pub use sort::sort_by_path;
pub use staging::Staging;
pub use update::{create, mode_like, remove_unfinished, update};
pub use walk::Budget;
