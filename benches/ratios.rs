//! `cargo bench`: how long the program takes, as ratios to other programs on the same machine in
//! the same run, and how much memory. Each figure is the median of alternating runs, so that a busy
//! moment hits both sides. docs/performance.md has the method and a table.
//!
//! The program is measured as it is released: statically linked with musl, if scripts/get-musl has
//! installed a Rust toolchain for that, and otherwise with this machine's C library. It needs `cp`
//! and `sha256sum`, but neither a network nor root.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, iter};

use nix::sys::resource::{UsageWho, getrusage};

const INDEX: &str = r#"{"index":{"fields":["docType","owner"]},"ddoc":"indexOwnerDoc","name":"indexOwner","type":"json"}"#;
/// A program that does nothing.
const NOTHING: &str = "fn main() {}";

/// A program that makes the folders and files of a small package's build output in the folder it is
/// given, and no more.
const ONLY_FILES: &str = r#"
    fn main() -> std::io::Result<()> {
        let output = std::path::PathBuf::from(std::env::args_os().nth(1).unwrap());
        let indexes = output.join("META-INF/statedb/couchdb/indexes");
        for folder in ["META-INF", "META-INF/statedb", "META-INF/statedb/couchdb"] {
            std::fs::create_dir(output.join(folder))?;
        }
        std::fs::create_dir(&indexes)?;
        std::fs::write(indexes.join("index000000.json"), [b'x'; 93])?;
        for (name, size) in [("metadata.json", 36), ("build.intoto.json", 1070), ("SHA256SUMS", 362), ("connection.json", 78)] {
            std::fs::write(output.join(name), vec![b'x'; size])?;
        }
        Ok(())
    }
"#;

const CONNECTION: &str =
    r#"{"address":"basic.example.com:9999","dial_timeout":"10s","tls_required":false}"#;
const METADATA: &str = r#"{"type":"ccaas","label":"basic_1.0"}"#;

fn main() {
    let mut args = env::args_os().skip(1);
    if args.next().as_deref() == Some(OsStr::new("--memory-of")) {
        return print_memory_of(args);
    }
    let bench = Bench::new();
    println!("| what | against | ratio | to reach | time | peak memory |");
    println!("|---|---|---|---|---|---|");
    bench.small();
    bench.many_indexes();
    bench.verify_many();
    bench.verify_packages();
    println!();
    println!("| indexes | time of build | each |");
    println!("|---|---|---|");
    bench.growth();
    println!();
    println!(
        "Static program for {}: {} bytes. A static program that does nothing: {} bytes.",
        bench.target,
        size(&bench.program),
        size(&bench.nothing)
    );
}

struct Bench {
    /// What all of them are compiled for.
    target: String,
    /// The program, statically linked.
    program: PathBuf,
    /// A static program that does nothing.
    nothing: PathBuf,
    /// A static program that makes the files of a small build.
    only_files: PathBuf,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let compiler = Compiler::find();
        let nothing = compiler.compile(NOTHING, &folder.path().join("nothing"));
        let only_files = compiler.compile(ONLY_FILES, &folder.path().join("only-files"));
        let program = compiler.build_static();
        for word in ["detect", "build", "release"] {
            symlink(&program, folder.path().join(word)).unwrap();
        }
        Self {
            target: compiler.target,
            program,
            nothing,
            only_files,
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A package with `indexes` index definitions; its folder.
    fn package(&self, indexes: usize) -> PathBuf {
        let package = self.path(&format!("package-{indexes}"));
        let folder = package.join("src/META-INF/statedb/couchdb/indexes");
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(package.join("metadata")).unwrap();
        fs::write(package.join("metadata/metadata.json"), METADATA).unwrap();
        fs::write(package.join("src/connection.json"), CONNECTION).unwrap();
        for number in 0..indexes {
            let name = format!("index{number:06}");
            let index = INDEX.replace("indexOwner\"", &format!("{name}\""));
            fs::write(folder.join(format!("{name}.json")), index).unwrap();
        }
        package
    }

    fn program(&self, word: &str, paths: &[&Path]) -> Command {
        let mut command = Command::new(self.path(word));
        command.args(paths);
        command
    }

    fn verify(&self, path: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("verify").arg(path);
        command
    }

    fn build(&self, package: &Path, output: &Path) -> Command {
        self.program(
            "build",
            &[&package.join("src"), &package.join("metadata"), output],
        )
    }

    /// A new empty folder.
    fn empty(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// The folder that `build` makes from a package.
    fn built(&self, package: &Path, name: &str) -> PathBuf {
        let output = self.empty(name);
        succeed(&mut self.build(package, &output));
        output
    }

    /// Makes a package's build as a peer keeps it.
    fn peer_build(&self, package: &Path, build: &Path) {
        let (bld, release) = (build.join("bld"), build.join("release"));
        fs::create_dir_all(&bld).unwrap();
        fs::create_dir_all(&release).unwrap();
        let info = r#"{"builder_name":"ccaas_builder"}"#;
        fs::write(build.join("build-info.json"), info).unwrap();
        succeed(&mut self.build(package, &bld));
        succeed(&mut self.program("release", &[&bld, &release]));
    }

    fn small(&self) {
        let package = self.package(1);
        let output = self.built(&package, "built");
        let nothing = || Command::new(&self.nothing);
        let detect = || self.program("detect", &[&package.join("src"), &package.join("metadata")]);
        let build = || self.build(&package, &self.empty("out"));
        let release = || self.program("release", &[&output, &self.empty("out")]);
        let only_files = || {
            let mut command = Command::new(&self.only_files);
            command.arg(self.empty("out"));
            command
        };
        let rows: [(_, _, &dyn Fn() -> Command); 4] = [
            ("detect, small package", Some(1.3), &detect),
            ("build, small package", Some(2.0), &build),
            ("release, small package", Some(2.0), &release),
            (
                "writing the files of that build, without checks",
                None,
                &only_files,
            ),
        ];
        for (what, goal, ours) in rows {
            row(what, "nothing", goal, 300, ours, &nothing);
        }
    }

    fn many_indexes(&self) {
        let package = self.package(10_000);
        let build = || self.build(&package, &self.empty("out"));
        let copy = || copy(&package.join("src"), &self.empty("copy"));
        row("build, 10,000 indexes", "cp -r", 0.8, 31, &build, &copy);
    }

    fn verify_many(&self) {
        let package = self.package(6);
        let builds = self.empty("builds");
        for number in 0..1000 {
            self.peer_build(&package, &builds.join(format!("basic_1.0-{number:064}")));
        }
        let verify = || self.verify(&builds);
        let check = || {
            let each = r#"for build in "$0"/*/bld; do cd "$build" && sha256sum --check --quiet SHA256SUMS || exit 1; done"#;
            let mut command = Command::new("sh");
            command.args(["-c", each]).arg(&builds);
            command
        };
        row(
            "verify, 1,000 builds of 10 files",
            "sha256sum -c in each",
            0.3,
            7,
            &verify,
            &check,
        );
    }

    /// A peer with 1,000 packages and their builds.
    fn verify_packages(&self) {
        let package = self.package(6);
        let source = package.join("src");
        let production = self.empty("production");
        let packages = production.join("lifecycle/chaincodes");
        let builds = production.join("externalbuilder/builds");
        fs::create_dir_all(&packages).unwrap();
        for number in 0..1000 {
            let label = format!("basic_{number}");
            let metadata = METADATA.replace("basic_1.0", &label);
            for folder in ["metadata", "src"] {
                fs::write(package.join(folder).join("metadata.json"), &metadata).unwrap();
            }
            let file = packages.join("new");
            let mut make = Command::new(&self.program);
            let id = output(
                make.args(["package", "--quiet", "-o"])
                    .args([&file, &source]),
            );
            let (_, hash) = id.trim_end().split_once(':').unwrap();
            fs::rename(file, packages.join(format!("{label}.{hash}.tar.gz"))).unwrap();
            self.peer_build(&package, &builds.join(format!("{label}-{hash}")));
        }
        let verify = || self.verify(&production);
        let sums = || {
            let mut command = Command::new("find");
            command
                .arg(&production)
                .args(["-type", "f", "-exec", "sha256sum", "{}", "+"]);
            command
        };
        row(
            "verify, 1,000 builds and their packages",
            "sha256sum of the same files",
            2.0,
            7,
            &verify,
            &sums,
        );
    }

    fn growth(&self) {
        for indexes in [1_000, 10_000, 100_000] {
            let package = self.package(indexes);
            let build = || time(self.build(&package, &self.empty("out")));
            let time = median(iter::repeat_with(build).take(3));
            let each = time / u32::try_from(indexes).unwrap();
            println!("| {indexes} | {time:.1?} | {each:.1?} |");
            fs::remove_dir_all(package).unwrap();
        }
    }
}

/// A compiler of static programs.
struct Compiler {
    rustc: PathBuf,
    target: String,
    is_musl: bool,
}

impl Compiler {
    /// That of scripts/get-musl, or else the one that compiled this.
    fn find() -> Self {
        let musl = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/musl/bin/rustc");
        if musl.exists() {
            return Self {
                rustc: musl,
                target: "x86_64-unknown-linux-musl".to_owned(),
                is_musl: true,
            };
        }
        let rustc = PathBuf::from(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let about = output(Command::new(&rustc).arg("-vV"));
        let host = about.lines().find_map(|line| line.strip_prefix("host: "));
        Self {
            target: host.unwrap().to_owned(),
            rustc,
            is_musl: false,
        }
    }

    /// Compiles a static program of its own.
    fn compile(&self, source: &str, program: &Path) -> PathBuf {
        let file = program.with_extension("rs");
        fs::write(&file, source).unwrap();
        let mut compile = Command::new(&self.rustc);
        compile.args([
            "-Copt-level=3",
            "-Clto=fat",
            "-Cpanic=abort",
            "-Cstrip=symbols",
            "-Ctarget-feature=+crt-static",
            "--target",
            &self.target,
            "-o",
        ]);
        succeed(compile.arg(program).arg(file));
        program.to_owned()
    }

    /// Builds the program as it is released.
    fn build_static(&self) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        if self.is_musl {
            let built = output(Command::new(root.join("scripts/build-musl")).arg("x86_64"));
            return PathBuf::from(built.trim_end());
        }
        let target = root.join("target/bench");
        let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build
            .args(["build", "--release", "--quiet", "--locked", "--target"])
            .arg(&self.target)
            .arg("--target-dir")
            .arg(&target);
        succeed(build.env("RUSTFLAGS", "-C target-feature=+crt-static"));
        target
            .join(&self.target)
            .join("release")
            .join(env!("CARGO_PKG_NAME"))
    }
}

fn copy(from: &Path, to: &Path) -> Command {
    let mut command = Command::new("cp");
    command.arg("-r").args([from, to]);
    command
}

/// Runs both sides in turn and prints the line of the table.
fn row(
    what: &str,
    against: &str,
    goal: impl Into<Option<f64>>,
    runs: usize,
    ours: &dyn Fn() -> Command,
    theirs: &dyn Fn() -> Command,
) {
    // The first turn warms the caches.
    let turns = iter::repeat_with(|| (time(ours()), time(theirs())));
    let (our_times, their_times): (Vec<_>, Vec<_>) = turns.take(runs + 1).skip(1).unzip();
    let (our_time, their_time) = (median(our_times), median(their_times));
    let ratio = our_time.as_secs_f64() / their_time.as_secs_f64();
    let memory = memory_of(&ours());
    let goal = goal
        .into()
        .map_or_else(String::new, |goal| goal.to_string());
    println!("| {what} | {against} | {ratio:.2} | {goal} | {our_time:.2?} | {memory} KiB |");
}

fn time(mut command: Command) -> Duration {
    command.stdout(Stdio::null());
    let start = Instant::now();
    succeed(&mut command);
    start.elapsed()
}

fn median(times: impl IntoIterator<Item = Duration>) -> Duration {
    let mut times = Vec::from_iter(times);
    times.sort_unstable();
    times[times.len() / 2]
}

/// The peak memory of a command, in KiB. A fresh copy of this harness starts it, because the kernel
/// counts the memory of the process that starts a program as the program's own: what that copy
/// needs, about 2 MiB, is the least that can be measured.
fn memory_of(command: &Command) -> u64 {
    let mut measured = Command::new(env::current_exe().unwrap());
    measured
        .arg("--memory-of")
        .arg(command.get_program())
        .args(command.get_args());
    let output = measured.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

/// Runs a command line, and prints the most memory that it had, in KiB.
fn print_memory_of(mut line: impl Iterator<Item = OsString>) {
    let mut command = Command::new(line.next().unwrap());
    succeed(
        command
            .args(line)
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    println!(
        "{}",
        getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss()
    );
}

/// What a command prints.
fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn succeed(command: &mut Command) {
    let status = command.stdin(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?}");
}

fn size(program: &Path) -> u64 {
    fs::metadata(program).unwrap().len()
}
