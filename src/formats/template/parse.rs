//! The tree of a template, as in Go's `text/template/parse/parse.go`.

use anyhow::{Context, Result, bail, ensure};

use super::functions::FUNCTIONS;
use super::lex::{Lexer, NOT_CLOSED, is_of_name, shown};
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
    };
    match parser.nodes()? {
        (nodes, None) => Ok(nodes),
        (_, Some((_, action))) => bail!("{}: belongs to no block", shown(action)),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The names of the current variables, each as often as it is declared or assigned to.
    variables: Vec<&'a str>,
    depth: usize,
}

/// The `else` or `end` before which nodes end, and the text from its action on.
type End<'a> = Option<(&'a str, &'a str)>;

impl<'a> Parser<'a> {
    /// Reads up to an `else` or `end`, or to the end of the template.
    fn nodes(&mut self) -> Result<(Vec<Node>, End<'a>)> {
        let mut nodes = Vec::new();
        loop {
            let text = self.lexer.text();
            if !text.is_empty() {
                nodes.push(Node::Text(text.to_owned()));
            }
            let action = self.lexer.rest;
            if action.is_empty() {
                return Ok((nodes, None));
            }
            // Reported first: the author may have meant all of it as text.
            ensure!(action.contains("}}"), "{}: {NOT_CLOSED}", shown(action));
            if self.lexer.open()? {
                continue;
            }
            let word = self.keyword(action)?;
            nodes.push(match word {
                "" => Node::Action(self.actor(action)?),
                "else" | "end" => return Ok((nodes, Some((word, action)))),
                _ => Node::Block(self.nested(|parser| parser.block(word, action))?),
            });
        }
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

    /// Reads a block, after its first word and up to its end.
    fn block(&mut self, word: &str, first: &'a str) -> Result<Vec<Branch>> {
        let begin = self.variables.len();
        let mut branches = Vec::new();
        let mut condition = Some(self.actor(first)?);
        loop {
            let may_go_on = condition.is_some();
            let (body, end) = self.nodes()?;
            branches.push(Branch {
                condition,
                is_with: word == "with",
                body,
            });
            let Some((end, action)) = end else {
                bail!("{}: is not closed by {{{{end}}}}", shown(first));
            };
            let is_alone = self.lexer.close();
            condition = match end {
                "end" if is_alone => break,
                "else" if may_go_on && is_alone => None,
                "else" if may_go_on && self.keyword(action)? == word => Some(self.actor(action)?),
                _ => bail!("{}: does not fit {}", shown(action), shown(first)),
            };
        }
        self.variables.truncate(begin);
        Ok(branches)
    }

    fn keyword(&mut self, action: &str) -> Result<&'a str> {
        self.lexer.keyword().with_context(|| shown(action))
    }

    /// Reads the pipeline of an action, up to its end.
    fn actor(&mut self, action: &str) -> Result<Actor> {
        let shown = shown(action);
        let pipeline = self.pipeline(false).with_context(|| shown.clone())?;
        Ok(Actor { shown, pipeline })
    }

    /// Reads a pipeline, up to the end of the action or the parenthesis that closes it.
    fn pipeline(&mut self, is_inner: bool) -> Result<Pipeline> {
        let variable = self.variable()?;
        let (mut commands, mut is_new) = (Vec::<Command>::new(), true);
        while !self.lexer.close() {
            let is_spaced = self.lexer.eat_space();
            if is_inner && self.lexer.eat(")") {
                ensure!(!commands.is_empty(), "has no value");
                return Ok(Pipeline { variable, commands });
            }
            if !is_new && self.lexer.eat("|") {
                is_new = true;
                continue;
            }
            let operand = self.operand(commands.is_empty())?;
            match commands.last_mut() {
                Some(command) if !is_new => {
                    ensure!(is_spaced, "has no space between two values");
                    command.push(operand);
                }
                before => {
                    let is_value = matches!(operand.term, Term::Dot | Term::Literal(_));
                    ensure!(
                        before.is_none() || !is_value || !operand.fields.is_empty(),
                        "has no function after |"
                    );
                    commands.push(vec![operand]);
                }
            }
            is_new = false;
        }
        ensure!(!is_inner, "( is not closed");
        ensure!(!commands.is_empty(), "has no value");
        Ok(Pipeline { variable, commands })
    }

    /// The variable that gets a pipeline's value, and whether it is a new one.
    fn variable(&mut self) -> Result<Option<(String, bool)>> {
        let mut ahead = self.lexer;
        ahead.eat_space();
        let start = ahead.rest;
        if !ahead.eat("$") {
            return Ok(None);
        }
        let length = 1 + ahead.name()?.len();
        ahead.eat_space();
        let is_new = ahead.eat(":=");
        if !is_new && !ahead.eat("=") {
            return Ok(None);
        }
        self.lexer = ahead;
        // Even if it is only assigned to: rendering finds out whether it exists.
        let name = start.get(..length).unwrap_or_default();
        self.variables.push(name);
        ensure!(
            self.variables.len() <= MAX_DEPTH,
            "has more than {MAX_DEPTH} variables"
        );
        Ok(Some((name.to_owned(), is_new)))
    }

    fn operand(&mut self, is_first: bool) -> Result<Operand> {
        let start = self.lexer;
        let mut fields = Vec::new();
        if let Some(value) = self.lexer.literal()? {
            return Ok(Operand {
                term: Term::Literal(value),
                fields,
            });
        }
        let term = match self.lexer.first()? {
            '(' => Term::Pipeline(self.nested(|parser| parser.pipeline(true))?),
            '|' => bail!("has | without a value before it"),
            ')' => bail!("has ) without ("),
            ':' if !self.lexer.eat("=") => bail!("has ':' without '='"),
            ':' | '=' => bail!(
                "has := or = without a variable before it; write {{{{if eq .a .b}}}} to compare"
            ),
            '.' => {
                let name = self.lexer.name()?;
                fields.extend((!name.is_empty()).then(|| name.to_owned()));
                Term::Dot
            }
            '$' => {
                let length = 1 + self.lexer.name()?.len();
                let name = start.rest.get(..length).unwrap_or_default();
                let is_known = self.variables.contains(&name);
                ensure!(is_known, "has {name}, which is not declared");
                Term::Variable(name.to_owned())
            }
            first if is_of_name(first) => {
                self.lexer = start;
                match self.lexer.name()? {
                    "true" => Term::Literal(Value::Boolean(true)),
                    "false" => Term::Literal(Value::Boolean(false)),
                    "nil" => Term::Literal(Value::Nil),
                    word => Term::Function(function(word, is_first && { self.lexer }.close())?),
                }
            }
            first => bail!("has an unexpected {first:?}"),
        };
        let is_value = matches!(term, Term::Dot | Term::Literal(_)) && fields.is_empty();
        while let Some(rest) = self.lexer.rest.strip_prefix('.')
            && rest.starts_with(|next: char| is_of_name(next) && !next.is_ascii_digit())
        {
            self.lexer.rest = rest;
            let name = self.lexer.name()?;
            ensure!(!is_value, "has an unexpected .{name}");
            fields.push(name.to_owned());
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
