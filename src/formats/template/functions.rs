//! The functions of templates, as in Go's `text/template/funcs.go`.

use std::cmp::Ordering;

use anyhow::{Context, Result, bail, ensure};

use super::format::printf;
use super::value::Value;

pub const FUNCTIONS: [&str; 15] = [
    "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "index", "len", "slice", "print",
    "println", "printf",
];

/// What the function `name` makes of its arguments; for `and` and `or`, if none of them decided.
pub fn call(name: &str, args: &[Value]) -> Result<Value> {
    Ok(match (name, args) {
        ("and" | "or", [.., last]) => last.clone(),
        ("not", [value]) => Value::Boolean(!value.is_true()),
        ("eq", [value, others @ ..]) if !others.is_empty() => {
            Value::Boolean(is_any(value, others)?)
        }
        ("ne", [a, b]) => Value::Boolean(!is_equal(a, b)?),
        ("lt", [a, b]) => Value::Boolean(order(a, b)?.is_lt()),
        ("le", [a, b]) => Value::Boolean(order(a, b)?.is_le()),
        ("gt", [a, b]) => Value::Boolean(order(a, b)?.is_gt()),
        ("ge", [a, b]) => Value::Boolean(order(a, b)?.is_ge()),
        ("index", [value, keys @ ..]) => index(value, keys)?,
        ("len", [Value::Text(_) | Value::Array(_) | Value::Object(_)]) => {
            Value::Whole(i64::try_from(args.iter().map(Value::len).sum::<usize>())?)
        }
        ("slice", [Value::Text(text)]) => Value::Text(text.clone()),
        ("slice", [Value::Text(text), Value::Whole(from)]) => {
            slice(text, *from, i64::try_from(text.len())?)?
        }
        ("slice", [Value::Text(text), Value::Whole(from), Value::Whole(to)]) => {
            slice(text, *from, *to)?
        }
        ("print", _) => print(args, false)?,
        ("println", _) => print(args, true)?,
        ("printf", [Value::Text(format), values @ ..]) => {
            Value::Text(printf(format, values)?.into())
        }
        _ => {
            let kinds: Vec<_> = args.iter().map(Value::kind).collect();
            bail!("does not take ({})", kinds.join(", "));
        }
    })
}

fn is_any(value: &Value, others: &[Value]) -> Result<bool> {
    for other in others {
        if is_equal(value, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_equal(a: &Value, b: &Value) -> Result<bool> {
    let is_nil = |value: &Value| matches!(value, Value::Nil | Value::Object(None));
    match (a, b) {
        (Value::Boolean(a), Value::Boolean(b)) => Ok(a == b),
        (Value::Nil, _) | (_, Value::Nil) => Ok(is_nil(a) && is_nil(b)),
        (Value::Object(_), Value::Object(_)) if is_nil(a) || is_nil(b) => {
            Ok(is_nil(a) && is_nil(b))
        }
        _ => order(a, b).map(Ordering::is_eq),
    }
}

fn order(a: &Value, b: &Value) -> Result<Ordering> {
    let order = match (a, b) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Whole(a), Value::Whole(b)) => Some(a.cmp(b)),
        (Value::Number(_, a), Value::Number(_, b)) => a.partial_cmp(b),
        (Value::Number(..), Value::Whole(_)) | (Value::Whole(_), Value::Number(..)) => {
            bail!("compare a number of the config with one that has a decimal point, such as 1.0")
        }
        _ => None,
    };
    order.with_context(|| format!("cannot compare {} with {}", a.kind(), b.kind()))
}

/// Looks up the first key or position in the value, the next one in what it finds, and so on.
fn index(value: &Value, keys: &[Value]) -> Result<Value> {
    ensure!(!matches!(value, Value::Nil), "null has nothing in it");
    keys.iter().try_fold(value.clone(), |value, key| {
        let found = match (&value, key) {
            // As in Go, a missing key is an error only for fields.
            (Value::Object(None), Value::Text(_)) => Some(Value::Nil),
            (Value::Object(Some(members)), Value::Text(key)) => {
                Some(members.get(&**key).cloned().unwrap_or(Value::Nil))
            }
            (Value::Array(items), Value::Whole(at)) => items.get(place(*at)).cloned(),
            (Value::Text(text), Value::Whole(at)) => {
                let byte = text.as_bytes().get(place(*at));
                byte.map(|byte| Value::Whole((*byte).into()))
            }
            _ => None,
        };
        found.with_context(|| format!("{} has nothing there", value.kind()))
    })
}

fn slice(text: &str, from: i64, to: i64) -> Result<Value> {
    let part = text.get(place(from)..place(to));
    let part = part.context("a position is outside the string, or inside a character")?;
    Ok(Value::Text(part.into()))
}

/// A position in a string or array; a negative one is always outside.
fn place(at: i64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// All values in turn; in a line, with spaces between all of them.
fn print(values: &[Value], is_line: bool) -> Result<Value> {
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    let mut text = String::new();
    let mut before = None;
    for value in values {
        if before.is_some_and(|before| is_line || !(is_text(before) || is_text(value))) {
            text.push(' ');
        }
        text.push_str(&value.print()?);
        before = Some(value);
    }
    text.push_str(if is_line { "\n" } else { "" });
    Ok(Value::Text(text.into()))
}
