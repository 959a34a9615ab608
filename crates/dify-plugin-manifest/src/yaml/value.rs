//! Access to the values of a parsed file, as in yaml.v3's `decode.go`.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use serde_json::{Number, Value as Json};

use super::document::{Document, MAX_DEPTH, Node, NodeId, NodeKind, too_deep};
use super::path::Path;
use super::scalar::Scalar;
use crate::error::ManifestError;
use crate::finding::Location;

pub(super) type Result<T> = std::result::Result<T, ManifestError>;

/// A code, what is wrong, and how to fix it.
type Problem<'p> = (&'static str, &'p str, &'p str);

const RECURSIVE: Problem<'_> =
    ("recursive-alias", "the anchor's value contains itself", "write the value out instead of the alias");

/// The code of the error for a document that would exhaust memory.
pub(crate) const EXCESSIVE: &str = "too-many-aliases";

/// A parsed file, and the number of values decoded from it.
#[derive(Debug)]
pub(crate) struct Source {
    file: String,
    document: Document,
    decoded: Cell<u64>,
    decoded_from_aliases: Cell<u64>,
}

impl Source {
    /// Parses `text`; `file` is used in errors.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self> {
        let document = Document::parse(file, text)?;
        Ok(Self {
            file: file.to_owned(),
            document,
            decoded: Cell::new(0),
            decoded_from_aliases: Cell::new(0),
        })
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Returns the top value, or `None` for a file without content.
    pub(crate) fn root(&self) -> Result<Option<Value<'_>>> {
        self.document.root().map(|root| Value::new(self, root, Path::default(), false)).transpose()
    }

    /// Returns the position of the first character that is a line break only for yaml.v3.
    pub(crate) fn separator(&self) -> Option<&Location> {
        self.document.separator()
    }

    /// Returns where text after the document begins, which the daemon ignores.
    pub(crate) fn second_document(&self) -> Option<Location> {
        let (line, column) = self.document.second()?;
        Some(Location::new(&self.file, line, column))
    }

    fn error(&self, node: &Node, field: &Path<'_>, (code, message, help): Problem<'_>) -> ManifestError {
        let at = Location::new(&self.file, node.line, node.column);
        ManifestError::new(at, code, message, help).in_field(field.to_string())
    }

    fn location(&self, id: NodeId) -> Location {
        let node = self.document.node(id);
        Location::new(&self.file, node.line, node.column)
    }

    /// Counts a decoded value. The limits are yaml.v3's: of up to 400,000 values, 99 % may come from aliases, and of more a
    /// smaller share.
    fn count(&self, aliased: bool) -> std::result::Result<(), Problem<'static>> {
        let decoded = self.decoded.get() + 1;
        let from_aliases = self.decoded_from_aliases.get() + u64::from(aliased);
        self.decoded.set(decoded);
        self.decoded_from_aliases.set(from_aliases);
        let excessive = from_aliases > 100
            && decoded > 1000
            && from_aliases as f64 / decoded as f64 > allowed_alias_ratio(decoded);
        if excessive {
            return Err((
                EXCESSIVE,
                "nearly all values of this file come from aliases",
                "write the values out",
            ));
        }
        Ok(())
    }
}

fn allowed_alias_ratio(decoded: u64) -> f64 {
    const LOW: u64 = 400_000;
    const HIGH: u64 = 4_000_000;
    match decoded {
        0..=LOW => 0.99,
        HIGH.. => 0.10,
        _ => 0.99 - 0.89 * ((decoded - LOW) as f64 / (HIGH - LOW) as f64),
    }
}

/// A value in a file, and the path to it.
#[derive(Debug)]
pub(crate) struct Value<'d> {
    source: &'d Source,
    /// The node as written, which may be an alias.
    written: &'d Node,
    /// The node it refers to, which is never an alias.
    pub(super) node: &'d Node,
    path: Path<'d>,
    aliased: bool,
}

/// How a value is written, which distinguishes file paths from inline declarations.
pub(crate) enum Raw<'v> {
    Scalar(&'v str),
    Sequence,
    Mapping,
    Alias,
}

impl<'d> Value<'d> {
    fn new(source: &'d Source, id: NodeId, path: Path<'d>, aliased: bool) -> Result<Self> {
        let written = source.document.node(id);
        let (node, aliased) = match written.kind {
            NodeKind::Alias { recursive: true, .. } => {
                return Err(source.error(written, &path, RECURSIVE));
            }
            NodeKind::Alias { target, .. } => (source.document.node(target), true),
            _ => (written, aliased),
        };
        source.count(aliased).map_err(|problem| source.error(written, &path, problem))?;
        Ok(Self { source, written, node, path, aliased })
    }

    /// Returns the path to the value from the top of its file.
    pub(crate) fn path(&self) -> &Path<'d> {
        &self.path
    }

    pub(crate) fn location(&self) -> Location {
        Location::new(&self.source.file, self.written.line, self.written.column)
    }

    pub(crate) fn raw(&self) -> Raw<'d> {
        match &self.written.kind {
            NodeKind::Scalar { text, .. } => Raw::Scalar(text),
            NodeKind::Sequence(_) => Raw::Sequence,
            NodeKind::Mapping(_) => Raw::Mapping,
            NodeKind::Alias { .. } => Raw::Alias,
        }
    }

    /// Returns the content of a collection as written: the items of a list, or the keys and values of a mapping in turn,
    /// including repeated keys and merges. A scalar or an alias has none.
    pub(crate) fn content(&self) -> Result<Vec<Value<'d>>> {
        match &self.written.kind {
            NodeKind::Sequence(_) => self.items(),
            NodeKind::Mapping(children) => {
                children.iter().map(|id| self.child(*id, self.path.clone())).collect()
            }
            NodeKind::Scalar { .. } | NodeKind::Alias { .. } => Ok(Vec::new()),
        }
    }

    /// Returns the value with `key` added to its path in errors.
    pub(crate) fn named(mut self, key: &'d str) -> Self {
        self.path = self.path.key(key);
        self
    }

    pub(crate) fn mapping(&self) -> Result<Mapping<'d>> {
        let mut entries = Vec::new();
        self.collect_entries(&mut entries, &mut HashSet::new(), 0)?;
        Ok(Mapping { source: self.source, path: self.path.clone(), entries })
    }

    /// Returns the items of a list, including null ones.
    pub(crate) fn items(&self) -> Result<Vec<Value<'d>>> {
        let NodeKind::Sequence(children) = &self.node.kind else {
            return Err(self.wrong_type("a list (each item on a line of its own that begins with `- `)"));
        };
        let item = |(index, id): (usize, &NodeId)| self.child(*id, self.path.item(index));
        children.iter().enumerate().map(item).collect()
    }

    fn child(&self, id: NodeId, path: Path<'d>) -> Result<Value<'d>> {
        Value::new(self.source, id, path, self.aliased)
    }

    pub(crate) fn is_null(&self) -> Result<bool> {
        Ok(matches!(self.node.kind, NodeKind::Scalar { .. }) && self.scalar("")? == Scalar::Null)
    }

    pub(super) fn scalar(&self, expected: &'static str) -> Result<Scalar> {
        let NodeKind::Scalar { text, plain } = &self.node.kind else {
            return Err(self.wrong_type(expected));
        };
        Scalar::resolve(self.node.tag, *plain, text).map_err(|tag| {
            let message = format!("this value cannot be read as {}", tag.short());
            self.error("wrong-tag", &message, "remove the tag")
        })
    }

    /// Returns a scalar's source text, whatever its own type.
    pub(super) fn text(&self) -> Result<&'d str> {
        self.scalar("text (quote it if it begins with `{` or `[`)")?;
        match &self.node.kind {
            NodeKind::Scalar { text, .. } => Ok(text),
            _ => Err(self.wrong_type("text")),
        }
    }

    pub(crate) fn wrong_type(&self, expected: &'static str) -> ManifestError {
        let found = match &self.node.kind {
            NodeKind::Scalar { text, plain } => {
                Scalar::resolve(self.node.tag, *plain, text).map_or("text", |scalar| scalar.name())
            }
            NodeKind::Sequence(_) => "a list",
            NodeKind::Mapping(_) => "a mapping",
            NodeKind::Alias { .. } => "an alias",
        };
        let help = format!("write {expected}");
        self.error("wrong-type", &format!("{found} is not allowed here"), &help)
    }

    pub(crate) fn error(&self, code: &'static str, message: &str, help: &str) -> ManifestError {
        self.source.error(self.written, &self.path, (code, message, help))
    }

    /// Adds a mapping's entries, then those entries of merged mappings that have a new key.
    fn collect_entries(
        &self,
        entries: &mut Vec<Entry<'d>>,
        seen: &mut HashSet<String>,
        merges: usize,
    ) -> Result<()> {
        let NodeKind::Mapping(children) = &self.node.kind else {
            return Err(self.wrong_type("a mapping (lines of `key: value`)"));
        };
        self.check_unique_keys(children)?;
        let mut merge = None;
        for pair in children.chunks_exact(2) {
            let (key, value) = (self.child(pair[0], self.path.clone())?, pair[1]);
            if is_merge(key.written) {
                merge = Some(value);
                continue;
            }
            // yaml.v3 skips a null key.
            if key.is_null()? {
                continue;
            }
            let text = key.text()?;
            if seen.insert(text.to_owned()) {
                let plain_text = key.scalar("")? == Scalar::Text;
                entries.push(Entry {
                    key: text,
                    key_node: pair[0],
                    plain_text,
                    value,
                    aliased: self.aliased,
                });
            } else if merges == 0 {
                return Err(self.duplicate(key.written, text, key.node.line));
            }
        }
        if let Some(id) = merge {
            self.merge(id, entries, seen, merges + 1)?;
        }
        Ok(())
    }

    fn merge(
        &self,
        id: NodeId,
        entries: &mut Vec<Entry<'d>>,
        seen: &mut HashSet<String>,
        merges: usize,
    ) -> Result<()> {
        let merged = self.child(id, self.path.key("<<"))?;
        if merges > MAX_DEPTH {
            return Err(too_deep(merged.location()));
        }
        let mappings = match merged.raw() {
            Raw::Sequence => merged.items()?,
            Raw::Scalar(_) | Raw::Mapping | Raw::Alias => vec![merged],
        };
        for mapping in mappings {
            if !matches!(mapping.node.kind, NodeKind::Mapping(_)) {
                let message = "a merge accepts only a mapping or a list of mappings";
                return Err(mapping.error(
                    "wrong-merge",
                    message,
                    "write `<<: *name`, or a list of such names",
                ));
            }
            mapping.collect_entries(entries, seen, merges)?;
        }
        Ok(())
    }

    fn check_unique_keys(&self, children: &[NodeId]) -> Result<()> {
        let mut first_lines: HashMap<KeyText<'_>, usize> = HashMap::new();
        for pair in children.chunks_exact(2) {
            let key = self.source.document.node(pair[0]);
            let text = KeyText::of(&key.kind);
            if let Some(first_line) = first_lines.insert(text, key.line) {
                let text = if let KeyText::Scalar(text) = text { text } else { "" };
                return Err(self.duplicate(key, text, first_line));
            }
        }
        Ok(())
    }

    fn duplicate(&self, key: &Node, text: &str, first_line: usize) -> ManifestError {
        let message = format!("the key {text:?} is already defined at line {first_line}");
        self.source.error(key, &self.path, ("duplicate-key", &message, "remove one of the two"))
    }

    /// Returns the value as JSON; `depth` is the number of collections around it.
    pub(super) fn json(&self, depth: usize, keys: Keys) -> Result<Json> {
        if depth > MAX_DEPTH {
            return Err(too_deep(self.location()));
        }
        match &self.node.kind {
            NodeKind::Scalar { text, .. } => match self.scalar("")? {
                Scalar::Null => Ok(Json::Null),
                Scalar::Bool(value) => Ok(Json::Bool(value)),
                Scalar::Int(value) => Ok(Json::from(value)),
                Scalar::UInt(value) => Ok(Json::from(value)),
                Scalar::Float(value) => Number::from_f64(value)
                    .map(Json::Number)
                    .ok_or_else(|| self.error("not-json", INFINITE, "quote it or write a number")),
                Scalar::Timestamp(time) => Ok(Json::String(time)),
                Scalar::Text => Ok(Json::String(text.clone())),
            },
            NodeKind::Sequence(_) => {
                self.items()?.iter().map(|item| item.json(depth + 1, keys.nested())).collect()
            }
            NodeKind::Mapping(_) => self.json_object(depth, keys.nested()).map(Json::Object),
            NodeKind::Alias { .. } => Err(self.source.error(self.written, &self.path, RECURSIVE)),
        }
    }

    /// Returns a mapping as a JSON object. Go's `map[string]any` accepts any scalar as a key, but only at its own level. Below
    /// it, yaml.v3 makes a map that Go cannot write as JSON if a key is not text.
    pub(super) fn json_object(&self, depth: usize, keys: Keys) -> Result<serde_json::Map<String, Json>> {
        let mapping = self.mapping()?;
        let mut object = serde_json::Map::new();
        for entry in &mapping.entries {
            let value = mapping.value(entry)?;
            if keys == Keys::Text && !entry.plain_text {
                let message = "the declaration is stored as JSON, whose keys are text";
                return Err(value.error("not-json", message, "quote the key"));
            }
            object.insert(entry.key.to_owned(), value.json(depth + 1, keys.nested())?);
        }
        Ok(object)
    }
}

/// The keys that a mapping may have to be written as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// Text, as in mappings inside another one.
    Text,
    /// Any scalar at this level, and text below: Go's `map[string]any`.
    AnyHere,
    /// Any scalar: the daemon converts all of them to text.
    Any,
}

impl Keys {
    fn nested(self) -> Self {
        match self {
            Self::Text | Self::AnyHere => Self::Text,
            Self::Any => Self::Any,
        }
    }
}

/// A mapping with unique keys, after merging. Unknown keys are never asked for.
#[derive(Debug)]
pub(crate) struct Mapping<'d> {
    source: &'d Source,
    path: Path<'d>,
    entries: Vec<Entry<'d>>,
}

#[derive(Debug)]
struct Entry<'d> {
    key: &'d str,
    key_node: NodeId,
    /// False for a key that would be a number, a bool or a time as a value.
    plain_text: bool,
    value: NodeId,
    aliased: bool,
}

impl<'d> Mapping<'d> {
    /// Returns the path to the mapping from the top of its file.
    pub(crate) fn path(&self) -> &Path<'d> {
        &self.path
    }

    /// Returns the keys and where they are written.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&'d str, Location)> {
        self.entries.iter().map(|entry| (entry.key, self.source.location(entry.key_node)))
    }

    /// Returns where the value of a key is written.
    pub(crate) fn location_of(&self, key: &str) -> Option<Location> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(self.source.location(entry.value))
    }

    /// Returns the value of a key, or `None` if the key is absent.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Value<'d>>> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| self.value(entry)).transpose()
    }

    fn value(&self, entry: &Entry<'d>) -> Result<Value<'d>> {
        Value::new(self.source, entry.value, self.path.key(entry.key), entry.aliased)
    }
}

/// The message for an infinite number.
pub(crate) const INFINITE: &str = "the declaration is stored as JSON, which has no infinite numbers";

/// What yaml.v3 compares to find a repeated key: the node's kind, and a scalar's text or an alias's anchor.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum KeyText<'d> {
    Scalar(&'d str),
    Sequence,
    Mapping,
    Alias(NodeId),
}

impl<'d> KeyText<'d> {
    fn of(kind: &'d NodeKind) -> Self {
        match kind {
            NodeKind::Scalar { text, .. } => Self::Scalar(text),
            NodeKind::Sequence(_) => Self::Sequence,
            NodeKind::Mapping(_) => Self::Mapping,
            NodeKind::Alias { target, .. } => Self::Alias(*target),
        }
    }
}

fn is_merge(key: &Node) -> bool {
    matches!(&key.kind, NodeKind::Scalar { text, plain: true } if text == "<<") && key.tag.is_none()
}
