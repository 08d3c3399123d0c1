//! The part of Go's `text/template` that makes one string out of a JSON object.
//!
//! Fabric's builder gives each string field of connection.json to Go with `missingkey=error`, and
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
//! `{{- ` and ` -}}` take the white space before and after them away. There are no loops, so each
//! action is carried out once at most, and functions may work on [`WORK`] bytes in all.
//!
//! # Files
//!
//! An object of the config whose only member is a string `file` is an object like any other, of
//! which `{{.key.file}}` is the path. But where an action prints the object itself, in `root_cert`,
//! `client_cert` or `client_key`, it prints the content of that file, read then. The content is no
//! value: it cannot be compared, measured, cut, or given to a function, and nothing but white space
//! and other files may be in the field beside it. SECURITY.md says why.
//!
//! # Differences from Go
//!
//! - Numbers are printed as they are written: Go prints 10000000 in the config as `1e+07`.
//! - null, arrays and objects, but for files, are not printed (`<no value>`, `map[a:1]`), nor is
//!   what `printf` prints for a wrong verb or number of arguments (`%!d(string=a)`): they are errors.
//! - `range`, `break`, `continue`, `define`, `template`, `block`, `call`, `html`, `js` and
//!   `urlquery` are refused, wherever they stand.
//! - `printf` has the verbs `%s` and `%q` (ASCII only) for strings, `%d` for whole numbers of the
//!   template, `%f` for other numbers, which all of the config are, `%t`, `%v` and `%%`; widths
//!   up to 1,000, precisions too for `%s` and `%f`; the flags `-` and, for `%d` and `%f`, `0`.
//! - Numbers in a template are decimal, not `0x1f`, `017`, `1_000` or `1i`, and fit in 64 bits.
//! - Strings are UTF-8: no half characters by `slice`, `\xff`, `\377`, nor `\ud800` in the config.
//!   `slice` takes no arrays. Names may hold what Unicode calls alphabetic or numeric.
//! - Blocks and parentheses nest 100 deep, 100 variables are in use at once, 1 MiB is rendered.
//! - `else with` is Go's from 1.23 on; before, it refuses it.

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
use crate::error::{self, Refuse};
use crate::text::quoted;

/// The environment variable that holds the values, as Fabric's builder has it.
pub const VARIABLE: &str = "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG";

/// How many bytes the functions of a template may read and make in all: a package chooses what they
/// are called with.
const WORK: usize = 16 << 20;

const EXAMPLE: &str = r#"for example {"peername":"org1peer1"}"#;

/// The values for templates: a JSON object, unless the variable is not set, empty or null.
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
            .map_err(|error| anyhow!("{error}, {EXAMPLE}"))
    }

    /// Whether there are no values, because nobody set them.
    pub(crate) fn is_unset(&self) -> bool {
        matches!(self.0, Value::Object(None))
    }
}

/// A field's text with what is to be filled in.
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

    /// A text that is taken as it is, whatever braces are in it.
    pub fn literal(text: &str) -> Self {
        Self {
            source: text.to_owned(),
            nodes: vec![Node::Text(text.to_owned())],
            takes_files: false,
        }
    }

    /// How a message may name the text: as the package has it. What is filled in is never shown.
    pub fn shown(&self) -> String {
        let filled_in = if self.is_text() { "" } else { ", filled in," };
        format!("{}{filled_in}", quoted(&self.source))
    }

    /// The text with everything filled in.
    pub fn render(&self, config: &Config) -> Result<String> {
        eval::render(&self.nodes, &config.0, self.takes_files)
    }

    /// The keys that the template looks for in the config, whichever branches are taken.
    pub fn keys(&self) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        outline::collect_keys(&self.nodes, Some(""), &mut keys);
        keys
    }

    /// The values that the template can have without a value of the config in them: those of its
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
