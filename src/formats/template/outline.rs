//! What can be said of a template without a config.

use std::collections::BTreeSet;

use super::parse::{Node, Operand, Pipeline, Term};

/// The keys that the nodes look for, where `dot` is the path of `.` in the config, if it is known.
pub fn collect_keys(nodes: &[Node], dot: Option<&str>, keys: &mut BTreeSet<String>) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Action(actor) => keys_of_pipeline(&actor.pipeline, dot, keys),
            Node::Block(branches) => {
                for branch in branches {
                    let mut inner = dot.map(str::to_owned);
                    if let Some(actor) = &branch.condition {
                        keys_of_pipeline(&actor.pipeline, dot, keys);
                        if branch.is_with {
                            inner = match actor.pipeline.commands.as_slice() {
                                [command] => match command.as_slice() {
                                    [operand] => path(operand, dot),
                                    _ => None,
                                },
                                _ => None,
                            };
                        }
                    }
                    collect_keys(&branch.body, inner.as_deref(), keys);
                }
            }
        }
    }
}

fn keys_of_pipeline(pipeline: &Pipeline, dot: Option<&str>, keys: &mut BTreeSet<String>) {
    for operand in pipeline.commands.iter().flatten() {
        if let Term::Pipeline(inner) = &operand.term {
            keys_of_pipeline(inner, dot, keys);
        }
        keys.extend(path(operand, dot).filter(|path| !path.is_empty()));
    }
}

/// Where in the config an operand is, if it is seen here.
fn path(operand: &Operand, dot: Option<&str>) -> Option<String> {
    let start = match &operand.term {
        Term::Dot => dot?,
        Term::Variable(name) if name == "$" => "",
        _ => return None,
    };
    let start = Some(start).filter(|start| !start.is_empty());
    let parts = start
        .into_iter()
        .chain(operand.fields.iter().map(String::as_str));
    Some(parts.collect::<Vec<_>>().join("."))
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
            // All of two blocks with each other are too many.
            Node::Block(_) if has_block => return Vec::new(),
            Node::Block(branches) => {
                has_block = true;
                let bodies = branches.iter();
                bodies
                    .flat_map(|branch| self::texts(&branch.body, room))
                    .collect()
            }
        };
        let pairs = texts
            .iter()
            .flat_map(|text| more.iter().map(move |more| (text, more)));
        let mut joined = Vec::new();
        for (text, more) in pairs {
            let Some(left) = room.checked_sub(text.len() + more.len()) else {
                return Vec::new();
            };
            *room = left;
            joined.push(format!("{text}{more}"));
        }
        texts = joined;
    }
    texts
}
