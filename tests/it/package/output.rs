//! Where the package goes.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::super::peer::{Peer, Seen, program, quoted, skip, tls};
use super::super::user::{self, FULL_DISK};
use super::{bare, failed, failed_with_error, files, folder, id, package, package_after, packaged};

#[test]
fn goes_to_a_file_named_by_the_label() {
    for umask in ["umask 000", "umask 077", "umask 777"] {
        let peer = folder();
        let seen = package_after(umask, &peer, &[]);
        assert_eq!((seen.status, seen.stderr.as_str()), (0, ""), "{seen:?}");
        assert_eq!(seen.stdout, format!("{}\n", id(&peer)));
        assert_eq!(peer.modes("bld"), ["basic_1.0.tar.gz 644"]);
    }
}

#[test]
fn is_for_nobody_else_if_it_has_a_private_key() {
    let peer = folder();
    let connection = format!(
        r#"{{"address":"a:1","tls_required":true,"client_auth_required":true,"root_cert":{0},"client_cert":{0},"client_key":{1}}}"#,
        quoted(&tls("P-256.pem")),
        quoted(&tls("P-256.key")),
    );
    peer.put("package/connection.json", connection);
    // What was there before makes no difference.
    peer.put("bld/basic_1.0.tar.gz", "precious")
        .set_mode("bld/basic_1.0.tar.gz", 0o644);
    let seen = package_after("umask 000", &peer, &["--force"]);
    let line = "package: warning: connection.json: a private key goes into the package; write \"{{.client_key}}\" for it, and \"client_key\": {\"file\": \"/PATH\"} in each peer's config\n";
    assert_eq!((seen.status, seen.stderr.as_str()), (0, line));
    assert_eq!(peer.modes("bld"), ["basic_1.0.tar.gz 600"]);
    for (mode, then) in [(0o644, "600"), (0o604, "600"), (0o640, "640")] {
        peer.set_mode("bld/basic_1.0.tar.gz", mode);
        assert_eq!(package(&peer, &[]).status, 0);
        assert_eq!(peer.modes("bld"), [format!("basic_1.0.tar.gz {then}")]);
    }
    // A template is not a key.
    peer.put(
        "package/connection.json",
        r#"{"address":"a:1","tls_required":true,"root_cert":"{{.ca}}","client_key":"{{.key}}"}"#,
    );
    assert_eq!(package(&peer, &["--force"]).status, 0);
    assert_eq!(peer.modes("bld"), ["basic_1.0.tar.gz 644"]);
}

#[test]
fn names_each_place_of_a_private_key_as_check_does() {
    let both = quoted(&(tls("P-256.pem") + &tls("P-256.key")));
    let in_field = |name: &str| format!(r#"{{"address":"a:1","{name}":{both}}}"#);
    let in_place = |name| {
        format!(
            "connection.json: {name}: holds a private key, which goes into the package; remove it here"
        )
    };
    let path = "META-INF/client.key";
    let moved =
        format!("{path}: holds a private key, which goes into the package; move it elsewhere");
    let large = "x".repeat(1 << 20) + &tls("P-256.key");
    for (name, content, warning) in [
        (
            "connection.json",
            in_field("root_cert"),
            in_place("root_cert"),
        ),
        (
            "connection.json",
            in_field("client_cert"),
            in_place("client_cert"),
        ),
        (
            "connection.json",
            in_field("client_key"),
            "connection.json: a private key goes into the package; write \"{{.client_key}}\" for it, and \"client_key\": {\"file\": \"/PATH\"} in each peer's config"
                .to_owned(),
        ),
        (path, tls("rsa.key"), moved.clone()),
        (path, tls("P-256.pem"), String::new()),
        // No key file is that large.
        (path, large, String::new()),
    ] {
        let peer = folder();
        peer.put(format!("package/{name}"), content);
        let seen = package_after("umask 000", &peer, &[]);
        let mode = if warning.is_empty() { 644 } else { 600 };
        assert_eq!(peer.modes("bld"), [format!("basic_1.0.tar.gz {mode}")]);
        assert_eq!(
            seen.stderr
                .contains(&format!("package: warning: {warning}\n")),
            mode == 600,
            "{seen:?}"
        );
        // Of the folder, and of the package.
        for place in ["../package", "basic_1.0.tar.gz"] {
            let seen = user::run(&peer.path("bld"), &["check", place]);
            assert_eq!(
                seen.stdout.contains(&format!("\nwarning  {warning}\n")),
                mode == 600,
                "{seen:?}"
            );
            assert_eq!(seen.status, 0);
        }
    }
}

#[test]
fn goes_where_it_is_told() {
    let peer = folder();
    peer.put_dir("bld/sub");
    let absolute = peer.path("bld/absolute");
    for output in ["sub/x", "-x", absolute.to_str().unwrap()] {
        let seen = package(&peer, &[&format!("--output={output}")]);
        assert_eq!(seen.status, 0, "{seen:?}");
    }
    let modes = ["-x 644", "absolute 644", "sub/ 755", "sub/x 644"];
    assert_eq!(peer.modes("bld"), modes);
}

#[test]
fn goes_to_standard_output() {
    let peer = folder();
    let package = fs::read(packaged(&peer)).unwrap();
    let args = ["package", "--output", "-", "../package"];
    let output = user::command(":", &peer.path("bld"), program(), &args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout == package);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, format!("package: {}\n", id(&peer)));
}

#[test]
fn does_not_go_to_a_terminal() {
    let peer = folder();
    let command = format!("{} package -o - ../package", program().display());
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(peer.path("bld"))
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        return skip("script (util-linux)");
    };
    let seen = String::from_utf8(output.stdout).unwrap();
    let line = "package: standard output is a terminal; redirect it to a file; see fabric-ccs-builder package --help";
    assert_eq!((output.status.code(), seen.trim_end()), (Some(2), line));
}

#[test]
fn does_not_rewrite_an_identical_file() {
    let peer = folder();
    let path = packaged(&peer);
    let before = fs::metadata(&path).unwrap();
    for args in [&["-o", "out.tar.gz"][..], &["--force", "-o", "out.tar.gz"]] {
        assert_eq!(package(&peer, args).status, 0);
        let after = fs::metadata(&path).unwrap();
        assert_eq!(
            (after.ino(), after.mtime_nsec(), after.ctime_nsec()),
            (before.ino(), before.mtime_nsec(), before.ctime_nsec())
        );
    }
}

#[test]
fn replaces_another_file_only_with_force() {
    let peer = folder();
    peer.put("bld/x", "precious");
    let line = "x: already exists and is not this package; --force replaces it";
    assert_eq!(package(&peer, &["-o", "x"]), failed(2, line));
    assert_eq!(peer.get("bld/x"), "precious");
    fs::hard_link(peer.path("bld/x"), peer.path("second")).unwrap();
    assert_eq!(package(&peer, &["-o", "x", "--force"]).status, 0);
    assert_eq!(
        fs::read(peer.path("bld/x")).unwrap().get(..2),
        Some(&b"\x1f\x8b"[..])
    );
    assert_eq!(peer.get("second"), "precious");
    assert_eq!(files(&peer), ["x"]);
}

#[test]
fn replaces_nothing_but_regular_files() {
    let peer = folder();
    peer.put_dir("bld/dir");
    peer.put("bld/precious", "precious");
    symlink("precious", peer.path("bld/link")).unwrap();
    symlink("nowhere", peer.path("bld/dangling")).unwrap();
    for name in ["dir", "new/"] {
        let file = std::path::Path::new(name).join("basic_1.0.tar.gz");
        let line = format!("{name}: is a folder; write {}", file.display());
        assert_eq!(package(&peer, &["-o", name]), failed(2, &line));
    }
    for name in ["link", "dangling", "/dev/null"] {
        let line = format!("{name}: already exists and is not a regular file");
        let seen = package(&peer, &["--force", "-o", name]);
        assert_eq!(seen, failed(2, &line));
    }
    assert_eq!(files(&peer), ["dangling", "dir", "link", "precious"]);
    assert_eq!(peer.get("bld/precious"), "precious");
}

#[test]
fn says_where_it_cannot_write() {
    let peer = folder();
    for (output, line) in [
        (
            "no/x",
            "cannot create no/x: No such file or directory (os error 2)".to_owned(),
        ),
        (
            "../package/metadata.json/x",
            "cannot create ../package/metadata.json/x: Not a directory (os error 20)".to_owned(),
        ),
        (
            "",
            "--output: is empty; name a file; see fabric-ccs-builder package --help".to_owned(),
        ),
    ] {
        assert_eq!(package(&peer, &["-o", output]), failed(2, &line));
    }
    let long = "x".repeat(256);
    failed_with_error(
        &package(&peer, &["-o", &long]),
        &format!("cannot create {long}"),
        36,
    );
    assert_eq!(files(&peer), [""; 0]);
}

#[test]
fn needs_a_folder_that_may_be_written() {
    let peer = folder();
    peer.set_mode("bld", 0o555).set_mode("", 0o755);
    let seen = user::run_by_nobody(&peer.path("bld"), &["package", "../package"]);
    let line = "cannot create basic_1.0.tar.gz: Permission denied (os error 13); run this as the folder's owner or as root";
    assert_eq!(seen, failed(2, line));
    // An ID does not need a writable folder.
    let seen = user::run_by_nobody(&peer.path("bld"), &["package", "--id", "../package"]);
    assert_eq!(seen.stdout, format!("{}\n", id(&peer)));
}

#[test]
fn leaves_nothing_on_a_full_disk() {
    let peer = folder();
    let line = "cannot write basic_1.0.tar.gz: File too large (os error 27)";
    assert_eq!(package_after(FULL_DISK, &peer, &[]), failed(2, line));
    assert_eq!(files(&peer), [""; 0]);

    peer.put("bld/basic_1.0.tar.gz", "precious");
    let seen = package_after(FULL_DISK, &peer, &["--force"]);
    assert_eq!(seen, failed(2, line));
    assert_eq!(peer.get("bld/basic_1.0.tar.gz"), "precious");
    assert_eq!(files(&peer), ["basic_1.0.tar.gz"]);
}

#[test]
fn what_is_for_a_closed_standard_output_is_not_lost_without_a_word() {
    let peer = folder();
    let file = packaged(&peer);
    for args in [
        &["package", "--output", "-", "."][..],
        &["package", "--id", "."],
        &["package", "--id", file.to_str().unwrap()],
    ] {
        let seen = user::run_after("exec >&-", &peer.path("package"), args);
        let line = "package: cannot write to standard output: it is closed\n";
        assert_eq!((seen.status, seen.stderr.as_str()), (2, line));
        // The user may only want the ID, or the checks.
        let seen = user::run_after("exec >/dev/null", &peer.path("package"), args);
        assert_eq!(seen.status, 0, "{seen:?}");
    }
    // Some programs open /dev/null for reading too, for what they start.
    let seen = user::run_after(
        "exec 1<>/dev/null",
        &peer.path("bld"),
        &["package", "../package"],
    );
    assert_eq!(seen.status, 0, "{seen:?}");
}

#[test]
fn says_when_standard_output_is_full_or_closed() {
    let peer = folder();
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let seen = |args: &[&str], stdout: Stdio| {
        let mut command = user::command(":", &peer.path("bld"), program(), args);
        Seen::of(
            &command
                .stdout(stdout)
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
                .wait_with_output()
                .unwrap(),
        )
    };
    let line = "cannot write to standard output: No space left on device (os error 28)";
    assert_eq!(
        seen(&["package", "-o", "-", "../package"], full()),
        failed(2, line)
    );
    assert_eq!(
        seen(&["package", "--id", "../package"], full()),
        failed(2, line)
    );
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    // The reader of the output has seen enough of it.
    let broken = seen(&["package", "-o", "-", "../package"], writer.into());
    assert_eq!((broken.status, broken.stderr.as_str()), (2, ""));
}

/// Runs `meanwhile` while the program is in the middle of writing a package to a full pipe.
fn interrupted(peer: &Peer, meanwhile: impl FnOnce()) -> Seen {
    peer.put("package/META-INF/a", vec![0; 1 << 20]);
    peer.put("package/META-INF/b", "b");
    let args = ["package", "-o", "-", "../package"];
    let mut command = user::command(":", &peer.path("bld"), program(), &args);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut beginning = [0; 1000];
    stdout.read_exact(&mut beginning).unwrap();
    meanwhile();
    let reader = thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    let output = child.wait_with_output().unwrap();
    reader.join().unwrap().unwrap();
    Seen::of(&output)
}

#[test]
fn refuses_a_file_that_changes_meanwhile() {
    let peer = bare();
    let b = peer.path("package/META-INF/b");
    let seen = interrupted(&peer, || {
        // The file system's clock has a coarse resolution.
        thread::sleep(Duration::from_millis(50));
        fs::write(&b, "c").unwrap();
    });
    assert_eq!(seen, failed(2, "META-INF/b: changed while it was read"));

    let peer = bare();
    let b = peer.path("package/META-INF/b");
    let seen = interrupted(&peer, || fs::remove_file(&b).unwrap());
    let line = "cannot read ../package/META-INF/b: No such file or directory (os error 2)";
    assert_eq!(seen, failed(2, line));
}

#[test]
fn follows_no_link_that_appears_meanwhile() {
    let peer = bare();
    peer.put("secret/c", "c");
    peer.put("package/META-INF/sub/c", "c");
    let sub = peer.path("package/META-INF/sub");
    let seen = interrupted(&peer, || {
        fs::rename(&sub, peer.path("moved")).unwrap();
        symlink("../../secret", &sub).unwrap();
    });
    let line = "cannot open ../package/META-INF/sub: Not a directory (os error 20)";
    assert_eq!(seen, failed(2, line));
}

#[test]
fn opens_no_link_and_waits_for_no_fifo_that_appears_meanwhile() {
    let peer = bare();
    peer.put("secret", "b");
    let b = peer.path("package/META-INF/b");
    let seen = interrupted(&peer, || {
        fs::remove_file(&b).unwrap();
        symlink("../../secret", &b).unwrap();
    });
    failed_with_error(&seen, "cannot read ../package/META-INF/b", 40);

    let peer = bare();
    let b = peer.path("package/META-INF/b");
    let began = Instant::now();
    let seen = interrupted(&peer, || {
        fs::remove_file(&b).unwrap();
        let made = Command::new("mkfifo").arg(&b).status();
        assert!(made.unwrap().success());
        // Unblocks a program that does wait.
        thread::spawn(move || {
            thread::sleep(Duration::from_secs(20));
            File::options().write(true).open(b)
        });
    });
    assert_eq!(seen, failed(2, "META-INF/b: changed while it was read"));
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn memory_does_not_grow_with_the_files() {
    let peer = bare();
    peer.put("package/META-INF/large", "");
    let large = peer.path("package/META-INF/large");
    File::options()
        .write(true)
        .open(large)
        .unwrap()
        .set_len(16 << 20)
        .unwrap();
    // In KiB; a program that held the file would need more.
    let seen = package_after("ulimit -v 16000", &peer, &[]);
    assert_eq!((seen.status, seen.stderr.as_str()), (0, ""), "{seen:?}");
    let length = fs::metadata(peer.path("bld/basic_1.0.tar.gz"))
        .unwrap()
        .len();
    assert!(length > 16 << 20, "{length}");
}

#[test]
fn says_what_it_wrote_and_what_comes_next() {
    let peer = folder();
    let run = |args: &[&str]| {
        user::run(
            &peer.path("bld"),
            &[&["package", "../package"], args].concat(),
        )
    };
    for (args, name) in [(&[][..], "basic_1.0.tar.gz"), (&["-o", "a.tgz"], "a.tgz")] {
        for _ in ["written", "there already"] {
            let seen = run(args);
            let size = fs::metadata(peer.path(format!("bld/{name}")))
                .unwrap()
                .len();
            let line = format!(
                "package: {name}: {size} bytes; next: peer lifecycle chaincode install {name}\n"
            );
            assert_eq!((seen.status, seen.stderr), (0, line));
            assert_eq!(seen.stdout, format!("{}\n", super::id(&peer)));
        }
    }
    for quiet in ["--quiet", "-q", "--id"] {
        assert_eq!(run(&[quiet]).stderr, "");
    }
}
