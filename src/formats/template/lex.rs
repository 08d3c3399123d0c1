//! The tokens of a template, as in Go's `text/template/parse/lex.go`.

use std::str::Chars;

use anyhow::{Context, Result, bail, ensure};

use super::value::Value;
use crate::text::quoted;

/// What counts as white space in Go's template language.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

const NOT_CLOSED: &str = "is not closed by }}";

pub enum Item<'a> {
    Text(&'a str),
    Action(Action<'a>),
}

/// What is between `{{` and `}}`.
pub struct Action<'a> {
    /// With its braces.
    pub source: &'a str,
    pub tokens: Vec<Lexed<'a>>,
}

/// A token, and whether there is white space before it.
pub type Lexed<'a> = (Token<'a>, bool);

pub enum Token<'a> {
    Dot,
    Field(&'a str),
    /// `$` or `$name`, with the dollar
    Variable(&'a str),
    /// A keyword or a function's name.
    Word(&'a str),
    Literal(Value),
    /// `:=`
    Declare,
    Assign,
    Pipe,
    Open,
    Close,
}

pub struct Lexer<'a> {
    pub rest: &'a str,
}

impl<'a> Lexer<'a> {
    /// The next piece, where there is one.
    pub fn next(&mut self) -> Result<Option<Item<'a>>> {
        let start = self.rest;
        let Some(inside) = start.strip_prefix("{{") else {
            let (text, rest) = start.split_at(start.find("{{").unwrap_or(start.len()));
            self.rest = rest;
            let kept = match rest.strip_prefix("{{").and_then(after_marker) {
                Some(_) => text.trim_end_matches(SPACE),
                None => text,
            };
            return Ok((!text.is_empty()).then_some(Item::Text(kept)));
        };
        // Reported first: the author may have meant all of it as text.
        ensure!(start.contains("}}"), "{}: {NOT_CLOSED}", shown(start));
        self.rest = after_marker(inside).unwrap_or(inside);
        if self.rest.starts_with("/*") {
            self.comment()?;
            return Ok(Some(Item::Text("")));
        }
        let mut tokens = Vec::new();
        loop {
            let bare = self.rest.trim_start_matches(SPACE);
            let is_spaced = bare.len() < self.rest.len();
            if let Some(closed) = self.closed() {
                let source = start.get(..start.len() - closed.len()).unwrap_or(start);
                return Ok(Some(Item::Action(Action { source, tokens })));
            }
            self.rest = bare;
            let token = self.token();
            tokens.push((token.with_context(|| shown(start))?, is_spaced));
        }
    }

    /// If an action ends here, moves past its end and returns what follows, before any trimming.
    fn closed(&mut self) -> Option<&'a str> {
        let bare = self.rest.trim_start_matches(SPACE);
        if let Some(after) = bare.strip_prefix("}}") {
            self.rest = after;
            return Some(after);
        }
        let after = bare.strip_prefix("-}}").filter(|_| bare != self.rest)?;
        self.rest = after.trim_start_matches(SPACE);
        Some(after)
    }

    /// A comment, which must fill its action.
    fn comment(&mut self) -> Result<()> {
        // The two markers must not share their asterisk.
        let inside = self.rest.strip_prefix("/*").unwrap_or_default();
        let after = inside.split_once("*/").map(|(_, after)| after);
        let after = after.context("a comment is not closed by */")?;
        // Go allows one character of white space here, and only with a trim marker.
        let is_end =
            after.starts_with("}}") || after.get(1..).is_some_and(|end| end.starts_with("-}}"));
        self.rest = after;
        ensure!(
            is_end && self.closed().is_some(),
            "a comment must end with */}}}}"
        );
        Ok(())
    }

    fn token(&mut self) -> Result<Token<'a>> {
        let start = self.rest;
        let mut chars = start.chars();
        let first = chars.next().context(NOT_CLOSED)?;
        self.rest = chars.as_str();
        Ok(match first {
            '=' => Token::Assign,
            '|' => Token::Pipe,
            '(' => Token::Open,
            ')' => Token::Close,
            ':' => {
                self.rest = self.rest.strip_prefix('=').context("has ':' without '='")?;
                Token::Declare
            }
            '`' => {
                let (text, rest) = self.rest.split_once('`').context("` is not closed")?;
                self.rest = rest;
                Token::Literal(Value::Text(text.replace('\r', "").into()))
            }
            '"' => Token::Literal(Value::Text(self.quoted(first)?.into())),
            '\'' => match self.quoted(first)?.chars().collect::<Vec<_>>()[..] {
                [rune] => Token::Literal(Value::Whole(u32::from(rune).into())),
                _ => bail!("has '' with other than one character, write \\\" around a text"),
            },
            '+' | '-' | '0'..='9' => Token::Literal(self.number(start)?),
            '.' if self.rest.starts_with(|next: char| next.is_ascii_digit()) => {
                Token::Literal(self.number(start)?)
            }
            '.' => match self.name(self.rest)? {
                "" => Token::Dot,
                name => Token::Field(name),
            },
            '$' => {
                let name = self.name(self.rest)?;
                Token::Variable(start.get(..=name.len()).unwrap_or(start))
            }
            _ if is_of_name(first) => match self.name(start)? {
                "true" => Token::Literal(Value::Boolean(true)),
                "false" => Token::Literal(Value::Boolean(false)),
                "nil" => Token::Literal(Value::Nil),
                word => Token::Word(word),
            },
            _ => bail!("has an unexpected {first:?}"),
        })
    }

    /// The letters and digits at the start of `text`, where a word must end after them.
    fn name(&mut self, text: &'a str) -> Result<&'a str> {
        let end = text.find(|letter| !is_of_name(letter));
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        self.rest = rest;
        let is_end = rest.is_empty()
            || rest.starts_with("}}")
            || rest.starts_with(SPACE)
            || rest.starts_with(['.', ',', '|', ':', ')', '(']);
        ensure!(
            is_end,
            "has a name with characters other than letters, digits and _, write for such a key \
             {{{{index . \\\"a-b\\\"}}}}"
        );
        Ok(name)
    }

    /// The decimal number that `text` begins with.
    fn number(&mut self, text: &'a str) -> Result<Value> {
        let mut last = ' ';
        let end = text.find(|letter: char| {
            let is_sign = "+-".contains(letter) && " eE".contains(last);
            last = letter;
            !(is_sign || letter == '.' || is_of_name(letter))
        });
        let (number, rest) = text.split_at(end.unwrap_or(text.len()));
        self.rest = rest;
        let digits = number.trim_start_matches(['+', '-']);
        let value = if number.contains(['.', 'e', 'E']) {
            let value: Option<f64> = number.parse().ok();
            let value = value.filter(|value| value.is_finite());
            value.map(|value| Value::Number(number.into(), value))
        } else if digits.len() > 1 && digits.starts_with('0') {
            None
        } else {
            number.parse().ok().map(Value::Whole)
        };
        value.context("has a number that is not decimal, or is too large")
    }

    /// A string or rune, whose opening quote has been read.
    fn quoted(&mut self, quote: char) -> Result<String> {
        let mut chars = self.rest.chars();
        let mut text = String::new();
        loop {
            match chars.next() {
                None | Some('\n') => bail!("{quote} is not closed"),
                Some('\\') => {
                    let letter = escaped(&mut chars, quote);
                    text.push(letter.context("has an unknown \\ escape in a string")?);
                }
                Some(letter) if letter == quote => break,
                Some(letter) => text.push(letter),
            }
        }
        self.rest = chars.as_str();
        Ok(text)
    }
}

/// How a message may show the action that `text` begins with.
pub fn shown(text: &str) -> String {
    let action = text.split_inclusive("}}").next().unwrap_or_default();
    quoted(action).trim_matches('"').to_owned()
}

/// What follows an action's trim marker, if it has one.
fn after_marker(inside: &str) -> Option<&str> {
    inside.strip_prefix('-')?.strip_prefix(SPACE)
}

fn is_of_name(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

fn escaped(chars: &mut Chars, quote: char) -> Option<char> {
    const LETTERS: [char; 8] = ['\x07', '\x08', '\x0c', '\n', '\r', '\t', '\x0b', '\\'];
    let first = chars.next()?;
    let (count, radix, number) = match first {
        'x' => (2, 16, 0),
        'u' => (4, 16, 0),
        'U' => (8, 16, 0),
        '0'..='7' => (2, 8, first.to_digit(8)?),
        _ if first == quote => return Some(quote),
        _ => return LETTERS.get("abfnrtv\\".find(first)?).copied(),
    };
    let number = (0..count).try_fold(number, |number: u32, _| {
        number
            .checked_mul(radix)?
            .checked_add(chars.next()?.to_digit(radix)?)
    });
    // The short ones are bytes, so they are characters only in ASCII.
    char::from_u32(number?).filter(|letter| count > 2 || letter.is_ascii())
}
