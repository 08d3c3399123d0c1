//! Index definitions: which are published, and what is said about the others. The answers of real
//! versions of `CouchDB` are in `tests/fixtures/couchdb`: each definition with the status and
//! reason of `POST /db/_index`, the status of a query that uses the index (`view`), and what became
//! of later writes to the database where they failed (`writes`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::peer::{BELONGS, INDEX, Peer, Seen, index};
use super::user;

pub const FOLDER: &str = "META-INF/statedb/couchdb/indexes";

/// What no version accepts or can query, but is published nevertheless: the reason, and each name
/// in the fixture.
const LET_THROUGH: [(&str, &[&str]); 5] = [
    (
        "a later version may know the operator",
        &[
            "filter-two-ops-bad",
            "filter-regex-options",
            "filter-unknown-op",
            "filter-unknown-top",
            "filter-unknown-like",
            "filter-unknown-gt-case",
            "filter-unknown-in-elemMatch",
            "filter-unknown-dollar",
            "filter-where",
            "filter-geo",
            "filter-geoIntersects",
            "filter-nearSphere",
        ],
    ),
    (
        "whether an expression is right depends on the version of PCRE",
        &[
            "filter-regex-broken",
            "filter-regex-paren",
            "filter-regex-star",
        ],
    ),
    (
        "what a condition without a field means is intricate",
        &[
            "filter-empty-name",
            "filter-not-empty",
            "filter-top-gt",
            "filter-top-eq",
        ],
    ),
    (
        "where a text search may be is intricate",
        &["filter-text-not", "filter-default-bad"],
    ),
    (
        "works until a document has an integer in the field",
        &["filter-mod-zero"],
    ),
];

/// What some version accepts, but is not published nevertheless.
const HELD_BACK: [(&str, &str); 1] = [(
    "nested over 100 deep, which is a limit of ours",
    "filter-nested-150",
)];

/// A definition, and what each version answered.
struct Answer {
    name: String,
    definition: String,
    by_version: Vec<Value>,
}

fn answers() -> Vec<Answer> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lines = fs::read_to_string(root.join("tests/fixtures/couchdb/definitions.jsonl")).unwrap();
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let by_version = line["couchdb"].as_object().unwrap().values();
        Answer {
            name: line["name"].as_str().unwrap().to_owned(),
            definition: line["definition"].as_str().unwrap().to_owned(),
            by_version: by_version.cloned().collect(),
        }
    };
    lines.lines().map(read).collect()
}

/// A package with these index definitions, for the peer and for people.
fn package<'a>(definitions: impl IntoIterator<Item = (&'a str, &'a str)>) -> Peer {
    let peer = Peer::new();
    peer.put(
        "src/metadata.json",
        r#"{"type":"ccaas","label":"basic_1.0"}"#,
    );
    for (name, definition) in definitions {
        peer.put(format!("src/{FOLDER}/{name}.json"), definition);
    }
    peer
}

/// What a command for people says about the package.
fn asked(peer: &Peer, command: &[&str]) -> Seen {
    user::run(&peer.path(""), &[command, &["src"]].concat())
}

/// The names of the definitions in [`FOLDER`] that are published, and in it alone.
pub fn published(peer: &Peer) -> BTreeSet<String> {
    assert_eq!((peer.build().status, peer.release().status), (0, 0));
    if peer.names("release") == ["chaincode"] {
        return BTreeSet::new();
    }
    assert_eq!(peer.names("release/statedb/couchdb"), ["indexes"]);
    let names = peer.names("release/statedb/couchdb/indexes").into_iter();
    names
        .map(|name| name.strip_suffix(".json").unwrap().to_owned())
        .collect()
}

/// Puts what was built and released where `verify` takes it for a peer's build, and verifies it.
fn verified(peer: &Peer) -> Seen {
    peer.put("kept/build-info.json", r#"{"builder_name":"a"}"#);
    for name in ["bld", "release"] {
        fs::rename(peer.path(name), peer.path(format!("kept/{name}"))).unwrap();
    }
    user::run(&peer.path(""), &["verify", "kept"])
}

#[test]
fn only_what_couchdb_accepts_is_published() {
    let answers = answers();
    assert_eq!(answers.len(), 305);
    let all = || {
        let answers = answers.iter();
        answers.map(|answer| (answer.name.as_str(), answer.definition.as_str()))
    };
    let peer = package(all());
    let published = published(&peer);
    let is_fine = |answer: &Value| answer["status"] == 200 && answer["view"] == 200;
    // On the only version that accepts an index without a name, a view without a name cannot be
    // queried.
    let works =
        |answer: &Answer| answer.name == "name-empty" || answer.by_version.iter().any(is_fine);
    let named = |is_chosen: &dyn Fn(&Answer) -> bool| -> BTreeSet<&str> {
        let chosen = answers.iter().filter(|answer| is_chosen(answer));
        chosen.map(|answer| answer.name.as_str()).collect()
    };
    let let_through = named(&|answer| published.contains(&answer.name) && !works(answer));
    let expected = LET_THROUGH
        .iter()
        .flat_map(|(_, names)| names.iter().copied());
    assert_eq!(let_through, expected.collect());
    let held_back = named(&|answer| !published.contains(&answer.name) && works(answer));
    assert_eq!(held_back, HELD_BACK.map(|(_, name)| name).into());
    let harmful = named(&|answer| {
        answer
            .by_version
            .iter()
            .any(|seen| !seen["writes"].is_null())
    });
    assert_eq!(harmful, ["ddoc-prefix-only"].into());

    let seen = verified(&peer);
    assert_eq!(seen.status, 0, "{seen:?}");

    let (sound, faulty): (Vec<_>, Vec<_>) = all().partition(|(name, _)| published.contains(*name));
    assert_eq!(asked(&package(sound), &["check"]).status, 0);
    for (name, definition) in faulty {
        let seen = asked(&package([(name, definition)]), &["check"]);
        assert_eq!(seen.status, 1, "{name}: {seen:?}");
    }
}

/// Definitions that are not published, and why.
const FAULTS: [(&str, &str); 32] = [
    ("", "is empty; a JSON object is needed"),
    ("null", "must be a JSON object"),
    ("[{}]", "is an array; write one definition per file"),
    (
        r#"{"index":{"fields":["a",]}}"#,
        "is not JSON: trailing comma at line 1 column 25; leave out the last comma",
    ),
    (
        r#"{"index":{"fields":["a"]},}"#,
        "is not JSON: trailing comma at line 1 column 27; leave out the last comma",
    ),
    (
        "{} {}",
        "contains several definitions; write one definition per file",
    ),
    (
        "{} x",
        "is not JSON: trailing characters at line 1 column 4; leave out what follows the JSON object",
    ),
    (
        r#"{"index":{"fields":["\ud800"]}}"#,
        "is not JSON: unexpected end of hex escape at line 1 column 28",
    ),
    (
        r#"{"index":{"fields":[],"partial_filter_selector":{"a":1e400}}}"#,
        "is not JSON: number out of range at line 1 column 58",
    ),
    (
        "{}",
        r#"index: is missing; write for example "index": {"fields": ["owner"]}"#,
    ),
    (r#"{"index":[]}"#, "index: must be a JSON object"),
    (
        r#"{"index":{},"fields":[]}"#,
        "fields: belongs inside index",
    ),
    (
        r#"{"index":{},"Name":"n"}"#,
        r#""Name": is not a key of an index definition: only index, ddoc, name and type are"#,
    ),
    (r#"{"index":{},"ddoc":1}"#, "ddoc: must be a string"),
    (
        r#"{"index":{},"type":"text"}"#,
        r#"type: must be "json", the only type that Fabric supports"#,
    ),
    (
        r#"{"index":{},"w":0}"#,
        "w: must be a positive integer, or leave it out",
    ),
    (
        r#"{"index":{},"partitioned":true}"#,
        "partitioned: must be false, or leave it out",
    ),
    (
        r#"{"index":{}}"#,
        r#"index: fields: is missing; write for example "fields": ["owner"]"#,
    ),
    (
        r#"{"index":{"fields":["a"],"unique":true}}"#,
        r#"index: "unique": is not a key of an index: only fields and partial_filter_selector are"#,
    ),
    (
        r#"{"index":{"fields":"a"}}"#,
        r#"index: fields: must be an array; for example ["owner"]"#,
    ),
    (
        r#"{"index":{"fields":[1]}}"#,
        r#"index: fields: must contain strings, or objects such as {"owner": "desc"}"#,
    ),
    (
        r#"{"index":{"fields":[{"a":"asc","b":"asc"}]}}"#,
        r#"index: fields: contains an object with 2 keys; write one object per field, such as {"owner": "desc"}"#,
    ),
    (
        r#"{"index":{"fields":[{"a":1}]}}"#,
        r#"index: fields: "a": the direction must be "asc" or "desc""#,
    ),
    (
        r#"{"index":{"fields":[{"size":"DESC"}]}}"#,
        r#"index: fields: "DESC": CouchDB knows only lower case; write "desc""#,
    ),
    (
        r#"{"index":{"fields":["docType",{"size":"desc"}]}}"#,
        r#"index: fields: "size" goes "desc" and "docType" "asc", but CouchDB accepts one direction per index; write {"docType": "desc"}"#,
    ),
    (
        r#"{"index":{"fields":["a..b"]}}"#,
        r#"index: fields: "a..b": has an empty part, and queries that use the index would fail"#,
    ),
    (
        r#"{"index":{"fields":[],"partial_filter_selector":[]}}"#,
        "index: partial_filter_selector: must be a JSON object",
    ),
    (
        r#"{"index":{"fields":[],"partial_filter_selector":{"a":{"$in":"b"}}}}"#,
        "index: partial_filter_selector: $in: must be an array",
    ),
    (
        r#"{"index":{"fields":[],"partial_filter_selector":{"$and":[{"a":{".":1}}]}}}"#,
        r#"index: partial_filter_selector: ".": has an empty part, and queries that use the index would fail"#,
    ),
    (
        r#"{"index":{"fields":[]},"ddoc":"_design/"}"#,
        r#"ddoc: "_design/" would make every later write to the chaincode's database fail; write a name"#,
    ),
    (
        r#"{"index":{"fields":[]},"ddoc":""}"#,
        r#"ddoc: "" would make every later write to the chaincode's database fail; write a name"#,
    ),
    (
        r#"{"index":{"fields":[]},"name":"lib"}"#,
        r#"name: "lib" would make every query that uses this ddoc fail; write another name"#,
    ),
];

#[test]
fn says_what_is_wrong() {
    for (definition, line) in FAULTS {
        let peer = package([("a", definition)]);
        let file = format!("{FOLDER}/a.json");
        peer.build()
            .succeeds(&[&format!("build: warning: {file}: is not published: {line}")]);
        assert_eq!(peer.get(&format!("bld/{file}")), definition);
        asked(&peer, &["package", "--id"]).refuses(&format!("package: {file}: {line}"));
        let seen = asked(&peer, &["check"]);
        let end =
            "result   a peer would accept this package, but not all of its index definitions\n";
        assert!(seen.status == 1 && seen.stdout.ends_with(end), "{seen:?}");
        peer.release().succeeds(&[]);
        assert_eq!(peer.names("release"), ["chaincode"]);
    }
}

#[test]
fn warns_of_what_is_published_and_may_not_be_meant() {
    let selector = |selector: &str| {
        format!(r#"{{"index":{{"fields":["a"],"partial_filter_selector":{selector}}},"ddoc":"d"}}"#)
    };
    for (definition, line) in [
        (
            r#"{"index":{"fields":[]}}"#.to_owned(),
            "index: fields: is empty, so CouchDB may use the index for any query, and read every document",
        ),
        (
            r#"{"index":{"fields":["$a"]}}"#.to_owned(),
            r#"index: fields: "$a": no selector can name a field that begins with $"#,
        ),
        (
            r#"{"index":{"fields":["a"]},"name":""}"#.to_owned(),
            r#"name: "" is refused by CouchDB 3.3 and later; write a name"#,
        ),
        (
            selector("{}").replace(r#"{}},"ddoc":"d""#, r#"{"a":1}}"#),
            "ddoc: is missing, and an index with a selector is only used by queries whose use_index names its ddoc",
        ),
        (
            selector(r#"{"a":{"$beginsWith":"b"}}"#),
            "index: partial_filter_selector: $beginsWith: is refused by CouchDB before 3.4",
        ),
        (
            selector(r#"{"a":{"$GT":1}}"#),
            r#"index: partial_filter_selector: "$GT": CouchDB 3.2 to 3.5 know no such operator, and refuse the index"#,
        ),
        (
            selector(r#"{"a":{"$mod":[0,1]}}"#),
            "index: partial_filter_selector: $mod: divides by 0, so queries fail once a document has an integer there",
        ),
        (
            selector(r#"{"$or":[{"a..b":1}]}"#),
            r#"index: partial_filter_selector: "a..b": has an empty part, and queries that use the index would fail"#,
        ),
        (
            selector(r#"{"$gt":1}"#),
            "index: partial_filter_selector: a condition has no field, and CouchDB may refuse it",
        ),
    ] {
        let peer = package([("a", definition.as_str())]);
        let line = format!("warning: {FOLDER}/a.json: {line}");
        peer.build().succeeds(&[&format!("build: {line}")]);
        let seen = asked(&peer, &["package", "--id"]);
        assert_eq!(
            (seen.status, seen.stderr),
            (0, format!("package: {line}\n"))
        );
        assert_eq!(asked(&peer, &["check"]).status, 0);
        peer.release().succeeds(&[]);
        assert_eq!(
            peer.get(&format!("release/{}/a.json", &FOLDER[9..])),
            definition
        );
    }
}

#[test]
fn of_two_definitions_with_the_same_name_couchdb_keeps_the_last() {
    let prefixed = INDEX.replace(r#""indexOwnerDoc""#, r#""_design/indexOwnerDoc""#);
    let other = INDEX.replace("indexOwnerDoc", "other");
    let broken = INDEX.replace(r#""json""#, r#""text""#);
    let peer = package([
        ("a", INDEX),
        ("b", &index("other")),
        ("c", &prefixed),
        ("d", &other),
        ("e", &broken),
        ("sub/a", INDEX),
    ]);
    let of_collection = "src/META-INF/statedb/couchdb/collections/a/indexes/a.json";
    peer.put(of_collection, INDEX);
    peer.build().succeeds(&[
        &format!("build: warning: {FOLDER}/c.json: has the ddoc and name of a.json, so CouchDB keeps only c.json"),
        &format!(r#"build: warning: {FOLDER}/e.json: is not published: type: must be "json", the only type that Fabric supports"#),
        &format!("build: warning: {FOLDER}/sub/a.json: has the ddoc and name of {FOLDER}/c.json, so CouchDB keeps one of them, not always the same"),
    ]);
}

/// Where an author may have put a definition, what is said about it below META-INF, and whether it
/// is said that it belongs somewhere.
#[test]
fn says_where_a_definition_belongs() {
    let ending = "its name does not end in .json";
    let none = "it is not an index definition";
    for (path, reason) in [
        ("indexes/a.json", BELONGS),
        ("index/a.json", BELONGS),
        ("couchdb/indexes/a.json", BELONGS),
        ("couchdb/collections/c/a.json", BELONGS),
        ("statedb/a.json", BELONGS),
        ("statedb/CouchDB/indexes/a.json", BELONGS),
        ("statedb/couchdb/a.json", BELONGS),
        ("statedb/couchdb/index/a.json", BELONGS),
        ("statedb/couchdb/Indexes/sub/a.json", BELONGS),
        ("statedb/leveldb/indexes/a.json", BELONGS),
        ("statedb/couchdb/collections/a.json", BELONGS),
        ("statedb/couchdb/collections/indexes/a.json", BELONGS),
        ("statedb/couchdb/collections/c/a.json", BELONGS),
        ("statedb/couchdb/collections/c/index/a.json", BELONGS),
        ("statedb/couchdb/Collections/c/indexes/a.json", BELONGS),
        ("statedb/couchdb/collection/c/indexes/a.json", BELONGS),
        ("statedb/couchdb/indexes/a.JSON", ending),
        ("statedb/couchdb/indexes/a.txt", ending),
        ("statedb/couchdb/collections/c/indexes/README", ending),
        ("statedb/couchdb/indexes/a.json/b/c", ending),
        ("statedb/couchdb/README", none),
        ("statedb/leveldb/x", none),
        ("MANIFEST.MF", ""),
        ("a.json", BELONGS),
        ("META-INF/statedb/couchdb/indexes/a.json", BELONGS),
        ("src/statedb/couchdb/collections/c/indexes/a.json", BELONGS),
        ("other/a.json", ""),
        ("statedb/couchdb/indexes/.a.json", ""),
        ("statedb/couchdb/indexes/sub/a.json", ""),
        ("statedb/couchdb/collections/c_1-A/indexes/a.json", ""),
    ] {
        let peer = package([]);
        peer.put(format!("src/META-INF/{path}"), INDEX);
        let line = format!("warning: META-INF/{path}: is not published: {reason}");
        let lines: &[&str] = if reason.is_empty() { &[] } else { &[&line] };
        let [built, packaged] = ["build", "package"].map(|word| {
            lines
                .iter()
                .map(move |line| format!("{word}: {line}"))
                .collect::<Vec<_>>()
        });
        peer.build()
            .succeeds(&built.iter().map(String::as_str).collect::<Vec<_>>());
        let seen = asked(&peer, &["package", "--id"]);
        assert_eq!(seen.stderr.lines().collect::<Vec<_>>(), packaged, "{path}");
        let seen = asked(&peer, &["check"]);
        let kind = if reason.starts_with("index") {
            "\nfault   "
        } else {
            "\nwarning "
        };
        let said = line.replacen("warning:", kind, 1);
        assert_eq!(seen.stdout.contains(&said), !reason.is_empty(), "{seen:?}");
        peer.release().succeeds(&[]);
        let is_published = peer.names("release").contains(&"statedb".to_owned());
        assert_eq!(
            is_published,
            path.starts_with("statedb/couchdb/") && reason.is_empty(),
            "{path}"
        );
    }
}

#[test]
fn says_where_the_folder_belongs() {
    for (path, found) in [
        ("statedb/couchdb/indexes", "statedb"),
        ("src/META-INF/statedb/couchdb/indexes", "src/META-INF"),
        ("meta-inf/statedb/couchdb/indexes", "meta-inf"),
        ("META_INF/statedb", "META_INF"),
        ("MetaInf", "MetaInf"),
    ] {
        let peer = package([]);
        peer.put(format!("src/{path}/a.json"), INDEX)
            .put("src/src/main.go", "x");
        let line = format!("warning: {found}: is ignored, {BELONGS}");
        peer.build().succeeds(&[&format!("build: {line}")]);
        let src = "src: is not packaged: only metadata.json, connection.json and META-INF are";
        let left_out = if found.starts_with("src") {
            String::new()
        } else {
            format!("warning: {src}\n")
        };
        let seen = asked(&peer, &["check"]);
        let said = line.replace("warning:", "\nfault   ");
        assert!(seen.stdout.contains(&format!("{said}\n")), "{seen:?}");
        let said = left_out.replace("warning:", "\nwarning ");
        assert!(seen.stdout.contains(&said), "{seen:?}");
        assert_eq!(seen.status, 1);
        let seen = asked(&peer, &["package", "--id"]);
        assert_eq!(
            seen.stderr.replace("package: ", ""),
            format!("{line}\n{left_out}")
        );
    }
    // Counted by whether it is a fault: two folders with a definition are no fewer than one.
    let peer = package([]);
    peer.put("src/indexes/a.json", INDEX)
        .put("src/indexes/b/a.json", INDEX);
    assert_eq!(asked(&peer, &["check"]).status, 1);
    let peer = package([]);
    peer.put("src/statedb", "a file")
        .put("src/src/main.go", "x")
        .put_link("src/meta-inf", "/etc");
    peer.build().succeeds(&[]);
}

/// A package may hold a whole project.
#[test]
fn a_misplaced_folder_is_looked_for_in_a_thousand_folders() {
    let peer = package([]);
    for number in 1..=1001 {
        peer.put_dir(&format!("src/src/{number:04}"));
    }
    // The source folder and `src` count too.
    for number in ["0998", "0999", "1001"] {
        peer.put_dir(&format!("src/src/{number}/indexes"));
    }
    let line = format!("build: warning: src/0998/indexes: is ignored, {BELONGS}");
    peer.build().succeeds(&[&line]);
}

/// With a misnamed folder, or a collection that no chaincode has, the package is accepted, and only
/// people are told to fix it.
#[test]
fn folders_that_the_peer_does_not_read() {
    let is_file = "is a file, not a directory";
    let is_no_name = "is not a collection name: only letters, digits, _ and - are allowed";
    for (file, fault, line) in [
        ("statedb", "statedb", is_file),
        ("statedb/couchdb", "statedb/couchdb", is_file),
        (
            "statedb/couchdb/indexes",
            "statedb/couchdb/indexes",
            is_file,
        ),
        (
            "statedb/couchdb/collections",
            "statedb/couchdb/collections",
            is_file,
        ),
        (
            "statedb/couchdb/collections/c/indexes",
            "statedb/couchdb/collections/c/indexes",
            is_file,
        ),
        (
            "statedb/couchdb/collections/a.b/indexes/a.json",
            "statedb/couchdb/collections/a.b",
            is_no_name,
        ),
        (
            "statedb/couchdb/collections/é/indexes/a.json",
            "statedb/couchdb/collections/é",
            is_no_name,
        ),
    ] {
        let peer = package([]);
        peer.put(format!("src/META-INF/{file}"), INDEX);
        peer.build().succeeds(&[&format!(
            "build: warning: META-INF/{fault}: is not published: {line}"
        )]);
        assert_eq!(peer.get(&format!("bld/META-INF/{file}")), INDEX);
        peer.release().succeeds(&[]);
        assert_eq!(peer.names("release"), ["chaincode"]);
        asked(&peer, &["package", "--id"]).refuses(&format!("package: META-INF/{fault}: {line}"));
        assert_eq!(asked(&peer, &["check"]).status, 1);
        assert_eq!(verified(&peer).status, 0);
    }
}

#[test]
fn definitions_beyond_the_limits_are_copied_and_not_published() {
    let at_most = INDEX.to_owned() + &" ".repeat((1 << 20) - INDEX.len());
    let deep = |depth| {
        INDEX.replace(
            r#""ddoc""#,
            &format!(r#""x":{}{},"ddoc""#, "[".repeat(depth), "]".repeat(depth)),
        )
    };
    let peer = package([
        ("large", at_most.as_str()),
        ("larger", &(at_most.clone() + " ")),
        ("deep", &deep(99)),
        ("deeper", &deep(100)),
    ]);
    let line = |name: &str, fault: &str| {
        format!("build: warning: {FOLDER}/{name}.json: is not published: {fault}")
    };
    peer.build().succeeds(&[
        &line(
            "deep",
            r#""x": is not a key of an index definition: only index, ddoc, name and type are"#,
        ),
        &line("deeper", "is nested more than 100 deep"),
        &line("larger", "has 1048577 bytes, more than the 1048576 allowed"),
    ]);
    peer.clear("bld");
    assert_eq!(published(&peer), ["large".to_owned()].into());
    assert_eq!(
        peer.get(&format!("bld/{FOLDER}/larger.json")).len(),
        (1 << 20) + 1
    );
    assert_eq!(verified(&peer).status, 0);
}

/// With `"ddoc": "_design/"` in the database, the peer cannot commit another block.
const HARMFUL: &str = r#"{"index":{"fields":["a"]},"ddoc":"_design/","name":"n"}"#;

#[test]
fn another_builders_output_is_judged_too() {
    let peer = Peer::empty();
    peer.put("bld/connection.json", super::peer::PLAIN)
        .put(
            "bld/metadata.json",
            r#"{"type":"ccaas","label":"basic_1.0"}"#,
        )
        .put(format!("bld/{FOLDER}/a.json"), INDEX)
        .put(format!("bld/{FOLDER}/b.json"), HARMFUL)
        .put(format!("bld/{FOLDER}/c.txt"), INDEX)
        .put(format!("bld/{FOLDER}/._d.json"), INDEX)
        .put(
            "bld/META-INF/statedb/couchdb/collections/a.b/indexes/a.json",
            INDEX,
        );
    peer.release().succeeds(&[
        "release: warning: there is no record: another builder made it, or the record was removed",
        "release: warning: META-INF/statedb/couchdb/collections/a.b: is not published: is not a collection name: only letters, digits, _ and - are allowed",
        &format!("release: warning: {FOLDER}/._d.json: is not published: it is not an index definition"),
        &format!(r#"release: warning: {FOLDER}/b.json: is not published: ddoc: "_design/" would make every later write to the chaincode's database fail; write a name"#),
        &format!("release: warning: {FOLDER}/c.txt: is not published: its name does not end in .json"),
    ]);
    assert_eq!(peer.names("release/statedb/couchdb/indexes"), ["a.json"]);
}

#[test]
fn verify_knows_what_is_published() {
    let harmful = format!("kept/bld/{FOLDER}/b.json");
    let released = "kept/release/statedb/couchdb/indexes";
    let last = |seen: &Seen| seen.stdout.lines().map(str::to_owned).collect::<Vec<_>>();
    let verify = |peer: &Peer| user::run(&peer.path(""), &["verify", "kept"]);
    let kept = || {
        let peer = package([("a", INDEX), ("b", HARMFUL)]);
        assert_eq!(published(&peer), ["a".to_owned()].into());
        let seen = verified(&peer);
        assert_eq!(seen.status, 0, "{seen:?}");
        peer
    };
    let digest = |text: &str| fabric_ccs_builder::testing::Digest::of(text.as_bytes());

    let peer = kept();
    peer.put(format!("{released}/b.json"), HARMFUL);
    let seen = verify(&peer);
    let line = format!(
        "kept: release/statedb/couchdb/indexes/b.json: unrecorded, found {}",
        digest(HARMFUL)
    );
    assert_eq!((seen.status, &last(&seen)[0]), (1, &line));

    let peer = kept();
    fs::remove_file(peer.path(format!("{released}/a.json"))).unwrap();
    let seen = verify(&peer);
    let line = format!(
        "kept: release/statedb/couchdb/indexes/a.json: missing, recorded {}",
        digest(INDEX)
    );
    assert_eq!((seen.status, &last(&seen)[0]), (1, &line));

    // What was recorded counts, not what the definition has become.
    let peer = kept();
    peer.put(&harmful, INDEX)
        .put(format!("kept/bld/{FOLDER}/a.json"), HARMFUL);
    let seen = verify(&peer);
    assert_eq!((seen.status, last(&seen).len()), (1, 4), "{seen:?}");
    assert!(!seen.stdout.contains("release/"), "{seen:?}");

    // A definition that cannot be read may be missing because it is not published.
    let peer = kept();
    peer.set_mode(&harmful, 0);
    let peer = peer.run_by_nobody();
    let seen = user::run_by_nobody(&peer.path(""), &["verify", "kept"]);
    let line = format!(
        "kept: cannot tell: cannot read {harmful}: Permission denied (os error 13); run this as the folder's owner or as root"
    );
    assert_eq!(
        (seen.status, last(&seen).len(), &last(&seen)[0]),
        (2, 2, &line)
    );
}
