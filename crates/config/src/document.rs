//! Where each key and value of a TOML text stands.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::{ConfigError, Fault, Invalid};

/// One step from a table or list to what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// A key or list entry with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) steps: Vec<Step>,
    /// The last key's place; that of the value for a list entry.
    pub(crate) key: Range<usize>,
    pub(crate) value: Range<usize>,
    pub(crate) is_table: bool,
}

impl Node {
    /// The key for a person, list positions left out: the line tells which entry.
    pub(crate) fn name(&self) -> String {
        dotted(&self.steps)
    }
}

/// Steps as a dotted key, list positions left out.
pub(crate) fn dotted(steps: &[Step]) -> String {
    let keys: Vec<&str> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        })
        .collect();
    keys.join(".")
}

/// A TOML text whose places are known.
pub(crate) struct Document<'a> {
    file: &'a Path,
    text: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Document<'a> {
    pub(crate) fn parse(file: &'a Path, text: &'a str) -> Result<Self, ConfigError> {
        let mut document = Self {
            file,
            text,
            nodes: Vec::new(),
        };
        match DeTable::parse(text) {
            Ok(root) => {
                collect(root.get_ref(), &mut Vec::new(), &mut document.nodes);
                Ok(document)
            }
            Err(error) => {
                let place = error.span().map_or(0, |span| span.start);
                Err(document.invalid(
                    place,
                    String::new(),
                    Fault::Syntax(one_line(error.message())),
                ))
            }
        }
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn find(&self, steps: &[Step]) -> Option<&Node> {
        self.nodes.iter().find(|node| node.steps == steps)
    }

    /// The innermost key or value that covers this place.
    pub(crate) fn covering(&self, span: &Range<usize>) -> Option<&Node> {
        self.nodes
            .iter()
            .filter(|node| {
                let covers =
                    |range: &Range<usize>| range.start <= span.start && span.end <= range.end;
                covers(&node.value) || covers(&node.key)
            })
            .max_by_key(|node| node.steps.len())
    }

    /// The error for the value at `steps`, or for the nearest thing around it that is written down.
    pub(crate) fn wrong(&self, steps: &[Step], fault: Fault) -> ConfigError {
        let place = (0..=steps.len())
            .rev()
            .find_map(|length| self.find(&steps[..length]))
            .map_or(0, |node| node.value.start);
        self.invalid(place, dotted(steps), fault)
    }

    pub(crate) fn invalid(&self, place: usize, key: String, fault: Fault) -> ConfigError {
        let (line, column) = line_and_column(self.text, place);
        ConfigError::Invalid(Box::new(Invalid {
            file: self.file.to_owned(),
            line,
            column,
            key,
            fault,
        }))
    }
}

fn collect(table: &DeTable<'_>, above: &mut Vec<Step>, nodes: &mut Vec<Node>) {
    for (key, value) in table {
        above.push(Step::Key(key.get_ref().to_string()));
        collect_value(key.span(), value, above, nodes);
        above.pop();
    }
}

fn collect_value(
    key: Range<usize>,
    value: &Spanned<DeValue<'_>>,
    steps: &mut Vec<Step>,
    nodes: &mut Vec<Node>,
) {
    nodes.push(Node {
        steps: steps.clone(),
        key,
        value: value.span(),
        is_table: value.get_ref().is_table(),
    });
    match value.get_ref() {
        DeValue::Table(table) => collect(table, steps, nodes),
        DeValue::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                steps.push(Step::Index(index));
                collect_value(entry.span(), entry, steps, nodes);
                steps.pop();
            }
        }
        _ => {}
    }
}

/// Line and column, both counted from 1, of a byte position.
pub(crate) fn line_and_column(text: &str, place: usize) -> (usize, usize) {
    let mut place = place.min(text.len());
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    let before = &text[..place];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

/// A library's message on one line.
pub(crate) fn one_line(message: &str) -> String {
    message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}
