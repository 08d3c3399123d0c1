use super::peer::Peer;

fn detect(metadata: &str) -> (i32, String) {
    let seen = Peer::with_metadata(metadata).detect();
    (seen.status, seen.stderr)
}

#[test]
fn claims_both_types_silently_whatever_the_case() {
    for package_type in ["ccaas", "CCAAS", "CCaaS", "external", "External"] {
        let metadata = format!(r#"{{"type":"{package_type}","label":"basic_1.0","path":""}}"#);
        assert_eq!(detect(&metadata), (0, String::new()), "{package_type}");
    }
    assert_eq!(detect(r#"{"Type":"ccaas"}"#), (0, String::new()));
}

#[test]
fn leaves_the_types_of_fabric_itself_to_it_silently() {
    for package_type in ["golang", "node", "java", "car", "GOLANG", "Node", "jAvA"] {
        let metadata = format!(r#"{{"type":"{package_type}","label":"basic_1.0"}}"#);
        assert_eq!(detect(&metadata), (1, String::new()), "{package_type}");
    }
}

#[test]
fn leaves_other_types_to_other_builders_with_a_line() {
    for package_type in ["caas", "k8s", "ccaas2", " ccaas", "go"] {
        let metadata = format!(r#"{{"type":"{package_type}","label":"basic_1.0"}}"#);
        let line = format!(
            "detect: metadata.json: type: \"{package_type}\" is for another builder; write \"ccaas\" or \"external\"\n"
        );
        assert_eq!(detect(&metadata), (1, line), "{package_type}");
    }
}

#[test]
fn says_in_one_line_why_it_cannot_tell() {
    for (metadata, line) in [
        ("", "metadata.json: is empty; a JSON object is needed"),
        (
            "ccaas",
            "metadata.json: is not JSON: expected value at line 1 column 1; a JSON object is needed",
        ),
        ("null", "metadata.json: is null, not a JSON object"),
        ("[]", "metadata.json: is an array, not a JSON object"),
        (
            "{}",
            r#"metadata.json: type: is missing; write "type": "ccaas""#,
        ),
        (
            r#"{"type":null}"#,
            r#"metadata.json: type: is missing; write "type": "ccaas""#,
        ),
        (
            r#"{"type":""}"#,
            r#"metadata.json: type: is empty; write "ccaas""#,
        ),
        (
            r#"{"type":1}"#,
            "metadata.json: type: is a number, not a string",
        ),
        (
            "\u{feff}{}",
            "metadata.json: starts with a byte order mark; save it as UTF-8 without one",
        ),
    ] {
        assert_eq!(
            detect(metadata),
            (1, format!("detect: {line}\n")),
            "{metadata}"
        );
    }
}

#[test]
fn says_what_it_could_not_read() {
    Peer::empty()
        .detect()
        .refuses("detect: metadata.json not found");

    let peer = Peer::empty();
    peer.put_dir("metadata/metadata.json");
    peer.detect()
        .refuses("detect: metadata.json: is a directory, not a regular file");

    let peer = Peer::new();
    peer.set_mode("metadata/metadata.json", 0);
    let peer = peer.run_by_nobody();
    let path = peer.path("metadata/metadata.json");
    peer.detect().refuses(&format!(
        "detect: cannot read {}: Permission denied (os error 13)",
        path.display()
    ));

    let peer = Peer::empty();
    let path = peer.path("nowhere");
    let line = format!(
        "detect: cannot open {}: No such file or directory (os error 2)",
        path.display()
    );
    peer.run("detect", &["src", "nowhere"]).refuses(&line);
}
