//! What is known of a template without a config.

use std::collections::BTreeSet;
use std::iter;

use super::parse::{Branch, Node, Operand, Pipeline, Term};

const MAX_KEY: usize = 256;

/// Collects the keys that the nodes look up; `dot` is the path of `.` in the config, if known.
pub fn collect_keys(nodes: &[Node], dot: Option<&str>, keys: &mut BTreeSet<String>) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Action(actor) => keys_of_pipeline(&actor.pipeline, dot, keys),
            Node::Block(branches) => {
                for branch in branches {
                    keys_of_branch(branch, dot, keys);
                }
            }
        }
    }
}

fn keys_of_branch(branch: &Branch, dot: Option<&str>, keys: &mut BTreeSet<String>) {
    let mut inner = dot.map(str::to_owned);
    if let Some(actor) = &branch.condition {
        keys_of_pipeline(&actor.pipeline, dot, keys);
        if branch.is_with {
            let mut operands = actor.pipeline.commands.iter().flatten();
            let first = operands.next().filter(|_| operands.next().is_none());
            inner = first.and_then(|operand| path(operand, dot));
        }
    }
    collect_keys(&branch.body, inner.as_deref(), keys);
}

fn keys_of_pipeline(pipeline: &Pipeline, dot: Option<&str>, keys: &mut BTreeSet<String>) {
    for operand in pipeline.commands.iter().flatten() {
        if let Term::Pipeline(inner) = &operand.term {
            keys_of_pipeline(inner, dot, keys);
        }
        keys.extend(path(operand, dot).filter(|path| !path.is_empty()));
    }
}

/// The path of an operand in the config, if it can be determined.
fn path(operand: &Operand, dot: Option<&str>) -> Option<String> {
    let start = match &operand.term {
        Term::Dot => dot?,
        Term::Variable(name) if name == "$" => "",
        _ => return None,
    };
    let names = iter::once(start).chain(operand.fields.iter().map(String::as_str));
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    Some(names.join(".")).filter(|path| path.len() <= MAX_KEY)
}

/// The text before the first node that is not text, and the text after the last such node.
pub fn ends(nodes: &[Node]) -> (String, String) {
    let text = |node: &Node| match node {
        Node::Text(text) => Some(text.clone()),
        _ => None,
    };
    let first: Vec<_> = nodes.iter().map_while(text).collect();
    let after = nodes.get(first.len()..).unwrap_or_default();
    let mut last: Vec<_> = after.iter().rev().map_while(text).collect();
    last.reverse();
    (first.concat(), last.concat())
}

/// The texts that nodes without values of the config can make, within `room` bytes.
pub fn texts(nodes: &[Node], room: &mut usize) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut has_block = false;
    for node in nodes {
        let more = match node {
            Node::Action(actor) if actor.pipeline.variable.is_some() => continue,
            Node::Action(_) => return Vec::new(),
            Node::Text(text) => vec![text.clone()],
            // Two blocks may have conditions that never hold together.
            Node::Block(_) if has_block => return Vec::new(),
            Node::Block(branches) => {
                has_block = true;
                let bodies = branches
                    .iter()
                    .map(|branch| self::texts(&branch.body, room));
                bodies.flatten().collect()
            }
        };
        let pairs = texts
            .iter()
            .flat_map(|text| more.iter().map(move |more| [text.as_str(), more]));
        let joined = pairs.map_while(|pair| {
            *room = room.checked_sub(pair.iter().map(|text| text.len()).sum())?;
            Some(pair.concat())
        });
        texts = joined.collect();
    }
    texts
}
