//! Files and directories: what a package and a peer have on a disk.
//!
//! A package is hostile until it is checked, so nothing in here follows a symbolic link below a
//! directory that a caller named. [`Dir`] is a directory held open, [`Entry`] what was found in
//! it; `walk` visits a tree of them, and [`Staging`] makes one that appears when it is whole.

mod digest;
mod dir;
mod entry;
mod file;
mod new_file;
mod staging;
mod walk;

pub use digest::{Digest, HashingWriter};
pub use dir::{Dir, join};
pub use entry::Entry;
pub use file::Buffer;
pub use new_file::NewFile;
pub use staging::{Staging, Tree, remove_tree};
