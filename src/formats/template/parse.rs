//! The tree of a template, as in Go's `text/template/parse/parse.go`.

use anyhow::{Context, Result, bail, ensure};

use super::functions::FUNCTIONS;
use super::lex::{Action, Item, Lexed, Lexer, Token, shown};
use super::value::Value;
use crate::text::quoted;

/// How deep blocks and parentheses may nest, and how many variables there may be.
const MAX_DEPTH: usize = 100;

pub enum Node {
    Text(String),
    Action(Actor),
    /// The first branch whose condition holds is rendered.
    Block(Vec<Branch>),
}

/// A pipeline, and how a message may show its action.
pub struct Actor {
    pub shown: String,
    pub pipeline: Pipeline,
}

pub struct Branch {
    /// `None` is `else`.
    pub condition: Option<Actor>,
    /// Whether it belongs to `with`, whose value becomes `.`.
    pub is_with: bool,
    pub body: Vec<Node>,
}

pub struct Pipeline {
    /// The variable that gets the value, and whether it is a new one.
    pub variable: Option<(String, bool)>,
    pub commands: Vec<Command>,
}

/// A function and its arguments, or a value alone.
pub type Command = Vec<Operand>;

pub struct Operand {
    pub term: Term,
    /// The members that are looked up in its value, one in the other.
    pub fields: Vec<String>,
}

pub enum Term {
    Dot,
    Variable(String),
    Function(&'static str),
    Literal(Value),
    Pipeline(Pipeline),
}

pub fn parse(source: &str) -> Result<Vec<Node>> {
    let mut parser = Parser {
        lexer: Lexer { rest: source },
        variables: vec!["$"],
        depth: 0,
        is_alone: false,
    };
    match parser.nodes()? {
        (nodes, None) => Ok(nodes),
        (_, Some(end)) => bail!("{}: belongs to no block", shown(end.source)),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The names of the current variables, each as often as it is declared.
    variables: Vec<&'a str>,
    depth: usize,
    /// Whether the action has only one word.
    is_alone: bool,
}

type Tokens<'t, 'a> = &'t [Lexed<'a>];

impl<'a> Parser<'a> {
    /// Reads up to an `else` or `end`, or to the end of the template.
    fn nodes(&mut self) -> Result<(Vec<Node>, Option<Action<'a>>)> {
        let mut nodes = Vec::new();
        while let Some(item) = self.lexer.next()? {
            let node = match item {
                Item::Text("") => continue,
                Item::Text(text) => Node::Text(text.to_owned()),
                Item::Action(action) => match action.tokens.first() {
                    Some((Token::Word("else" | "end"), _)) => return Ok((nodes, Some(action))),
                    Some((Token::Word(word @ ("if" | "with")), _)) => {
                        let word = *word;
                        self.nested(|parser| parser.block(word, &action))
                            .map(Node::Block)?
                    }
                    _ => Node::Action(self.actor(&action, 0)?),
                },
            };
            nodes.push(node);
        }
        Ok((nodes, None))
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        ensure!(
            self.depth < MAX_DEPTH,
            "is nested more than {MAX_DEPTH} deep"
        );
        self.depth += 1;
        let inner = read(self);
        self.depth -= 1;
        inner
    }

    /// Reads a block that begins with `first`, up to its end.
    fn block(&mut self, word: &str, first: &Action<'a>) -> Result<Vec<Branch>> {
        let begin = self.variables.len();
        let mut branches = Vec::new();
        let mut condition = Some(self.actor(first, 1)?);
        loop {
            let is_else = condition.is_none();
            let (body, end) = self.nodes()?;
            branches.push(Branch {
                condition,
                is_with: word == "with",
                body,
            });
            let end = end.with_context(|| {
                format!("{}: is not closed by {{{{end}}}}", shown(first.source))
            })?;
            condition = match end.tokens.as_slice() {
                [(Token::Word("end"), _)] => break,
                [(Token::Word("else"), _)] if !is_else => None,
                [(Token::Word("else"), _), (Token::Word(next), _), ..]
                    if *next == word && !is_else =>
                {
                    Some(self.actor(&end, 2)?)
                }
                _ => bail!(
                    "{}: does not fit {}",
                    shown(end.source),
                    shown(first.source)
                ),
            };
        }
        self.variables.truncate(begin);
        Ok(branches)
    }

    /// Reads the pipeline of an action, after its first words.
    fn actor(&mut self, action: &Action<'a>, words: usize) -> Result<Actor> {
        let shown = shown(action.source);
        let mut tokens = action.tokens.get(words..).unwrap_or_default();
        self.is_alone = tokens.len() == 1;
        let pipeline = self.pipeline(&mut tokens, false);
        let pipeline = pipeline.with_context(|| shown.clone())?;
        Ok(Actor { shown, pipeline })
    }

    /// Reads a pipeline, up to the end of the action or the parenthesis that closes it.
    fn pipeline(&mut self, tokens: &mut Tokens<'_, 'a>, is_inner: bool) -> Result<Pipeline> {
        let mut variable = None;
        if let [
            (Token::Variable(name), _),
            (sign @ (Token::Declare | Token::Assign), _),
            rest @ ..,
        ] = *tokens
        {
            // Even if it is only assigned to: rendering finds out whether it exists.
            self.variables.push(name);
            ensure!(
                self.variables.len() <= MAX_DEPTH,
                "has more than {MAX_DEPTH} variables"
            );
            variable = Some(((*name).to_owned(), matches!(sign, Token::Declare)));
            *tokens = rest;
        }
        let mut commands: Vec<Command> = Vec::new();
        loop {
            match *tokens {
                [] if is_inner => bail!("( is not closed"),
                [] => break,
                [(Token::Close, _), rest @ ..] if is_inner => {
                    *tokens = rest;
                    break;
                }
                _ => {
                    let command = self.command(tokens)?;
                    let first = command.first().filter(|first| first.fields.is_empty());
                    let is_value = first
                        .is_some_and(|first| matches!(first.term, Term::Dot | Term::Literal(_)));
                    ensure!(commands.is_empty() || !is_value, "has no function after |");
                    commands.push(command);
                }
            }
        }
        ensure!(!commands.is_empty(), "has no value");
        Ok(Pipeline { variable, commands })
    }

    fn command(&mut self, tokens: &mut Tokens<'_, 'a>) -> Result<Command> {
        let mut command = vec![self.operand(tokens)?];
        loop {
            match *tokens {
                [] | [(Token::Close, _), ..] => break,
                [(Token::Pipe, _), rest @ ..] => {
                    *tokens = rest;
                    break;
                }
                [(_, true), ..] => command.push(self.operand(tokens)?),
                _ => bail!("has no space between two values"),
            }
        }
        Ok(command)
    }

    fn operand(&mut self, tokens: &mut Tokens<'_, 'a>) -> Result<Operand> {
        let Some(((token, _), rest)) = tokens.split_first() else {
            bail!("has no value");
        };
        *tokens = rest;
        let mut fields = Vec::new();
        let term = match token {
            Token::Dot => Term::Dot,
            Token::Field(name) => {
                fields.push((*name).to_owned());
                Term::Dot
            }
            Token::Variable(name) => {
                ensure!(
                    self.variables.contains(name),
                    "has {name}, which is not declared"
                );
                Term::Variable((*name).to_owned())
            }
            Token::Word(word) => Term::Function(function(word, self.is_alone)?),
            Token::Literal(value) => Term::Literal(value.clone()),
            Token::Open => Term::Pipeline(self.nested(|parser| parser.pipeline(tokens, true))?),
            Token::Declare | Token::Assign => bail!(
                "has := or = without a variable before it, write {{{{if eq .a .b}}}} to compare"
            ),
            Token::Pipe => bail!("has | without a value before it"),
            Token::Close => bail!("has ) without ("),
        };
        let may_have_fields = !matches!(token, Token::Dot | Token::Literal(_));
        while let [(Token::Field(name), false), rest @ ..] = *tokens {
            ensure!(may_have_fields, "has an unexpected .{name}");
            fields.push((*name).to_owned());
            *tokens = rest;
        }
        Ok(Operand { term, fields })
    }
}

fn function(name: &str, is_alone: bool) -> Result<&'static str> {
    let function = FUNCTIONS.iter().find(|function| **function == name);
    function.copied().with_context(|| {
        let known = FUNCTIONS.join(" ");
        let hint = match name {
            "range" | "break" | "continue" | "define" | "template" | "block" | "call" | "html"
            | "js" | "urlquery" => format!("if, with, else, end {known} are"),
            "default" => r#"write {{or (index . \"host\") \"localhost\"}}"#.to_owned(),
            "file" => r#"write {{.pem}}, and "pem": {"file": "/PATH"} in the config"#.to_owned(),
            _ if is_alone => format!("write {{{{.{name}}}}} for a key of the config"),
            _ => format!("use {known}"),
        };
        format!("{} is not supported here; {hint}", quoted(name))
    })
}
