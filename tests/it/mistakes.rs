//! Common mistakes in a package, and the line that says what to write instead: `check` has it for
//! each, and `build` in the peer's log where it refuses the package.

use serde_json::Value;

use super::peer::{PLAIN, Peer, Seen, quoted, tls};
use super::user;

const METADATA: &str = r#"{"type":"ccaas","label":"basic_1.0"}"#;
const INDEXES: &str = "META-INF/statedb/couchdb/indexes";

/// Content of metadata.json, and the fault in it.
const IN_METADATA: [(&str, &str); 14] = [
    (
        "type: ccaas\n",
        "is not JSON: expected ident at line 1 column 2; a JSON object is needed",
    ),
    (
        r#"{"type":"","label":"a"}"#,
        r#"type: is empty; write "ccaas""#,
    ),
    ("", "is empty; a JSON object is needed"),
    ("[]", "is an array, not a JSON object"),
    (
        r#"{"type":"ccaas","label":"a",}"#,
        "is not JSON: key must be a string at line 1 column 29; leave out the last comma",
    ),
    (
        r#"{"type":"caas","label":"a"}"#,
        r#"type: "caas" is for another builder; write "ccaas" or "external""#,
    ),
    (
        r#"{"type":"golang","label":"a"}"#,
        r#"type: "golang" is for another builder; write "ccaas" or "external""#,
    ),
    (
        r#"{"label":"a"}"#,
        r#"type: is missing; write "type": "ccaas""#,
    ),
    (
        r#"{"type":["ccaas"],"label":"a"}"#,
        "type: is an array, not a string",
    ),
    (
        r#"{"type":"ccaas"}"#,
        r#"label: is missing; write for example "label": "basic_1.0""#,
    ),
    (
        r#"{"type":"ccaas","label":"basic 1.0"}"#,
        r#"label: "basic 1.0" is refused by Fabric; begin with a letter or digit and continue with those or . + - _"#,
    ),
    (
        r#"{"type":"ccaas","label":"basic:1.0"}"#,
        r#"label: "basic:1.0" is refused by Fabric; begin with a letter or digit and continue with those or . + - _"#,
    ),
    (
        r#"{"type":"ccaas","label":1.0}"#,
        "label: is a number, not a string",
    ),
    (
        r#"{"type":"ccaas","label":"a","path":{}}"#,
        "path: is an object, not a string",
    ),
];

/// Content of connection.json, and the fault in it.
const IN_CONNECTION: [(&[u8], &str); 75] = [
    (b"", "is empty; a JSON object is needed"),
    (
        b"address: basic:9999\n",
        "is not JSON: expected value at line 1 column 1; a JSON object is needed",
    ),
    (b"\"basic:9999\"", "is a string, not a JSON object"),
    (
        b"{\n  // the server\n  \"address\": \"a:1\"\n}",
        "is not JSON: key must be a string at line 2 column 3; leave out comments, which JSON does not allow",
    ),
    (
        b"# the server\n{\"address\": \"a:1\"}",
        "is not JSON: expected value at line 1 column 1; leave out comments, which JSON does not allow",
    ),
    (
        b"{\"address\": \"a:1\"} /* the server */",
        "is not JSON: trailing characters at line 1 column 20; leave out comments, which JSON does not allow",
    ),
    (
        b"{\"address\": \"a:1\",\n}",
        "is not JSON: key must be a string at line 2 column 1; leave out the last comma",
    ),
    (
        br#"{"address": ["a:1",]}"#,
        "is not JSON: expected value at line 1 column 20; leave out the last comma",
    ),
    (
        br#"{"address":, "domain": "a"}"#,
        "is not JSON: expected value at line 1 column 12; write a value, in double quotes if it is a string",
    ),
    (
        br#"{"address": "a:1"]"#,
        "is not JSON: expected `,` or `}` at line 1 column 18; write } instead of ]",
    ),
    (
        br#"{"address": ["a:1"}"#,
        "is not JSON: expected `,` or `]` at line 1 column 19; write ] instead of }",
    ),
    (
        b"{\"address\": \"a:1\"}}",
        "is not JSON: trailing characters at line 1 column 19; leave out what follows the JSON object",
    ),
    (
        b"{\"address\": }",
        "is not JSON: expected value at line 1 column 13; write a value, in double quotes if it is a string",
    ),
    (
        b"{\"address\": \"a:1\", \"client_key\": /run/key}",
        "is not JSON: expected value at line 1 column 34; write a value, in double quotes if it is a string",
    ),
    (
        b"{\"address\": \"a:1\"\n\"dial_timeout\": \"1s\"}",
        "is not JSON: expected `,` or `}` at line 2 column 1; write a comma between members",
    ),
    (
        b"{\"address\": \"a:1\", \"root_cert\": \"-----BEGIN CERTIFICATE-----\nMII\"}",
        r"is not JSON: control character (\u0000-\u001F) found while parsing a string at line 1 column 60; write \n for a line break, or let init copy in the PEM file",
    ),
    (
        b"{'address': 'a:1'}",
        "is not JSON: key must be a string at line 1 column 2; write straight double quotes",
    ),
    (
        b"{\"address\": \xe2\x80\x9ca:1\xe2\x80\x9d}",
        "is not JSON: expected value at line 1 column 13; write straight double quotes",
    ),
    (
        b"{address: \"a:1\"}",
        "is not JSON: key must be a string at line 1 column 2; put double quotes around names",
    ),
    (
        b"{\"address\": {{.peername}}:9999}",
        "is not JSON: key must be a string at line 1 column 14; put double quotes around templates",
    ),
    (
        b"{\"address\": \"a:1\", \"tls_required\": True}",
        "is not JSON: expected value at line 1 column 36; write true, false and null in lower case",
    ),
    (
        b"{\"address\": \"unix:\\run\\x\"}",
        r"is not JSON: invalid escape at line 1 column 24; write \\ for a backslash",
    ),
    (
        b"{\"address\": \"a:1\"",
        "is not JSON: it ends too early; a closing } or \" is needed",
    ),
    (
        b"{\"address\": \"a:1\"}\n{\"address\": \"b:1\"}\n",
        "is not JSON: trailing characters at line 2 column 1; leave out what follows the JSON object",
    ),
    (
        b"\xef\xbb\xbf{\"address\": \"a:1\"}",
        "starts with a byte order mark; save it as UTF-8 without one",
    ),
    (b"\xff\xfe{\0}\0", "is UTF-16; save it as UTF-8"),
    (b"{\0}\0", "is UTF-16; save it as UTF-8"),
    (
        b"{\"address\": \"b\xe4r:1\"}",
        "is not UTF-8; save it as UTF-8",
    ),
    (
        br#"{"name": "net", "organizations": {}, "peers": {}}"#,
        r#"is an SDK's connection profile, which is for applications; write where the chaincode server is, {"address": "basic.example.com:9999"}"#,
    ),
    (
        br#"{"type": "ccaas", "label": "basic_1.0"}"#,
        r#"is a metadata.json; write where the chaincode server is, {"address": "basic.example.com:9999"}"#,
    ),
    (
        br#"{"name": "net", "peers": {}}"#,
        r#"is an SDK's connection profile, which is for applications; write where the chaincode server is, {"address": "basic.example.com:9999"}"#,
    ),
    (
        br#"{"label": "basic_1.0"}"#,
        r#"address: is missing or null; write for example "address": "basic.example.com:9999""#,
    ),
    (
        b"{}",
        r#"address: is missing or null; write for example "address": "basic.example.com:9999""#,
    ),
    (
        br#"{"addres": "a:1"}"#,
        r#"address: is missing; rename "addres" to it"#,
    ),
    (
        br#"{"host": "a:1"}"#,
        r#"address: is missing; rename "host" to it"#,
    ),
    (
        br#"{"address": 9999}"#,
        "address: is a number, not a string",
    ),
    (
        br#"{"address": "basic"}"#,
        r#"address: "basic" has no port; write for example basic.example.com:9999"#,
    ),
    (
        br#"{"address": "::1:9999"}"#,
        r#"address: "::1:9999" has an IPv6 address without brackets; write [::1]:9999"#,
    ),
    (
        br#"{"address": "http://basic:9999/"}"#,
        r#"address: "http://basic:9999/" is a URL, not host:port; write basic:9999"#,
    ),
    (
        br#"{"address": " basic:9999"}"#,
        r#"address: " basic:9999" contains white space; write basic:9999"#,
    ),
    (
        br#"{"address": "${PEERNAME}_basic:9999"}"#,
        r#"address: "${PEERNAME}_basic:9999" has a shell variable, which nothing fills in; write a template such as {{.peername}}"#,
    ),
    (
        br#"{"address": "a:1", "dial_timeout": "10"}"#,
        r#"dial_timeout: "10" has no unit; write for example "10s""#,
    ),
    (
        br#"{"address": "a:1", "dial_timeout": 10}"#,
        r#"dial_timeout: 10 is a number of nanoseconds and too short to dial; write for example "10s""#,
    ),
    (
        br#"{"address": "a:1", "dial_timeout": ""}"#,
        r#"dial_timeout: "" is empty; write for example "10s""#,
    ),
    (
        br#"{"address": "a:1", "dial_timeout": null}"#,
        r#"dial_timeout: is null; leave it out or write for example "10s""#,
    ),
    (
        br#"{"address": "a:1", "tls_required": "false"}"#,
        "tls_required: is a string; write true or false without quotes",
    ),
    (
        br#"{"address": "a:1", "client_auth_required": 1}"#,
        "client_auth_required: is a number; write true or false",
    ),
    (
        br#"{"address": "a:1", "tls_required": true}"#,
        "root_cert: is required with tls_required; write the PEM of the CA certificate",
    ),
    (
        br#"{"address": "a:1", "tls_required": true, "ca_cert": "x"}"#,
        r#"root_cert: is missing; rename "ca_cert" to it"#,
    ),
    (
        br#"{"address": "{{.peername}}_basic:9999"}"#,
        r#"templates need values; write --config '{"peername": "..."}'"#,
    ),
    (
        br#"{"address": "{{.org.peer}}:1", "dial_timeout": "{{.it's}}"}"#,
        r#"dial_timeout: {{.it's}}: has a name with characters other than letters, digits and _; for such a key, write {{index . \"a-b\"}}"#,
    ),
    (
        br#"{"address": "{.peername}-a:1"}"#,
        r#"address: "{.peername}-a:1" has an invalid host name; write a template such as {{.peername}}"#,
    ),
    (
        br#"{"address": "{{peername}}:1"}"#,
        r#"address: {{peername}}: "peername" is not supported here; write {{.peername}} for a key of the config"#,
    ),
    (
        br#"{"address": "{{range .a}}:1"}"#,
        r#"address: {{range .a}}: "range" is not supported here; if, with, else, end and or not eq ne lt le gt ge index len slice print println printf are"#,
    ),
    (
        br#"{"address": "{{.peer-name}}:1"}"#,
        r#"address: {{.peer-name}}: has a name with characters other than letters, digits and _; for such a key, write {{index . \"a-b\"}}"#,
    ),
    (
        br#"{"address": "{{if .a == .b}}a:1{{end}}"}"#,
        "address: {{if .a == .b}}: has := or = without a variable before it; write {{if eq .a .b}} to compare",
    ),
    (
        br#"{"address": "{{.host | default `a`}}:1"}"#,
        r#"address: {{.host | default `a`}}: "default" is not supported here; write {{or (index . \"host\") \"localhost\"}}"#,
    ),
    (
        br#"{"address": "a:1", "tls_required": true, "client_auth_required": true, "root_cert": "{{.ca}}", "client_cert": "{{.pem}}", "client_key": "{{ .key }}"}"#,
        r#"templates need values; write --config '{"ca": {"file": "..."}, "key": {"file": "..."}, "pem": {"file": "..."}}'"#,
    ),
    (
        br#"{"address": "a:1",, "domain": "a"}"#,
        "is not JSON: key must be a string at line 1 column 19; leave one comma out",
    ),
    (
        br#"{"address": "a:1", "tls_required": tru}"#,
        "is not JSON: expected ident at line 1 column 39; write true, false, null, or a string in double quotes",
    ),
    (
        br#"{"address": "a:1,b:2"}"#,
        r#"address: "a:1,b:2" has more than one address; write a:1"#,
    ),
    (
        br#"{"address": "user:pw@asset:9999"}"#,
        r#"address: "user:pw@asset:9999" has a user before @; write asset:9999"#,
    ),
    (
        br#"{"address": "a:1:2"}"#,
        r#"address: "a:1:2" has more than one colon; write for example basic.example.com:9999"#,
    ),
    (
        br#"{"address": "::1"}"#,
        r#"address: "::1" has an IPv6 address without brackets; write [::1]:9999"#,
    ),
    (
        br#"{"address": "[::1:9999"}"#,
        r#"address: "[::1:9999" has a [ without ]; write [::1]:9999"#,
    ),
    (
        br#"{"address": "unix://x"}"#,
        r#"address: "unix://x" has no socket path after unix:; write unix:/x"#,
    ),
    (
        br#"{"address": "dns://basic:9999"}"#,
        r#"address: "dns://basic:9999" has two slashes where three are needed; write dns:///basic:9999"#,
    ),
    (
        br#"{"address": "%PEERNAME%-asset:9999"}"#,
        r#"address: "%PEERNAME%-asset:9999" has a shell variable, which nothing fills in; write a template such as {{.peername}}"#,
    ),
    (
        br#"{"address": "{{.peer | lower}}:1"}"#,
        r#"address: {{.peer | lower}}: "lower" is not supported here; use and or not eq ne lt le gt ge index len slice print println printf"#,
    ),
    (
        br#"{"address": "a:1", "root_cert": "{{file \"/etc/ca.pem\"}}", "tls_required": true}"#,
        r#"root_cert: {{file "/etc/ca.pem"}}: "file" is not supported here; write {{.pem}}, and "pem": {"file": "/PATH"} in the config"#,
    ),
    (
        br#"{"address": "{{index . 'peername'}}:1"}"#,
        r#"address: {{index . 'peername'}}: has '' with other than one character; write \" around a string"#,
    ),
    (
        br#"{"address": "{{index . "peername"}}:1"}"#,
        r#"is not JSON: expected `,` or `}` at line 1 column 25; write \" for a quote in a string"#,
    ),
    (
        br#"{"address": "a:1", "tls_required": {{.tls}}}"#,
        "is not JSON: key must be a string at line 1 column 37; write true or false, because templates work only in strings",
    ),
    (
        br#"{"address": "a:1", "tls_required": "{{.tls}}"}"#,
        "tls_required: is a string; write true or false without quotes, because templates work only in strings",
    ),
    (
        br#"{"host": "a", "port": 1}"#,
        r#"address: is missing; write "address": "HOST:PORT" instead of host and port"#,
    ),
];

/// Content of connection.json, a config, and the fault in what they make. No message may have what
/// is in the config.
const FILLED_IN: [(&str, &str, &str); 23] = [
    (
        r#"{"address": "{{.u}}:1"}"#,
        r#"{"u": "https://topsecret"}"#,
        r#"address: "{{.u}}:1", filled in, is a URL, not host:port; correct "u" in the config"#,
    ),
    (
        r#"{"address": "{{.sp}}"}"#,
        r#"{"sp": "topsecret:9999/x"}"#,
        r#"address: "{{.sp}}", filled in, has a port that is not a number; correct "sp" in the config"#,
    ),
    (
        r#"{"address": "{{.a}}{{.b.c}}:1"}"#,
        r#"{"a": " topsecret", "b": {"c": "d"}}"#,
        r#"address: "{{.a}}{{.b.c}}:1", filled in, contains white space; correct "a" or "b.c" in the config"#,
    ),
    (
        r#"{"address": "{{.peername}}:9999"}"#,
        r#"{"peername": "::1"}"#,
        r#"address: "{{.peername}}:9999", filled in, has an IPv6 address without brackets; correct "peername" in the config"#,
    ),
    (
        r#"{"address": "{{.peername}}-x:1"}"#,
        r#"{"peername": "org1peer1:7051"}"#,
        r#"address: "{{.peername}}-x:1", filled in, has more than one colon; correct "peername" in the config"#,
    ),
    (
        r#"{"address": "{{.peername}}-x:1"}"#,
        r#"{"peername": ""}"#,
        r#"address: "{{.peername}}-x:1", filled in, has an invalid host name; correct "peername", which is empty in the config"#,
    ),
    (
        r#"{"address": "{{.peername}}"}"#,
        r#"{"peername": ""}"#,
        r#"address: "{{.peername}}", filled in, is empty; correct "peername", which is empty in the config"#,
    ),
    (
        r#"{"address": "{{.peername}}"}"#,
        r#"{"peername": "topsecret"}"#,
        r#"address: "{{.peername}}", filled in, has no port; write {{.peername}}:9999, or correct "peername" in the config"#,
    ),
    (
        r#"{"address": "{{index . \"a-b\"}}"}"#,
        r#"{"a-b": "topsecret"}"#,
        r#"address: "{{index . "a-b"}}", filled in, has no port; write {{index . \"a-b\"}}:9999, or correct the config"#,
    ),
    (
        r#"{"address": "{{.peername}}.example.com"}"#,
        r#"{"peername": "topsecret"}"#,
        r#"address: "{{.peername}}.example.com", filled in, has no port; write {{.peername}}.example.com:9999"#,
    ),
    (
        r#"{"address": "http://{{.peername}}:9999"}"#,
        r#"{"peername": "topsecret"}"#,
        r#"address: "http://{{.peername}}:9999", filled in, is a URL, not host:port; write {{.peername}}:9999"#,
    ),
    (
        r#"{"address": "http://{{index . \"a-b\"}}:9999"}"#,
        r#"{"a-b": "topsecret"}"#,
        r#"address: "http://{{index . "a-b"}}:9999", filled in, is a URL, not host:port; write {{index . \"a-b\"}}:9999"#,
    ),
    (
        r#"{"address": "{{.peername}}-basic:9999 "}"#,
        r#"{"peername": "topsecret"}"#,
        r#"address: "{{.peername}}-basic:9999 ", filled in, contains white space; write {{.peername}}-basic:9999"#,
    ),
    (
        r#"{"address": "{{if .debug}}debug-{{end}}{{.peername}}:9999"}"#,
        r#"{"peername": "top secret", "debug": ""}"#,
        r#"address: "{{if .debug}}debug-{{end}}{{.peername}}:9999", filled in, contains white space; correct "debug" or "peername" in the config"#,
    ),
    (
        r#"{"address": "{{print \"a\\x62\"}}"}"#,
        "{}",
        r#"address: "{{print "a\x62"}}", filled in, has no port; write {{print \"a\\x62\"}}:9999, or correct the config"#,
    ),
    (
        r#"{"address": "{{.peername}}.example-example-example.example-example-example-example-example.com"}"#,
        r#"{"peername": "topsecret"}"#,
        r#"address: "{{.peername}}.example-example-example.example-example-example-example-example.co...", filled in, has no port; append :9999"#,
    ),
    (
        r#"{"address": "{{.peername}}}:1"}"#,
        r#"{"peername": "topsecret"}"#,
        r#"address: "{{.peername}}}:1", filled in, has an invalid host name; write }} instead of }}}"#,
    ),
    (
        r#"{"address": "a:1", "dial_timeout": "{{.t}}"}"#,
        r#"{"t": "10"}"#,
        r#"dial_timeout: "{{.t}}", filled in, has no unit; write {{.t}}s, or correct "t" in the config"#,
    ),
    (
        r#"{"address": "a:1", "dial_timeout": "{{.t}}"}"#,
        r#"{"t": "topsecret"}"#,
        r#"dial_timeout: "{{.t}}", filled in, is not a duration; correct "t" in the config"#,
    ),
    (
        r#"{"address": "{{.PeerName}}:1"}"#,
        r#"{"peername": "topsecret"}"#,
        r#"address: {{.PeerName}}: no key "PeerName" in the config, which has "peername"; write {{.peername}}"#,
    ),
    (
        r#"{"address": "a:1", "tls_required": true, "root_cert": "{{printf \"%v\" .ca}}"}"#,
        r#"{"ca": {"file": "/topsecret"}}"#,
        r#"root_cert: {{printf "%v" .ca}}: printf: a file cannot be an argument; write its key alone, as in {{.ca}}"#,
    ),
    (
        r#"{"address": "a:1", "tls_required": true, "root_cert": "{{.ca | print}}"}"#,
        r#"{"ca": {"file": "/topsecret"}}"#,
        "root_cert: {{.ca | print}}: print: a file cannot be an argument; write its key alone, as in {{.ca}}",
    ),
    (
        r#"{"address": "{{printf \"%s\" .a}}:1"}"#,
        r#"{"a": null}"#,
        r#"address: {{printf "%s" .a}}: printf: is null, not a string, number or boolean"#,
    ),
];

const VARIABLE: &str = r#"looks like the name of a variable; put the PEM itself here, or write {{.pem}} and add "pem": {"file": "/PATH"} to the peer's CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"#;
const PATH: &str = r#"looks like a file path; put the file's content here, or write {{.pem}} and add "pem": {"file": "/PATH"} to the peer's CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"#;

/// The value of `root_cert` with TLS, and the fault in it.
fn in_root_cert() -> Vec<(String, &'static str)> {
    let pem = tls("P-256.pem");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    vec![
        (String::new(), "is empty; a PEM CERTIFICATE is needed"),
        ("/etc/hyperledger/fabric/tls/ca.crt".into(), PATH),
        ("tlsca.org1.example.com-cert.pem".into(), PATH),
        ("keystore/priv_sk".into(), PATH),
        ("$ROOT_CERT".into(), VARIABLE),
        (
            pem.replace('\n', ""),
            "is PEM on one line: its line breaks are lost; in JSON write them as \\n",
        ),
        (
            pem.replace('\n', "\\n"),
            "contains a backslash and an n where its line breaks belong; in JSON write \\n and not \\\\n",
        ),
        (
            base64,
            "lacks the lines \"-----BEGIN CERTIFICATE-----\" and \"-----END CERTIFICATE-----\" around its base64",
        ),
        (
            "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSQ==".into(),
            "is base64 of PEM; decode it once and put the result here",
        ),
        (
            tls("P-256.key"),
            "contains a PRIVATE KEY, not a CERTIFICATE",
        ),
        (
            pem[..200].to_owned(),
            "is cut off: the \"-----END\" line is missing",
        ),
    ]
}

/// The path of a file beside a sound package, its content, and the line of `check`.
const ELSEWHERE: [(&str, &str, &str); 13] = [
    (
        "collections/private/indexes/b.json",
        r#"{"index":{"fields":["a"]}}"#,
        "collections/private/indexes: holds indexes of the chaincode's own data; write collections/private/indexes for a collection",
    ),
    (
        "b.json",
        r#"{"index":{"fields":["{{.a}}"]}}"#,
        "b.json: contains {{, but templates are filled in only in connection.json; write the text itself",
    ),
    (
        "private/b.json",
        r#"{"index":{"fields":["a"]}}"#,
        "private: holds indexes of the chaincode's own data; write collections/private/indexes for a collection",
    ),
    ("a.json", "", "a.json: is empty; a JSON object is needed"),
    (
        "a.json",
        "{}",
        r#"a.json: index: is missing; write for example "index": {"fields": ["owner"]}"#,
    ),
    (
        "a.json",
        r#"{"index":{"fields":"owner"}}"#,
        r#"a.json: index: fields: must be an array; for example ["owner"]"#,
    ),
    (
        "a.json",
        r#"{"fields":["owner"]}"#,
        "a.json: fields: belongs inside index",
    ),
    (
        "a.json",
        "{}{}",
        "a.json: contains several definitions; write one definition per file",
    ),
    (
        "a.json",
        "[{}]",
        "a.json: is an array; write one definition per file",
    ),
    (
        "a.json",
        r#"{"index":{"fields":[{"a":"DESC"}]}}"#,
        r#"a.json: index: fields: "DESC": CouchDB knows only lower case; write "desc""#,
    ),
    (
        "a.json",
        r#"{"index":{"fields":["a",{"b":"desc"}]}}"#,
        r#"a.json: index: fields: "b" goes "desc" and "a" "asc", but CouchDB accepts one direction per index; write {"a": "desc"}"#,
    ),
    (
        "gt.json",
        r#"{"index":{"fields":["a"],"partial_filter_selector":{"a":{"gt":1}}},"ddoc":"a"}"#,
        r#"gt.json: index: partial_filter_selector: "gt": is the name of a field; did you mean "$gt"?"#,
    ),
    (
        "a.txt",
        "{}",
        "a.txt: is not published: its name does not end in .json",
    ),
];

/// The ends of lines whose message alone says what to do.
const PLAIN_ENOUGH: [&str; 9] = [
    ", not a string",
    ", not a string, number or boolean",
    ", not a JSON object",
    ", not a CERTIFICATE",
    ", not a PRIVATE KEY",
    "around its base64",
    "line is missing",
    "belongs inside index",
    "does not end in .json",
];

fn package(metadata: &str, connection: impl AsRef<[u8]>) -> Peer {
    let peer = Peer::empty();
    peer.put("x/metadata.json", metadata)
        .put("x/connection.json", connection);
    peer
}

/// Asserts that `check` with these options has this line, and a hint in it unless it is plain
/// enough.
#[track_caller]
fn has_line(peer: &Peer, options: &[&str], kind: &str, line: &str) {
    let place = peer.path("x");
    let check = |more: &[&str]| user::run(&place, &[&["check"], options, more, &["."]].concat());
    let seen = check(&[]);
    let expected = format!("{kind:<8} {line}\n");
    assert!(seen.stdout.contains(&expected), "{line}\n{}", seen.stdout);
    let object: Value = serde_json::from_str(&check(&["--json"]).stdout).unwrap();
    let findings = object[format!("{kind}s")].as_array().unwrap();
    let end = |finding: &&Value| {
        let texts = ["message", "hint"].map(|name| finding[name].as_str().unwrap_or_default());
        texts.iter().all(|text| line.contains(text))
    };
    let found = findings.iter().find(end);
    let found = found.unwrap_or_else(|| panic!("{line}\n{object}"));
    let is_plain = PLAIN_ENOUGH.iter().any(|end| line.ends_with(end));
    assert_eq!(found["hint"].is_null(), is_plain, "{line}\n{object}");
}

/// Asserts that `check` has this line, and returns what `build` says.
#[track_caller]
fn has(peer: &Peer, kind: &str, line: &str) -> Seen {
    has_line(peer, &[], kind, line);
    user::run(&peer.path("x"), &["build", ".", ".", "../bld"])
}

#[test]
fn each_fault_says_what_to_write_and_so_does_the_peers_log() {
    for (content, line) in IN_METADATA {
        let line = format!("metadata.json: {line}");
        let built = has(&package(content, PLAIN), "fault", &line);
        // The label has been checked by the peer when it calls `build`.
        if !line.contains("label: ") && !line.contains("path: ") {
            built.refuses(&format!("build: {line}"));
        }
    }
    for (content, line) in IN_CONNECTION {
        let line = format!("connection.json: {line}");
        let built = has(&package(METADATA, content), "fault", &line);
        if !line.contains("--config") {
            built.refuses(&format!("build: {line}"));
        }
    }
    for (content, config, line) in FILLED_IN {
        let peer = package(METADATA, content);
        let line = format!("connection.json: {line}");
        has_line(&peer, &["--config", config], "fault", &line);
        let peer = Peer::with_connection(content).config(config);
        peer.build().refuses(&format!("build: {line}"));
    }
    for (value, line) in in_root_cert() {
        let connection = format!(
            r#"{{"address":"a:1","tls_required":true,"root_cert":{}}}"#,
            quoted(&value)
        );
        let line = format!("connection.json: root_cert: {line}");
        has(&package(METADATA, connection), "fault", &line).refuses(&format!("build: {line}"));
    }
    for (name, content, line) in ELSEWHERE {
        let peer = package(METADATA, PLAIN);
        peer.put(format!("x/{INDEXES}/{name}"), content);
        let kind = if name == "a.json" { "fault" } else { "warning" };
        assert_eq!(has(&peer, kind, &format!("{INDEXES}/{line}")).status, 0);
    }
}

#[test]
fn of_a_field_that_is_there_twice_the_last_counts_and_a_warning_says_so() {
    for (repeated, name) in [
        (r#""address": "b:1", "address""#, "address"),
        (r#""Address": "b:1", "address""#, "address"),
        (r#""Dial_Timeout": "1s", "address""#, "dial_timeout"),
    ] {
        let peer = package(METADATA, PLAIN.replace(r#""address""#, repeated));
        let line = format!(
            "connection.json: {name}: occurs more than once, and the peer reads the last; leave the others out"
        );
        let built = has(&peer, "warning", &line);
        assert!(
            built.stderr.contains(&format!("build: warning: {line}\n")),
            "{built:?}"
        );
        assert_eq!(built.status, 0);
    }
}

#[test]
fn a_file_or_folder_that_is_no_package_has_a_line_that_says_what_to_give() {
    let peer = package(METADATA, PLAIN);
    peer.put("ca.pem", "x".repeat(20)).put_dir("empty");
    for (args, line) in [
        (
            ["check", "x/connection.json"],
            "x/connection.json: is a file of a source folder; give check the folder: x",
        ),
        (
            ["check", "x/metadata.json"],
            "x/metadata.json: is a file of a source folder; give check the folder: x",
        ),
        (
            ["check", "ca.pem"],
            "ca.pem: is not a gzip file; make it with tar -czf, or the whole package with fabric-ccs-builder package DIR",
        ),
        (
            ["check", "empty"],
            "empty: has neither metadata.json nor connection.json; give the folder that has them, or make them with init",
        ),
        (
            ["package", "empty"],
            "empty: has neither metadata.json nor connection.json; give the folder that has them, or make them with init",
        ),
        (
            ["package", "ca.pem"],
            "ca.pem: is a file; give a source folder; --id prints the ID of a package",
        ),
    ] {
        let seen = user::run(&peer.path(""), &args);
        let said = seen.stdout.contains(&format!("\nfault    {line}\n"))
            || seen.stderr == format!("package: {line}\n");
        assert!(said && seen.status != 0, "{line}: {seen:?}");
    }
}

#[test]
fn a_link_in_the_place_of_meta_inf_has_one_line() {
    let peer = package(METADATA, PLAIN);
    peer.put_link("x/META-INF", "/etc");
    let seen = user::run(&peer.path(""), &["check", "x"]);
    assert_eq!(seen.stdout.matches("META-INF").count(), 1, "{seen:?}");
    assert_eq!(seen.status, 1);
}

#[test]
fn a_misspelt_file_name_is_reported() {
    for (needed, found) in [
        ("connection.json", "connection.JSON"),
        ("connection.json", "Connection.json"),
        ("connection.json", "connections.json"),
        ("connection.json", "conection.json"),
        ("metadata.json", "Metadata.json"),
        ("metadata.json", "meta-data.json"),
        ("metadata.json", "metadata.json.txt"),
        ("connection.json", "connection.json.txt"),
        ("connection.json", "connection.yaml"),
    ] {
        let peer = package(METADATA, PLAIN);
        let path = |name: &str| peer.path(format!("x/{name}"));
        std::fs::rename(path(needed), path(found)).unwrap();
        let line = format!("{needed} not found; rename {found}");
        let seen = user::run(&peer.path("x"), &["check", "."]);
        assert!(
            seen.stdout.contains(&format!("\nfault    {line}\n")),
            "{seen:?}"
        );
        user::run(&peer.path("x"), &["build", ".", ".", "../bld"])
            .refuses(&format!("build: {line}"));
    }
    let peer = package(METADATA, PLAIN);
    std::fs::rename(peer.path("x/connection.json"), peer.path("x/other.json")).unwrap();
    user::run(&peer.path("x"), &["build", ".", ".", "../bld"])
        .refuses("build: connection.json not found");

    // A folder cannot be the file.
    let peer = package(METADATA, PLAIN);
    std::fs::remove_file(peer.path("x/metadata.json")).unwrap();
    peer.put("x/metadata.d/a", "");
    user::run(&peer.path("x"), &["build", ".", ".", "../bld"])
        .refuses("build: metadata.json not found");
}

#[test]
fn a_label_that_is_there_twice_has_a_warning() {
    let peer = package(r#"{"type":"ccaas","label":"a","label":"b"}"#, PLAIN);
    let line = "metadata.json: label: occurs more than once, and the peer reads the last; leave the others out";
    assert_eq!(has(&peer, "warning", line).status, 0);
}

#[test]
fn a_folder_has_lines_on_what_is_probably_not_meant() {
    let peer = package(METADATA, PLAIN);
    peer.put("x/collections_config.json", "[]")
        .put("x/collection.md", "x")
        .put("x/README.md", "x")
        .put("x/tsconfig.json", "{}");
    let line = "collections_config.json: is not packaged; pass it to peer lifecycle chaincode approveformyorg and commit with --collections-config";
    has(&peer, "warning", line);
    let checked = user::run(&peer.path("x"), &["check"]).stdout;
    assert_eq!(checked.matches("--collections-config").count(), 1);
    let others = "README.md: and 2 more are not packaged: only metadata.json, connection.json and META-INF are";
    assert!(checked.contains(others), "{checked}");
}

/// A package file, as a shell makes it in a folder with a sound package's files.
#[track_caller]
fn file_has(script: &str, line: &str) {
    let peer = package(METADATA, PLAIN);
    peer.put(
        format!("x/{INDEXES}/a.json"),
        r#"{"index":{"fields":["a"]}}"#,
    );
    let script = format!("cd {} && {script}", peer.path("x").display());
    let made = std::process::Command::new("sh")
        .args(["-c", &script])
        .status();
    assert!(made.unwrap().success());
    let seen = user::run(&peer.path("x"), &["check", "p.tgz"]);
    assert!(
        seen.stdout.contains(&format!(" {line}\n")),
        "{line}\n{}",
        seen.stdout
    );
}

#[test]
fn a_package_file_has_lines_on_what_is_probably_not_meant() {
    let pack = |code: &str| format!("{code} && tar -czf p.tgz metadata.json code.tar.gz");
    file_has(
        &pack("touch ._connection.json && tar -czf code.tar.gz ._connection.json connection.json"),
        "._connection.json: is ignored, because a peer reads only connection.json and META-INF",
    );
    file_has(
        &pack(
            r"touch 'META-INF\statedb' && tar -czf code.tar.gz 'META-INF\statedb' connection.json",
        ),
        r"p.tgz: code.tar.gz: META-INF\statedb: has \ in its name, which does not separate folders; write / in the names of the archive",
    );
    file_has(
        &(pack("tar -czf code.tar.gz connection.json") + " && echo >>p.tgz"),
        "p.tgz: has bytes after its end; copy it again",
    );
    file_has(
        "tar -cf code.tar connection.json && tar -czf p.tgz metadata.json code.tar",
        "p.tgz: code.tar.gz not found; compress and rename code.tar",
    );
    file_has(
        "tar -czf code.tgz connection.json && tar -czf p.tgz metadata.json code.tgz",
        "p.tgz: code.tar.gz not found; rename code.tgz",
    );
    file_has(
        &(pack("tar -czf code.tar.gz connection.json") + " && gzip -c p.tgz >q && mv q p.tgz"),
        "p.tgz: is compressed twice; write it with gzip only once",
    );
    file_has(
        "printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:0\\n' >p.tgz",
        "p.tgz: is a pointer of Git LFS; run git lfs pull for the file itself",
    );
}
