//! Names, modes and limits that several formats share, each defined once.

/// The program's name, unless it is called as `detect`, `build` or `release`.
pub const PROGRAM: &str = env!("CARGO_PKG_NAME");
/// The program's name and version.
pub const VERSION: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
/// The same as a line, by which `install` recognises a version of this program in its bytes.
pub const VERSION_LINE: &str =
    concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"), "\n");

/// The file with a package's type and label, in the package, in `CHAINCODE_METADATA_DIR` and in the
/// build output.
pub const METADATA: &str = "metadata.json";
/// The file with the chaincode's address, in the package, the build output and the release output.
pub const CONNECTION: &str = "connection.json";
/// The archive inside a package that the peer unpacks as `CHAINCODE_SOURCE_DIR`.
pub const CODE: &str = "code.tar.gz";
/// The folder of index definitions, in a package and in the build output.
pub const META_INF: &str = "META-INF";
/// The folder that replaces META-INF in the layout of Fabric's `cc_service.md`.
pub const ALTERNATIVE: &str = "metadata";
/// The folder in both of these, and in the release output, that holds the index definitions.
pub const STATEDB: &str = "statedb";
/// The record's list of digests in a build output.
pub const SUMS: &str = "SHA256SUMS";
/// The record's statement in a build output.
pub const STATEMENT: &str = "build.intoto.json";
/// The folder in the release output that holds all but the index definitions.
pub const CHAINCODE: &str = "chaincode";
/// Where the peer looks for connection.json in the release output, in [`CHAINCODE`].
pub const SERVER: &str = "chaincode/server";
/// The peer's own file in each of its builds, beside [`BLD`] and [`RELEASE`].
pub const BUILD_INFO: &str = "build-info.json";
/// The build output in one of a peer's builds.
pub const BLD: &str = "bld";
/// The release output in one of a peer's builds.
pub const RELEASE: &str = "release";
/// The folder in which a peer looks for the programs.
pub const BIN: &str = "bin";
/// The names under which a peer calls this program.
pub const PROGRAMS: [&str; 3] = ["detect", "build", "release"];
/// The prefix of the names of all unfinished files and directories.
pub const UNFINISHED: &str = ".fabric-ccs-builder";

/// The mode of files that anyone may read.
pub const PUBLIC: u32 = 0o644;
/// The mode of files that may hold a private key.
pub const SECRET: u32 = 0o600;
/// The mode of programs, and of directories that anyone may enter.
pub const OPEN: u32 = 0o755;
/// The mode of directories that only their owner may enter.
pub const CLOSED: u32 = 0o700;

/// The largest metadata.json, connection.json (before and after templates) and index definition,
/// in bytes.
pub const MAX_SMALL: u64 = 1 << 20;
/// The most bytes of index definitions that are read in one package: checking them takes time.
pub const MAX_INDEXES: u64 = 64 << 20;
/// The largest file of a record, in bytes. No package within [`TREE_LIMITS`] needs one as large.
pub const MAX_RECORD: u64 = 128 << 20;
/// The longest path in a package or build, in bytes: the peer prepends its own folders, and Linux
/// allows 4096 in total.
pub const MAX_PATH: usize = 2048;
/// The longest label, in bytes: the peer unpacks a package in `fabric-LABEL-HASH` with up to ten
/// digits after it, and file systems allow names of 255 bytes.
pub const MAX_LABEL: usize = 255 - "fabric-".len() - "-".len() - 64 - 10;
/// The largest package that an install request can carry: gRPC's default limit, minus room for the
/// rest of the request.
pub const MAX_INSTALL: u64 = (100 << 20) - (16 << 10);
/// The longest line of the log, including its line feed, in bytes; the peer stops reading at 64
/// KiB.
pub const MAX_LINE: usize = 4096;
/// The most faults or warnings that are kept to be printed; of warnings, another line says how many
/// more there were.
pub const MAX_FINDINGS: usize = 60;

/// The most that a directory tree may hold.
#[derive(Clone, Copy)]
pub struct Limits {
    /// The depth of nested directories.
    pub depth: usize,
    /// Files and directories.
    pub entries: usize,
    /// The bytes of all files.
    pub bytes: u64,
    /// The bytes of all paths; a record holds each path three times, with escapes.
    pub path_bytes: usize,
}

/// What a package may hold below its META-INF.
pub const TREE_LIMITS: Limits = Limits {
    depth: 64,
    entries: 200_000,
    bytes: 4 << 30,
    path_bytes: 16 << 20,
};

/// What a build of such a package may hold, including the peer's files and the record, and what an
/// archive with such a package may hold.
pub const BUILD_LIMITS: Limits = Limits {
    depth: TREE_LIMITS.depth + 8,
    entries: TREE_LIMITS.entries + 1000,
    bytes: TREE_LIMITS.bytes + (1 << 30),
    path_bytes: TREE_LIMITS.path_bytes + (1 << 20),
};
