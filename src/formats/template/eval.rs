//! Templates filled in, as in Go's `text/template/exec.go`.

use anyhow::{Context, Result, ensure};

use super::WORK;
use super::functions::Function;
use super::parse::{Branch, Node, Operand, Pipeline, Scope, Term};
use super::value::Value;
use crate::layout::MAX_SMALL;

/// Renders one template.
pub struct Evaluator {
    dot: Value,
    variables: Scope<Value>,
    output: String,
    /// The bytes that functions may still read and make.
    work: usize,
}

impl Evaluator {
    pub fn new(config: &Value) -> Self {
        Self {
            dot: config.clone(),
            variables: Scope::new(config.clone()),
            output: String::new(),
            work: WORK,
        }
    }

    pub fn render(mut self, nodes: &[Node]) -> Result<String> {
        self.nodes(nodes)?;
        Ok(self.output)
    }

    fn nodes(&mut self, nodes: &[Node]) -> Result<()> {
        for node in nodes {
            match node {
                Node::Text(text) => self.write(text)?,
                Node::Block(branches) => self.block(branches)?,
                Node::Action(actor) => {
                    let value = self.pipeline(&actor.pipeline);
                    let is_printed = actor.pipeline.variable.is_none();
                    let text =
                        value.and_then(|value| is_printed.then(|| value.print()).transpose());
                    self.write(
                        &text
                            .with_context(|| actor.shown.clone())?
                            .unwrap_or_default(),
                    )?;
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.output.push_str(text);
        ensure!(
            self.output.len() as u64 <= MAX_SMALL,
            "is more than {MAX_SMALL} bytes, filled in"
        );
        Ok(())
    }

    fn block(&mut self, branches: &[Branch]) -> Result<()> {
        let begin = self.variables.begin();
        for branch in branches {
            let mut dot = self.dot.clone();
            if let Some(actor) = &branch.condition {
                let value = self.pipeline(&actor.pipeline);
                let value = value.with_context(|| actor.shown.clone())?;
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
        self.variables.end(begin);
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Result<Value> {
        let mut last = None;
        for command in &pipeline.commands {
            last = Some(self.command(command, last)?);
        }
        let value = last.context("has no value")?;
        match &pipeline.variable {
            Some((name, true)) => self.variables.declare(name, value.clone()),
            Some((name, false)) => *self.variables.get(name)? = value.clone(),
            None => {}
        }
        Ok(value)
    }

    /// The value of a command, whose last argument may be the value before it in the pipeline.
    fn command(&mut self, command: &[Operand], last: Option<Value>) -> Result<Value> {
        let (first, arguments) = command.split_first().context("has no value")?;
        match &first.term {
            Term::Function(function) if first.fields.is_empty() => {
                self.call(function, arguments, last)
            }
            Term::Literal(Value::Nil) => anyhow::bail!("has nil alone"),
            _ => {
                let is_alone = arguments.is_empty() && last.is_none();
                ensure!(is_alone, "has arguments for what is no function");
                self.operand(first)
            }
        }
    }

    fn operand(&mut self, operand: &Operand) -> Result<Value> {
        let mut value = match &operand.term {
            Term::Dot => self.dot.clone(),
            Term::Variable(name) => self.variables.get(name)?.clone(),
            Term::Function(function) => self.call(function, &[], None)?,
            Term::Literal(value) => value.clone(),
            Term::Pipeline(pipeline) => self.pipeline(pipeline)?,
        };
        for field in &operand.fields {
            value = value.member(field)?;
        }
        Ok(value)
    }

    fn call(
        &mut self,
        function: &Function,
        arguments: &[Operand],
        last: Option<Value>,
    ) -> Result<Value> {
        let name = function.name;
        let count = arguments.len() + usize::from(last.is_some());
        ensure!(
            function.takes.contains(&count),
            "{name} does not take {count} arguments"
        );
        let is_or = name == "or";
        let mut values = Vec::new();
        for argument in arguments {
            let value = self.operand(argument)?;
            if matches!(name, "and" | "or") && value.is_true() == is_or {
                return Ok(value);
            }
            values.push(value);
        }
        values.extend(last);
        self.spend(&values)?;
        let value = (function.apply)(&values).context(name)?;
        self.spend(std::slice::from_ref(&value))?;
        Ok(value)
    }

    /// Counts texts that a function reads or makes.
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
