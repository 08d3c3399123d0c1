//! The names, modes and limits that several formats share, each written once.

/// The program's name, where it is not called by the name of a command.
pub const PROGRAM: &str = env!("CARGO_PKG_NAME");
/// The program's name and version.
pub const VERSION: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));

/// The file that names a package, in the package and in every directory that is made of it.
pub const METADATA: &str = "metadata.json";
/// The file with the chaincode's address, in the package, the build output and the release output.
pub const CONNECTION: &str = "connection.json";
/// The archive in a package of what a builder gets as `CHAINCODE_SOURCE_DIR`.
pub const CODE: &str = "code.tar.gz";
/// The folder of index definitions, in a package and in the build output.
pub const META_INF: &str = "META-INF";
/// The folder that stands for it in the layout of Fabric's `cc_service.md`.
pub const ALTERNATIVE: &str = "metadata";
/// The folder in both, and in the release output, that holds what is published of them.
pub const STATEDB: &str = "statedb";
/// The record's list of digests in a build output.
pub const SUMS: &str = "SHA256SUMS";
/// The record's statement in a build output.
pub const STATEMENT: &str = "build.intoto.json";
/// Where the peer looks for connection.json in the release output.
pub const SERVER: &str = "chaincode/server";
/// The peer's own file in each of its builds, beside [`BLD`] and [`RELEASE`].
pub const BUILD_INFO: &str = "build-info.json";
/// The build output in one of a peer's builds.
pub const BLD: &str = "bld";
/// The release output in one of a peer's builds.
pub const RELEASE: &str = "release";
/// The folder in which a peer looks for the programs.
pub const BIN: &str = "bin";
/// The names by which a peer calls this program.
pub const PROGRAMS: [&str; 3] = ["detect", "build", "release"];
/// How the names of everything unfinished begin.
pub const UNFINISHED: &str = ".fabric-ccs-builder";

/// The mode of files that anybody may read.
pub const PUBLIC: u32 = 0o644;
/// The mode of files that may hold a private key.
pub const SECRET: u32 = 0o600;
/// The mode of directories that anybody may enter, and of programs.
pub const OPEN: u32 = 0o755;
/// The mode of directories that only their owner may enter.
pub const CLOSED: u32 = 0o700;

/// The largest metadata.json, connection.json (before and after templates) and index definition,
/// in bytes.
pub const MAX_SMALL: u64 = 1 << 20;
/// The most bytes of all index definitions of a package: to check them takes time.
pub const MAX_INDEXES: u64 = 64 << 20;
/// The largest file of a record, in bytes: larger than that of any package within [`PACKAGE`].
pub const MAX_RECORD: u64 = 128 << 20;
/// The longest path in a package or build, in bytes: the peer puts its own folders in front, and
/// Linux allows 4096 in all.
pub const MAX_PATH: usize = 2048;
/// The longest label, in bytes: the peer unpacks a package in `fabric-LABEL-HASH` with up to ten
/// digits after it, and file systems allow names of 255 bytes.
pub const MAX_LABEL: usize = 255 - "fabric-".len() - "-".len() - 64 - 10;
/// The most that gRPC takes in an install by default, less what is in it beside the package.
pub const MAX_INSTALL: u64 = (100 << 20) - (16 << 10);
/// The longest line of the log, with its line feed, in bytes; the peer stops reading at 64 KiB.
pub const MAX_LINE: usize = 4096;
/// The most warnings that one run prints; one more line says how many were left out.
pub const MAX_WARNINGS: usize = 60;

/// The most that a tree of directories may have.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Directories inside each other.
    pub depth: usize,
    /// Files and directories.
    pub entries: usize,
    /// The bytes of all files.
    pub bytes: u64,
    /// The bytes of all paths: a record holds each of them four times.
    pub path_bytes: usize,
}

/// What a package may have below its META-INF.
pub const PACKAGE: Limits = Limits {
    depth: 64,
    entries: 200_000,
    bytes: 4 << 30,
    path_bytes: 16 << 20,
};

/// What a build of such a package may have, with the peer's files and the record.
pub const BUILD: Limits = Limits {
    depth: PACKAGE.depth + 8,
    entries: PACKAGE.entries + 1000,
    bytes: PACKAGE.bytes + (1 << 30),
    path_bytes: PACKAGE.path_bytes + (1 << 20),
};
