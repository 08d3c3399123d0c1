//! The part of Go's `text/template` that makes one string out of a JSON object.
//!
//! Fabric's builder passes each string field of connection.json to Go with `missingkey=error`, and
//! the JSON object in [`VARIABLE`] as the data. This renders the same bytes.
//!
//! ```text
//! template = { text | "{{" action "}}" }
//! action   = comment | pipeline | block
//! block    = ( "if" | "with" ) pipeline "}}" template
//!            { "{{else" ( "if" | "with" ) pipeline "}}" template }    the same word as at the top
//!            [ "{{else}}" template ] "{{end"
//! comment  = "/*" characters "*/"
//! pipeline = [ variable ( ":=" | "=" ) ] command { "|" command } [ "|" ]
//! command  = operand { space operand }              the value before a "|" is the last argument
//! operand  = ( "." | "." name | variable | function | literal | "(" pipeline ")" ) { "." name }
//! variable = "$" [ name ]                           "$" is the object
//! literal  = string | `raw string` | 'rune' | number | "true" | "false" | "nil"
//! function = "and" | "or" | "not" | "eq" | "ne" | "lt" | "le" | "gt" | "ge"
//!          | "index" | "len" | "slice" | "print" | "printf" | "println"
//! ```
//!
//! `{{- ` and ` -}}` remove the white space before and after them. There are no loops, so each
//! action runs at most once, and functions may work on [`WORK`] bytes in all.
//!
//! # Files
//!
//! An object of the config whose only member is a string `file` is an object like any other:
//! `{{.key.file}}` is the path. But where an action prints the object itself, in `root_cert`,
//! `client_cert` or `client_key`, it prints the content of that file, read at that moment. The
//! content is not a value: it cannot be compared, measured, cut or given to a function, and the
//! field may contain nothing else but white space and other files. SECURITY.md says why.
//!
//! # Differences from Go
//!
//! - Numbers are printed as written: Go prints 10000000 in the config as `1e+07`.
//! - What Go prints for null, arrays and objects other than files (`<no value>`, `map[a:1]`), and
//!   for a wrong verb or number of arguments of `printf` (`%!d(string=a)`), is an error.
//! - `range`, `break`, `continue`, `define`, `template`, `block`, `call`, `html`, `js` and
//!   `urlquery` are refused, wherever they are.
//! - `printf` has the verbs `%s` and `%q` (ASCII only) for strings, `%d` for whole numbers of the
//!   template, `%f` for other numbers, including all of the config, `%t`, `%v` and `%%`; widths up
//!   to 1,000, and precisions too for `%s` and `%f`; the flags `-` and, for `%d` and `%f`, `0`.
//! - Numbers in a template are decimal, not `0x1f`, `017`, `1_000` or `1i`, and fit in 64 bits.
//! - Strings are UTF-8: no half characters by `slice`, `\xff`, `\377`, nor `\ud800` in the config.
//!   `slice` accepts no arrays. Names may contain what Unicode calls alphabetic or numeric.
//! - Blocks and parentheses nest at most 100 deep, at most 100 variables are in use at once, and at
//!   most 1 MiB is rendered.
//! - `else with` is accepted, as by Go since 1.23.

mod eval;
mod format;
mod functions;
mod lex;
mod outline;
mod parse;
mod value;

use std::collections::BTreeSet;
use std::ffi::OsString;

use anyhow::{Result, anyhow};

use self::parse::Node;
use self::value::Value;
use super::json::Object;
use crate::error::{self, Refuse, refused};
use crate::text::quoted;

/// The environment variable that holds the values, as Fabric's builder has it.
pub const VARIABLE: &str = "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG";

/// How the variable gets to `build` in a peer.
pub const TO_PEER: &str = "give the peer a JSON object with this key in it, and name the \
    variable in this builder's propagateEnvironment";

/// How many bytes a template's functions may read and make in all: the package chooses their
/// arguments.
const WORK: usize = 16 << 20;

const EXAMPLE: &str = r#"write for example {"peername":"org1peer1"}"#;

/// The values for templates: a JSON object, unless the variable is unset, empty or null.
pub struct Config(Value);

impl Default for Config {
    fn default() -> Self {
        Self(Value::Object(None))
    }
}

impl Config {
    /// The values in the variable's value.
    pub(crate) fn read(value: Option<OsString>) -> error::Result<Self> {
        let value = value.unwrap_or_default().into_string();
        let text = value
            .map_err(|_| anyhow!("is not UTF-8"))
            .refuse(VARIABLE)?;
        if text.starts_with('@') {
            return refused(format!(
                "{VARIABLE}: begins with @; write the JSON object itself, because only --config reads a file"
            ));
        }
        Self::parse(&text).refuse(VARIABLE)
    }

    /// The values in `text`, a JSON object; the empty text and null count as not set.
    pub fn parse(text: &str) -> Result<Self> {
        if matches!(text.trim_matches([' ', '\t', '\r', '\n']), "null") || text.is_empty() {
            return Ok(Self::default());
        }
        let object = Object::parse(text.as_bytes());
        let value = object.and_then(|object| Value::of_object(object));
        value
            .map(Self)
            .map_err(|error| anyhow!("{error}; {EXAMPLE}"))
    }

    /// Whether there are no values because nobody set them.
    pub(crate) fn is_unset(&self) -> bool {
        matches!(self.0, Value::Object(None))
    }
}

/// Where a text comes from.
#[derive(Clone, Default)]
pub struct Origin {
    /// What the package has, as messages show it.
    pub source: String,
    /// If it is a template: what to do when the result is wrong.
    pub remedy: Option<String>,
}

impl Origin {
    /// The origin of a text that the package has.
    pub fn written(text: &str) -> Self {
        let (source, remedy) = (quoted(text), None);
        Self { source, remedy }
    }
}

/// A field's text, with what to fill in.
pub struct Template {
    source: String,
    nodes: Vec<Node>,
    /// Whether it may print files.
    pub takes_files: bool,
}

impl Template {
    /// Reads a template; text without `{{` is one too.
    pub fn parse(source: &str) -> Result<Self> {
        Ok(Self {
            source: source.to_owned(),
            nodes: parse::parse(source)?,
            takes_files: false,
        })
    }

    /// Whether there is nothing to fill in.
    pub fn is_text(&self) -> bool {
        self.nodes.iter().all(|node| matches!(node, Node::Text(_)))
    }

    /// A text that is taken literally, whatever braces are in it.
    pub fn literal(text: &str) -> Self {
        Self {
            source: text.to_owned(),
            nodes: vec![Node::Text(text.to_owned())],
            takes_files: false,
        }
    }

    /// How messages show the text: as the package has it, never as filled in.
    pub fn origin(&self, config: &Config) -> Origin {
        Origin {
            remedy: (!self.is_text()).then(|| self.remedy(config)),
            ..Origin::written(&self.source)
        }
    }

    /// What to do if the text is wrong with these values filled in, of which none is shown.
    fn remedy(&self, config: &Config) -> String {
        if self.source.contains("}}}") {
            return "write }} instead of }}}".to_owned();
        }
        let keys = Vec::from_iter(self.keys());
        let is_empty = |key: &str| {
            let mut names = key.split('.');
            let found = names.try_fold(config.0.clone(), |value, name| value.member(name));
            found.is_ok_and(|found| matches!(found, Value::Text(text) if text.is_empty()))
        };
        // Of several, one may be meant to be empty.
        if let [key] = &keys[..]
            && is_empty(key)
        {
            return format!("correct {}, which is empty in the config", quoted(key));
        }
        let keys: Vec<String> = keys.iter().map(|key| quoted(key)).collect();
        match keys.join(" or ") {
            keys if keys.is_empty() => "correct the config".to_owned(),
            keys => format!("correct {keys} in the config"),
        }
    }

    /// The text with everything filled in.
    pub fn render(&self, config: &Config) -> Result<String> {
        eval::render(&self.nodes, &config.0, self.takes_files)
    }

    /// Whether the template may make `text` with some config: it begins and ends with the template's
    /// own text.
    pub fn may_make(&self, text: &str) -> bool {
        let (first, last) = outline::ends(&self.nodes);
        let rest = text.strip_prefix(first.as_str());
        rest.is_some_and(|rest| rest.ends_with(&last) && (!self.is_text() || rest.is_empty()))
    }

    /// The keys of the config that the template looks up, in any of its branches.
    pub fn keys(&self) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        outline::collect_keys(&self.nodes, Some(""), &mut keys);
        keys
    }

    /// The results that the template can have without any value of the config in them: those of its
    /// branches that are plain text.
    pub fn texts(&self) -> Vec<String> {
        let mut room = WORK;
        let mut texts = outline::texts(&self.nodes, &mut room);
        texts.retain(|text| !text.is_empty());
        texts
    }
}

#[cfg(test)]
mod tests;
