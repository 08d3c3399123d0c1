//! Templates filled in, as in Go's `text/template/exec.go`.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};

use super::WORK;
use super::functions;
use super::parse::{Actor, Branch, Node, Operand, Pipeline, Term};
use super::value::Value;
use crate::files;
use crate::layout::MAX_SMALL;
use crate::text::quoted;

struct Evaluator {
    dot: Value,
    /// With their names; the last variable of a name counts.
    variables: Vec<(String, Value)>,
    output: String,
    takes_files: bool,
    /// Whether a file was printed, and whether anything else but white space was.
    has_file: bool,
    has_text: bool,
    /// How many bytes functions may still read and make.
    work: usize,
}

/// Renders a template, which may print files only if it `takes_files`.
pub fn render(nodes: &[Node], config: &Value, takes_files: bool) -> Result<String> {
    let mut evaluator = Evaluator {
        dot: config.clone(),
        variables: vec![("$".to_owned(), config.clone())],
        output: String::new(),
        takes_files,
        has_file: false,
        has_text: false,
        work: WORK,
    };
    evaluator.nodes(nodes)?;
    Ok(evaluator.output)
}

impl Evaluator {
    fn nodes(&mut self, nodes: &[Node]) -> Result<()> {
        for node in nodes {
            match node {
                Node::Text(text) => self.write(text, false)?,
                Node::Block(branches) => self.block(branches)?,
                Node::Action(actor) => {
                    let value = self.actor(actor)?;
                    if actor.pipeline.variable.is_none() {
                        let text = self.print(&value).with_context(|| actor.shown.clone())?;
                        self.write(&text, value.file().is_some())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The text of an action. A file's content goes nowhere else, so no function or condition sees
    /// it.
    fn print(&self, value: &Value) -> Result<Rc<str>> {
        let Some(path) = value.file() else {
            return value.print();
        };
        ensure!(
            self.takes_files,
            "is a file, which only root_cert, client_cert and client_key may hold"
        );
        let shown = quoted(path);
        ensure!(
            path.starts_with('/'),
            "has {shown} as its path, which must begin with /"
        );
        Ok(files::read_pem(Path::new(path))?.into())
    }

    fn write(&mut self, text: &str, is_file: bool) -> Result<()> {
        if is_file {
            self.has_file = true;
        } else {
            self.has_text |= !text.trim_ascii().is_empty();
        }
        // The peer sends the certificates of client_cert: a package must not be able to add the
        // lines that turn a file's base64 into a certificate.
        ensure!(
            !(self.has_file && self.has_text),
            "contains a file and other text, but only white space may be beside a file"
        );
        self.output.push_str(text);
        ensure!(
            self.output.len() as u64 <= MAX_SMALL,
            "is more than {MAX_SMALL} bytes once filled in"
        );
        Ok(())
    }

    fn block(&mut self, branches: &[Branch]) -> Result<()> {
        let begin = self.variables.len();
        for branch in branches {
            let mut dot = self.dot.clone();
            if let Some(actor) = &branch.condition {
                let value = self.actor(actor)?;
                if !value.is_true() {
                    continue;
                }
                if branch.is_with {
                    dot = value;
                }
            }
            let outer = std::mem::replace(&mut self.dot, dot);
            self.nodes(&branch.body)?;
            self.dot = outer;
            break;
        }
        self.variables.truncate(begin);
        Ok(())
    }

    fn actor(&mut self, actor: &Actor) -> Result<Value> {
        let value = self.pipeline(&actor.pipeline);
        value.with_context(|| actor.shown.clone())
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Result<Value> {
        let mut last = None;
        for command in &pipeline.commands {
            last = Some(self.command(command, last)?);
        }
        let value = last.context("has no value")?;
        match &pipeline.variable {
            Some((name, true)) => self.variables.push((name.clone(), value.clone())),
            Some((name, false)) => *self.variable(name)? = value.clone(),
            None => {}
        }
        Ok(value)
    }

    /// The value of a command, whose last argument may be the previous value in the pipeline.
    fn command(&mut self, command: &[Operand], last: Option<Value>) -> Result<Value> {
        let (first, arguments) = command.split_first().context("has no value")?;
        match &first.term {
            Term::Function(function) if first.fields.is_empty() => {
                self.call(function, arguments, last)
            }
            Term::Literal(Value::Nil) => bail!("has only nil"),
            _ => {
                let is_alone = arguments.is_empty() && last.is_none();
                ensure!(
                    is_alone,
                    "has arguments for something that is not a function"
                );
                self.operand(first)
            }
        }
    }

    fn operand(&mut self, operand: &Operand) -> Result<Value> {
        let value = match &operand.term {
            Term::Dot => self.dot.clone(),
            Term::Variable(name) => self.variable(name)?.clone(),
            Term::Function(function) => self.call(function, &[], None)?,
            Term::Literal(value) => value.clone(),
            Term::Pipeline(pipeline) => self.pipeline(pipeline)?,
        };
        let mut fields = operand.fields.iter();
        fields.try_fold(value, |value, field| value.member(field))
    }

    fn variable(&mut self, name: &str) -> Result<&mut Value> {
        let found = self.variables.iter_mut().rfind(|(found, _)| found == name);
        let value = found.map(|(_, value)| value);
        value.with_context(|| format!("has {name}, which has no value"))
    }

    fn call(&mut self, name: &str, arguments: &[Operand], last: Option<Value>) -> Result<Value> {
        let mut values = Vec::new();
        for argument in arguments {
            let value = self.operand(argument)?;
            if matches!(name, "and" | "or") && value.is_true() == (name == "or") {
                return Ok(value);
            }
            values.push(value);
        }
        values.extend(last);
        self.spend(&values)?;
        let value = functions::call(name, &values).with_context(|| name.to_owned())?;
        self.spend(std::slice::from_ref(&value))?;
        Ok(value)
    }

    /// Counts the texts that a function reads or makes.
    fn spend(&mut self, values: &[Value]) -> Result<()> {
        for value in values {
            if let Value::Text(text) = value {
                let left = self.work.checked_sub(text.len());
                self.work = left.with_context(|| format!("works on more than {WORK} bytes"))?;
            }
        }
        Ok(())
    }
}
