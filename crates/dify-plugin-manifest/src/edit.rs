//! Changes in the text of a declaration.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Value as Json};

use crate::error::{Location, ManifestError};
use crate::yaml::Source;

/// The text of a declaration, to be changed in places. Whatever isn't changed stays as it is written: comments, order,
/// quotes, and keys that nobody knows.
///
/// ```
/// use dify_plugin_manifest::Edit;
/// use serde_json::json;
///
/// let mut edit = Edit::new("manifest.yaml", "version: 0.0.1 # raised by CI\nx-team: pond\n")?;
/// edit.set(&["version"], &json!("0.0.2"))?;
/// edit.set(&["resource", "memory"], &json!(1048576))?;
/// assert_eq!(edit.text(), "version: 0.0.2 # raised by CI\nx-team: pond\nresource:\n  memory: 1048576\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Edit {
    file: String,
    text: String,
}

/// Why a value can't be set. The text is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// Something on the way is neither a mapping nor a list.
    #[error("{at}: there is no `{key}` below this, which is no mapping; change it by hand")]
    NoMapping {
        /// What is on the way.
        at: Location,
        /// What was looked for below it.
        key: String,
    },
    /// A list has no such item.
    #[error("{at}: this list has no item {key}; items are counted from 0")]
    NoItem {
        /// The list.
        at: Location,
        /// What was looked for.
        key: String,
    },
    /// The value stands for others too, or another for it.
    #[error("{at}: an anchor or an alias is on the way; change it by hand")]
    Shared {
        /// Where it is.
        at: Location,
    },
    /// The text would be no YAML, or not say what it should.
    #[error("{at}: this can't be changed without changing more; change it by hand")]
    Entangled {
        /// What should have been changed.
        at: Location,
    },
}

impl Edit {
    /// Begins with the text of `file`, whose name is for the errors.
    ///
    /// # Errors
    /// If it isn't YAML.
    pub fn new(file: &str, text: impl Into<String>) -> Result<Self, ManifestError> {
        let text = text.into();
        Source::parse(file, &text)?;
        Ok(Self { file: file.to_owned(), text })
    }

    /// The text as it is now.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Sets the value at the end of `path`: keys of mappings, and numbers, from 0, of items in lists. Keys that aren't there
    /// are added after the others.
    ///
    /// # Errors
    /// If there is no place for it, or none that is plain to see.
    pub fn set(&mut self, path: &[&str], value: &Json) -> Result<(), EditError> {
        let entangled = |at: Location| EditError::Entangled { at };
        let tree = Tree::parse(&self.text).ok_or_else(|| entangled(Location::new(&self.file, 1, 1)))?;
        let Some(root) = tree.nodes.first() else {
            let new = format!(
                "{}{}",
                if self.text.is_empty() || self.text.ends_with('\n') { "" } else { "\n" },
                block(path, value, 0)
            );
            return self.replace(self.text.len(), self.text.len(), &new, path, value);
        };
        let mut node = root;
        let mut rest = path;
        while let [key, below @ ..] = rest {
            let at = self.location(node.start);
            if node.shared {
                return Err(EditError::Shared { at });
            }
            let found = match &node.kind {
                Kind::Sequence(items) => {
                    let item = key.parse::<usize>().ok().and_then(|index| items.get(index));
                    Some(*item.ok_or_else(|| EditError::NoItem { at, key: (*key).to_owned() })?)
                }
                Kind::Mapping(pairs) => pairs
                    .iter()
                    .find(|(name, _)| tree.nodes[*name].scalar() == Some(key))
                    .map(|(_, value)| *value),
                Kind::Scalar(text) if is_null(text) => None,
                Kind::Scalar(_) => return Err(EditError::NoMapping { at, key: (*key).to_owned() }),
                Kind::Alias => return Err(EditError::Shared { at }),
            };
            match found {
                Some(found) => (node, rest) = (&tree.nodes[found], below),
                None => return self.add(&tree, node, path, rest, value),
            }
        }
        if node.shared || matches!(node.kind, Kind::Alias) {
            return Err(EditError::Shared { at: self.location(node.start) });
        }
        // A block ends where the next thing begins: the lines between are not its own.
        let end = node.start + self.text[node.start..tree.end_of(node)].trim_end().len();
        self.replace(node.start, end, &self.spaced(node.start, &flow(value)), path, value)
    }

    /// Adds what is left of a path below a mapping, or where nothing is.
    fn add(
        &mut self,
        tree: &Tree,
        parent: &Node,
        path: &[&str],
        rest: &[&str],
        value: &Json,
    ) -> Result<(), EditError> {
        let below =
            || rest.iter().rev().fold(flow(value), |below, key| format!("{{{}: {below}}}", scalar(key)));
        let Kind::Mapping(pairs) = &parent.kind else {
            let text = self.spaced(parent.start, &below());
            return self.replace(parent.start, parent.end, &text, path, value);
        };
        if parent.flow {
            let inner = below();
            let inner = &inner[1..inner.len() - 1];
            let comma = if pairs.is_empty() { "" } else { ", " };
            let close = parent.end - 1;
            return self.replace(close, close, &format!("{comma}{inner}"), path, value);
        }
        let last = pairs.last().map_or(parent.end, |(_, value)| tree.end(*value));
        let first_key = pairs.first().map_or(parent.start, |(key, _)| tree.nodes[*key].start);
        let line_start = self.text[..first_key].rfind('\n').map_or(0, |at| at + 1);
        let indent = self.text[line_start..first_key].chars().count();
        let end = self.text[..last].trim_end().len();
        let line_end = self.text[end..].find('\n').map_or(self.text.len(), |at| end + at + 1);
        let before = if self.text[..line_end].ends_with('\n') { "" } else { "\n" };
        let new = format!("{before}{}", block(rest, value, indent));
        self.replace(line_end, line_end, &new, path, value)
    }

    /// Puts `new` in place of a piece of the text, if that changes the value at the end of `path` to `value` and no other.
    fn replace(
        &mut self,
        start: usize,
        end: usize,
        new: &str,
        path: &[&str],
        value: &Json,
    ) -> Result<(), EditError> {
        let changed = format!("{}{new}{}", &self.text[..start], &self.text[end..]);
        let meant = self.meaning(&self.text).map(|before| with(before, path, value));
        if meant.is_none() || self.meaning(&changed) != meant {
            return Err(EditError::Entangled { at: self.location(start) });
        }
        self.text = changed;
        Ok(())
    }

    /// What a text says, as JSON; `None` where it is no YAML, or says what JSON can't.
    fn meaning(&self, text: &str) -> Option<Json> {
        let source = Source::parse(&self.file, text).ok()?;
        let root = source.root().ok()?;
        root.map_or(Some(Json::Null), |root| root.all_as_json().ok())
    }

    /// A value that is put at `start`, with a space before it if it would stand right behind a `:` or `-`.
    fn spaced(&self, start: usize, value: &str) -> String {
        let space = if self.text[..start].ends_with([':', '-']) { " " } else { "" };
        format!("{space}{value}")
    }

    fn location(&self, offset: usize) -> Location {
        Location::after(&self.file, &self.text[..offset])
    }
}

/// The nodes of a text, with where each begins and ends, in bytes.
struct Tree {
    nodes: Vec<Node>,
}

struct Node {
    kind: Kind,
    start: usize,
    end: usize,
    /// Whether it has an anchor.
    shared: bool,
    /// Whether it begins with a bracket.
    flow: bool,
    /// Whether it is text after a `|` or `>`.
    block: bool,
}

enum Kind {
    Scalar(String),
    Sequence(Vec<usize>),
    /// Keys and values.
    Mapping(Vec<(usize, usize)>),
    Alias,
}

impl Node {
    fn scalar(&self) -> Option<&str> {
        if let Kind::Scalar(text) = &self.kind { Some(text) } else { None }
    }
}

impl Tree {
    /// Reads the first document; `None` if the text isn't YAML to this parser.
    fn parse(text: &str) -> Option<Self> {
        let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let byte = |index: usize| offsets.get(index).copied().unwrap_or(text.len());
        let mut tree = Self { nodes: Vec::new() };
        let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
        let add = |nodes: &mut Vec<Node>, open: &mut Vec<(usize, Vec<usize>)>, kind, span: &Span, shared| {
            let id = nodes.len();
            let (start, end) = (byte(span.start.index()), byte(span.end.index()));
            let flow = text[start..].starts_with(['{', '[']);
            nodes.push(Node { kind, start, end: end.max(start), shared, flow, block: false });
            if let Some((_, children)) = open.last_mut() {
                children.push(id);
            }
            id
        };
        for event in Parser::new_from_str(text) {
            let (event, span) = event.ok()?;
            match event {
                Event::DocumentEnd | Event::StreamEnd => break,
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
                Event::Alias(_) => {
                    add(&mut tree.nodes, &mut open, Kind::Alias, &span, true);
                }
                Event::Scalar(text, style, anchor, _) => {
                    let id =
                        add(&mut tree.nodes, &mut open, Kind::Scalar(text.into_owned()), &span, anchor > 0);
                    tree.nodes[id].block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                }
                Event::SequenceStart(anchor, _) => {
                    let id = add(&mut tree.nodes, &mut open, Kind::Sequence(Vec::new()), &span, anchor > 0);
                    open.push((id, Vec::new()));
                }
                Event::MappingStart(anchor, _) => {
                    let id = add(&mut tree.nodes, &mut open, Kind::Mapping(Vec::new()), &span, anchor > 0);
                    open.push((id, Vec::new()));
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let (id, children) = open.pop()?;
                    let node = tree.nodes.get_mut(id)?;
                    node.end = byte(span.end.index()).max(node.start);
                    node.kind = match node.kind {
                        Kind::Mapping(_) => {
                            Kind::Mapping(children.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
                        }
                        _ => Kind::Sequence(children),
                    };
                    tree.place_values(id, text);
                }
            }
        }
        Some(tree)
    }

    /// Of a value that isn't written, the parser says that it stands before the colon; of a block of text, that it begins
    /// with its first line.
    fn place_values(&mut self, mapping: usize, text: &str) {
        let Kind::Mapping(pairs) = &self.nodes[mapping].kind else { return };
        for (key, value) in pairs.clone() {
            let (key_end, value) = (self.nodes[key].end, &mut self.nodes[value]);
            let nothing =
                value.start == value.end && matches!(&value.kind, Kind::Scalar(text) if text.is_empty());
            let Some(after) = text[key_end..].trim_start_matches([' ', '\t']).strip_prefix(':') else {
                continue;
            };
            let behind = text.len() - after.len();
            if value.block {
                value.start = behind + after.len() - after.trim_start_matches([' ', '\t']).len();
            } else if nothing {
                (value.start, value.end) = (behind, behind);
            }
        }
    }

    /// Where a node's last scalar ends: a block collection itself ends where the next thing begins.
    fn end(&self, id: usize) -> usize {
        self.end_of(&self.nodes[id])
    }

    fn end_of(&self, node: &Node) -> usize {
        if node.flow {
            return node.end;
        }
        match &node.kind {
            Kind::Mapping(pairs) => {
                pairs.last().map_or(node.end, |(_, value)| self.end(*value).max(node.start))
            }
            Kind::Sequence(items) => items.last().map_or(node.end, |item| self.end(*item).max(node.start)),
            Kind::Scalar(_) | Kind::Alias => node.end,
        }
    }
}

/// A path and its value as lines, indented by so many spaces.
fn block(path: &[&str], value: &Json, indent: usize) -> String {
    let mut text = String::new();
    for (depth, key) in path.iter().enumerate() {
        let spaces = " ".repeat(indent + 2 * depth);
        let value = if depth + 1 == path.len() { format!(" {}", flow(value)) } else { String::new() };
        text.push_str(&format!("{spaces}{}:{value}\n", scalar(key)));
    }
    text
}

/// A value on one line. JSON is YAML.
fn flow(value: &Json) -> String {
    match value {
        Json::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// Text, in quotes unless it is as plain as can be.
fn scalar(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./ ".contains(&byte);
    let is_text = text.bytes().all(plain)
        && text.starts_with(|char: char| char.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && !RESERVED.contains(&text.to_ascii_lowercase().as_str());
    let is_version = text.split('.').count() >= 3
        && text
            .split('.')
            .all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    if is_text || is_version { text.to_owned() } else { Json::from(text).to_string() }
}

/// Words that mean something else than themselves to some reader of YAML.
const RESERVED: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// `json` with `value` at the end of `path`.
fn with(mut json: Json, path: &[&str], value: &Json) -> Json {
    let mut place = &mut json;
    for key in path {
        place = match place {
            Json::Array(items) => match key.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                Some(item) => item,
                // There is no such item, and so no such change.
                None => return Json::Null,
            },
            other => {
                if !other.is_object() {
                    *other = Json::Object(Map::new());
                }
                match other.as_object_mut() {
                    Some(fields) => fields.entry(*key).or_insert(Json::Null),
                    None => return Json::Null,
                }
            }
        };
    }
    *place = value.clone();
    json
}
