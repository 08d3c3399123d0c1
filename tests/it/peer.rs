//! A package in the directories that a peer makes for it. Runs the programs on them exactly as a
//! peer does.

use std::env;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fabric_ccs_builder::testing::Digest;
use tempfile::TempDir;

use super::user::NOBODY;

/// The variable with the values for templates.
pub const CONFIG: &str = "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG";

/// A valid connection.json, which `build` writes unchanged.
pub const PLAIN: &str =
    r#"{"address":"basic.example.com:9999","dial_timeout":"10s","tls_required":false}"#;

/// A valid metadata.json.
const METADATA: &str = r#"{"type":"ccaas","label":"basic_1.0"}"#;

/// Where index definitions belong, as messages say it.
pub const BELONGS: &str = "index definitions belong in META-INF/statedb/couchdb/indexes, a collection's in META-INF/statedb/couchdb/collections/NAME/indexes";

/// A valid index definition.
pub const INDEX: &str = r#"{"index":{"fields":["docType","owner"]},"ddoc":"indexOwnerDoc","name":"indexOwner","type":"json"}"#;

/// An index definition that works beside others in a folder, with a name of its own.
pub fn index(name: &str) -> String {
    INDEX.replace("indexOwner\"", &format!("{name}\""))
}

/// Says that a test is skipped for lack of this program; in continuous integration none may be.
pub fn skip(program: &str) {
    assert!(
        env::var_os("CI").is_none(),
        "{program} is missing, or not allowed"
    );
    eprintln!("skipped: {program} is missing, or not allowed");
}

/// The program to test: the one that cargo built, unless the variable `TESTED_PROGRAM` has
/// another path.
pub fn program() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let built = env!("CARGO_BIN_EXE_fabric-ccs-builder").into();
        let program = env::var_os("TESTED_PROGRAM").unwrap_or(built);
        fs::canonicalize(&program).unwrap_or_else(|error| panic!("{}: {error}", program.display()))
    });
    &PROGRAM
}

/// The content of a file of `tests/fixtures/tls`.
pub fn tls(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/tls")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A JSON string with `text` in it.
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// Repeats `other` on another thread until `work` has ended, even by a panic.
pub fn meanwhile<T>(mut other: impl FnMut() + Send, work: impl FnOnce() -> T) -> T {
    struct StopAtEnd<'a>(&'a AtomicBool);
    impl Drop for StopAtEnd<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                other();
            }
        });
        let _stop = StopAtEnd(&stop);
        work()
    })
}

/// Pauses that grow from nothing to 150 ms, over and over: a busy machine needs long ones.
pub fn pauses() -> impl Iterator<Item = Duration> {
    (0..40)
        .cycle()
        .map(|step| Duration::from_micros(100 * step * step))
}

/// A folder like the peer's `$TMPDIR/fabric-<label>-<hash><random>`, with `src`, `metadata`, `bld`
/// and `release` in it.
pub struct Peer {
    root: TempDir,
    environment: Vec<(String, String)>,
    umask: &'static str,
    file_limit: Option<u64>,
    is_nobody: bool,
}

/// The result of a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Seen {
    /// The result of a process that wrote text. If a signal ended it, the status is 128 plus the
    /// signal, as in a shell.
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (code, signal) = (output.status.code(), output.status.signal());
        Self {
            status: code.or(signal.map(|signal| 128 + signal)).unwrap(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Asserts a refusal: status 1 and this one line.
    #[track_caller]
    pub fn refuses(&self, line: &str) {
        assert_eq!(
            (self.status, self.stderr.as_str()),
            (1, format!("{line}\n").as_str()),
            "{self:?}"
        );
    }

    /// Asserts success, with these warnings before the last line.
    #[track_caller]
    pub fn succeeds(&self, warnings: &[&str]) {
        let mut lines: Vec<&str> = self.stderr.lines().collect();
        let last = lines.pop().unwrap_or_default();
        assert_eq!((self.status, lines.as_slice()), (0, warnings), "{self:?}");
        assert!(last.contains(" the peer will dial "), "{self:?}");
    }
}

impl Peer {
    /// A valid package: type ccaas, label `basic_1.0`, [`PLAIN`] and nothing else.
    pub fn new() -> Self {
        Self::with_connection(PLAIN)
    }

    /// A valid package, but with this connection.json.
    pub fn with_connection(connection: impl AsRef<[u8]>) -> Self {
        let peer = Self::empty();
        peer.put("metadata/metadata.json", METADATA);
        peer.put("src/connection.json", connection);
        peer
    }

    /// A valid package, but with this metadata.json.
    pub fn with_metadata(metadata: impl AsRef<[u8]>) -> Self {
        let peer = Self::empty();
        peer.put("metadata/metadata.json", metadata);
        peer.put("src/connection.json", PLAIN);
        peer
    }

    fn put_working_package(&self) {
        self.put("metadata/metadata.json", METADATA);
        self.put("src/connection.json", PLAIN);
    }

    /// The four directories, all empty.
    pub fn empty() -> Self {
        Self::empty_below(&env::temp_dir())
    }

    /// Like [`Peer::new`], but in memory if the system has a folder for that: for very many files.
    pub fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        let peer = if memory.is_dir() {
            Self::empty_below(memory)
        } else {
            Self::empty()
        };
        peer.put_working_package();
        peer
    }

    fn empty_below(parent: &Path) -> Self {
        let root = tempfile::Builder::new()
            .prefix("fabric-basic_1.0-")
            .tempdir_in(parent)
            .unwrap();
        for name in ["src", "metadata", "bld", "release"] {
            DirBuilder::new()
                .mode(0o700)
                .create(root.path().join(name))
                .unwrap();
        }
        let environment = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
        Self {
            root,
            environment,
            umask: "022",
            file_limit: None,
            is_nobody: false,
        }
    }

    /// Sets the values for templates.
    pub fn config(self, json: &str) -> Self {
        self.environment(CONFIG, json)
    }

    /// Sets a variable that the peer passes on.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a umask other than 022.
    pub fn umask(mut self, umask: &'static str) -> Self {
        self.umask = umask;
        self
    }

    /// No file can grow beyond `blocks` of 512 bytes: the disk is full.
    pub fn file_limit(mut self, blocks: u64) -> Self {
        self.file_limit = Some(blocks);
        self
    }

    /// Runs the programs as a user other than root, who owns the directories. Does nothing if the
    /// tests do not run as root.
    pub fn run_by_nobody(mut self) -> Self {
        if fs::metadata(self.root.path()).unwrap().uid() == 0 {
            let mut todo = vec![self.root.path().to_owned()];
            while let Some(path) = todo.pop() {
                chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
                if fs::symlink_metadata(&path).unwrap().is_dir() {
                    todo.extend(
                        fs::read_dir(&path)
                            .unwrap()
                            .map(|entry| entry.unwrap().path()),
                    );
                }
            }
            self.is_nobody = true;
        }
        self
    }

    /// The path of something in this folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a file, and makes its parent folders.
    pub fn put(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        self
    }

    /// Makes a folder.
    pub fn put_dir(&self, name: &str) -> &Self {
        fs::create_dir_all(self.path(name)).unwrap();
        self
    }

    /// Replaces a folder with an empty one.
    pub fn clear(&self, dir: &str) {
        fs::remove_dir_all(self.path(dir)).unwrap();
        self.put_dir(dir);
    }

    /// Makes a symbolic link.
    pub fn put_link(&self, name: &str, target: &str) -> &Self {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        symlink(target, self.path(name)).unwrap();
        self
    }

    /// Changes a mode.
    pub fn set_mode(&self, name: &str, mode: u32) -> &Self {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
        self
    }

    /// Reads a file.
    pub fn get(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn detect(&self) -> Seen {
        self.run("detect", &["src", "metadata"])
    }

    pub fn build(&self) -> Seen {
        self.run("build", &["src", "metadata", "bld"])
    }

    pub fn release(&self) -> Seen {
        self.run("release", &["bld", "release"])
    }

    /// Runs `bin/WORD` with the absolute paths of `dirs`: the environment, standard streams and
    /// working directory are the peer's.
    pub fn run(&self, word: &str, dirs: &[&str]) -> Seen {
        self.run_under(&[], word, dirs)
    }

    /// The same, run through a wrapper program with arguments.
    pub fn run_under(&self, wrapper: &[String], word: &str, dirs: &[&str]) -> Seen {
        let bin = tempfile::tempdir().unwrap();
        let called = bin.path().join(word);
        if self.is_nobody {
            // Other users may have no access to the program's own folder. Another process makes the
            // copy: if this one had the copy open for writing, a child started by another test
            // would inherit it, and the copy could not be run.
            fs::set_permissions(bin.path(), Permissions::from_mode(0o755)).unwrap();
            let copied = Command::new("cp")
                .arg(program())
                .arg(&called)
                .status()
                .unwrap();
            assert!(copied.success());
        } else {
            symlink(program(), &called).unwrap();
        }
        let limit = self.file_limit.map_or_else(String::new, |blocks| {
            format!("trap '' XFSZ; ulimit -f {blocks}; ")
        });
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(format!("{limit}umask {}; exec \"$@\"", self.umask))
            .arg("sh")
            .args(wrapper)
            .arg(called);
        command.args(dirs.iter().map(|dir| self.path(dir)));
        command.env_clear().envs(self.environment.iter().cloned());
        command
            .env("TMPDIR", self.root.path())
            .stdin(Stdio::null())
            .current_dir("/");
        if self.is_nobody {
            use std::os::unix::process::CommandExt;
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.output().unwrap();
        let seen = Seen::of(&output);
        assert_eq!(
            seen.stdout, "",
            "the peer gives no standard output: {seen:?}"
        );
        seen
    }

    /// `PATH MODE SHA256` of every file, `PATH/ MODE` of every folder below `dir`, sorted.
    pub fn listing(&self, dir: &str) -> Vec<String> {
        self.lines(dir, |path| {
            format!(" {}", Digest::of(&fs::read(path).unwrap()))
        })
    }

    /// The names in `dir`, sorted.
    pub fn names(&self, dir: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(dir)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        names
    }

    /// Like [`Peer::listing`], without digests.
    pub fn modes(&self, dir: &str) -> Vec<String> {
        self.lines(dir, |_| String::new())
    }

    /// A line for everything below `dir`, sorted, with what `end` adds for a file.
    fn lines(&self, dir: &str, end: impl Fn(&Path) -> String) -> Vec<String> {
        let top = self.path(dir);
        let mut lines = Vec::new();
        let mut todo = vec![top.clone()];
        while let Some(folder) = todo.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let metadata = fs::symlink_metadata(&path).unwrap();
                let name = path.strip_prefix(&top).unwrap().display().to_string();
                let mode = metadata.mode() & 0o7777;
                if metadata.is_dir() {
                    lines.push(format!("{name}/ {mode:o}"));
                    todo.push(path);
                } else {
                    lines.push(format!("{name} {mode:o}{}", end(&path)));
                }
            }
        }
        lines.sort();
        lines
    }

    /// Asserts that there is nothing below `dir`.
    #[track_caller]
    pub fn has_nothing_in(&self, dir: &str) {
        assert_eq!(self.listing(dir), Vec::<String>::new());
    }
}
