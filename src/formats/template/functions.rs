//! The functions of templates, as in Go's `text/template/funcs.go`.

use std::cmp::Ordering;
use std::mem::discriminant;
use std::ops::RangeInclusive;

use anyhow::{Context, Result, bail, ensure};

use super::format::printf;
use super::value::Value;

pub struct Function {
    pub name: &'static str,
    /// How many arguments it takes.
    pub takes: RangeInclusive<usize>,
    pub apply: fn(&[Value]) -> Result<Value>,
}

const fn function(
    name: &'static str,
    least: usize,
    most: usize,
    apply: fn(&[Value]) -> Result<Value>,
) -> Function {
    Function {
        name,
        takes: least..=most,
        apply,
    }
}

const MANY: usize = usize::MAX;

/// All functions. Of `and` and `or` this is what is left when no argument decided.
pub static FUNCTIONS: [Function; 15] = [
    function("and", 1, MANY, last),
    function("or", 1, MANY, last),
    function("not", 1, 1, |args| {
        Ok(Value::Boolean(!last(args)?.is_true()))
    }),
    function("eq", 2, MANY, eq),
    function("ne", 2, 2, |args| match eq(args)? {
        Value::Boolean(equal) => Ok(Value::Boolean(!equal)),
        other => Ok(other),
    }),
    function("lt", 2, 2, |args| compare(args, Ordering::is_lt)),
    function("le", 2, 2, |args| compare(args, Ordering::is_le)),
    function("gt", 2, 2, |args| compare(args, Ordering::is_gt)),
    function("ge", 2, 2, |args| compare(args, Ordering::is_ge)),
    function("index", 1, MANY, index),
    function("len", 1, 1, |args| {
        let value = last(args)?;
        let length = value
            .len()
            .with_context(|| format!("{} has no length", value.kind()))?;
        Ok(Value::Whole(i64::try_from(length)?))
    }),
    function("slice", 1, 3, slice),
    function("print", 0, MANY, |args| print(args, false)),
    function("println", 0, MANY, |args| print(args, true)),
    function("printf", 1, MANY, |args| match args {
        [Value::Text(format), args @ ..] => Ok(Value::Text(printf(format, args)?.into())),
        _ => bail!("needs a string as its first argument"),
    }),
];

fn last(args: &[Value]) -> Result<Value> {
    args.last().cloned().context("has no argument")
}

/// Whether the first is equal to one of the others.
fn eq(args: &[Value]) -> Result<Value> {
    let (first, others) = args.split_first().context("has no argument")?;
    for other in others {
        if is_equal(first, other)? {
            return Ok(Value::Boolean(true));
        }
    }
    Ok(Value::Boolean(false))
}

fn is_equal(a: &Value, b: &Value) -> Result<bool> {
    let is_nil = |value: &Value| matches!(value, Value::Nil | Value::Object(None));
    match (a, b) {
        (Value::Boolean(a), Value::Boolean(b)) => Ok(a == b),
        (Value::Nil, other) | (other, Value::Nil) => Ok(is_nil(other)),
        (Value::Object(_), Value::Object(_)) if is_nil(a) || is_nil(b) => {
            Ok(is_nil(a) == is_nil(b))
        }
        _ => order(a, b).map(Ordering::is_eq),
    }
}

fn compare(args: &[Value], holds: fn(Ordering) -> bool) -> Result<Value> {
    let [a, b] = args else {
        bail!("needs two arguments");
    };
    Ok(Value::Boolean(holds(order(a, b)?)))
}

fn order(a: &Value, b: &Value) -> Result<Ordering> {
    let float = |value: &Value| match value {
        Value::Number(_, number) => Some(*number),
        _ => None,
    };
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Ok(a.cmp(b)),
        (Value::Whole(a), Value::Whole(b)) => Ok(a.cmp(b)),
        _ => {
            let numbers = float(a).zip(float(b));
            let order = numbers.and_then(|(a, b)| a.partial_cmp(&b));
            order.with_context(|| not_comparable(a, b))
        }
    }
}

fn not_comparable(a: &Value, b: &Value) -> String {
    let hint = match (a, b) {
        (Value::Number(..), Value::Whole(_)) | (Value::Whole(_), Value::Number(..)) => {
            ", write it with a point: 1.0"
        }
        _ => "",
    };
    if discriminant(a) == discriminant(b) {
        format!("cannot compare {} with another", a.kind())
    } else {
        format!("cannot compare {} with {}{hint}", a.kind(), b.kind())
    }
}

/// What is in the first, by the index or key of the second, and so on.
fn index(args: &[Value]) -> Result<Value> {
    let (first, keys) = args.split_first().context("has no argument")?;
    let mut value = first.clone();
    ensure!(!matches!(value, Value::Nil), "null has nothing in it");
    for key in keys {
        value = match (&value, key) {
            (Value::Object(members), Value::Text(key)) => {
                let member = members.as_ref().and_then(|members| members.get(&**key));
                // As Go: it is an error only for fields.
                member.cloned().unwrap_or(Value::Nil)
            }
            (Value::Array(items), Value::Whole(at)) => {
                let item = usize::try_from(*at).ok().and_then(|at| items.get(at));
                item.cloned().context("there is no such item")?
            }
            (Value::Text(text), Value::Whole(at)) => {
                let byte = usize::try_from(*at)
                    .ok()
                    .and_then(|at| text.as_bytes().get(at));
                Value::Whole((*byte.context("there is no such byte")?).into())
            }
            _ => bail!("{} has nothing at {}", value.kind(), key.kind()),
        };
    }
    Ok(value)
}

/// A part of a string.
fn slice(args: &[Value]) -> Result<Value> {
    let place = |at: usize, else_at| match args.get(at) {
        Some(Value::Whole(place)) => usize::try_from(*place).ok(),
        Some(_) => None,
        None => Some(else_at),
    };
    let part = match args.first() {
        Some(Value::Text(text)) => place(1, 0)
            .zip(place(2, text.len()))
            .and_then(|(from, to)| text.get(from..to)),
        _ => None,
    };
    let part = part.context("needs a string and places in it, not inside a character")?;
    Ok(Value::Text(part.into()))
}

/// All values one after the other, as lines with spaces between all of them.
fn print(args: &[Value], is_line: bool) -> Result<Value> {
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    let mut text = String::new();
    let mut before = None;
    for value in args {
        if before.is_some_and(|before| is_line || !(is_text(before) || is_text(value))) {
            text.push(' ');
        }
        text.push_str(&value.print()?);
        before = Some(value);
    }
    if is_line {
        text.push('\n');
    }
    Ok(Value::Text(text.into()))
}
