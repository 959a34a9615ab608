//! The nodes of a file's first document.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::MAX_DEPTH;
use super::scalar::Tag;
use crate::error::{Location, ManifestError};

/// Names a node of one [`Document`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(usize);

/// The first document of a file; the rest isn't looked at. The nodes lie in one flat list, so that no input
/// can make building or dropping them recurse.
#[derive(Debug)]
pub(crate) struct Document {
    nodes: Vec<Node>,
}

/// One value as written.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) tag: Option<Tag>,
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// The text after unquoting and folding; `plain` when it was written without quotes and not as a block.
    Scalar {
        text: String,
        plain: bool,
    },
    Sequence(Vec<NodeId>),
    /// Keys and values in turn, repeated keys included.
    Mapping(Vec<NodeId>),
    /// `recursive` when the alias stands inside its own target.
    Alias {
        target: NodeId,
        recursive: bool,
    },
}

impl Document {
    /// Reads the first document of `text`; `file` is for the errors.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, ManifestError> {
        let mut builder = Builder { nodes: Vec::new(), open: Vec::new(), anchors: Vec::new() };
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| ManifestError::Syntax {
                at: location(file, error.marker()),
                problem: error.info().to_owned(),
            })?;
            match event {
                Event::DocumentEnd | Event::StreamEnd => break,
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => continue,
                Event::SequenceEnd | Event::MappingEnd => {
                    builder.open.pop();
                    continue;
                }
                Event::Alias(anchor) => builder.alias(anchor, &span.start),
                Event::Scalar(text, style, anchor, tag) => {
                    let kind =
                        Kind::Scalar { text: text.into_owned(), plain: matches!(style, ScalarStyle::Plain) };
                    builder.add(kind, Tag::from_parsed(tag.as_deref()), anchor, &span.start);
                }
                Event::SequenceStart(anchor, tag) => {
                    let tag = Tag::from_parsed(tag.as_deref());
                    builder.open(Kind::Sequence(Vec::new()), tag, anchor, &span.start);
                }
                Event::MappingStart(anchor, tag) => {
                    let tag = Tag::from_parsed(tag.as_deref());
                    builder.open(Kind::Mapping(Vec::new()), tag, anchor, &span.start);
                }
            }
            if builder.open.len() > MAX_DEPTH {
                return Err(ManifestError::TooDeep { at: location(file, &span.start), limit: MAX_DEPTH });
            }
        }
        Ok(Self { nodes: builder.nodes })
    }

    /// The top node; `None` for a file without content.
    pub(crate) fn root(&self) -> Option<NodeId> {
        (!self.nodes.is_empty()).then_some(NodeId(0))
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }
}

struct Builder {
    nodes: Vec<Node>,
    /// The collections being read, outermost first.
    open: Vec<NodeId>,
    /// What each anchor stands for, by the parser's number less one.
    anchors: Vec<Option<NodeId>>,
}

impl Builder {
    fn add(&mut self, kind: Kind, tag: Option<Tag>, anchor: usize, at: &Marker) -> NodeId {
        let id = NodeId(self.nodes.len());
        self.nodes.push(Node { kind, tag, line: at.line(), column: at.col() + 1 });
        if let Some(parent) = self.open.last()
            && let Kind::Sequence(children) | Kind::Mapping(children) = &mut self.nodes[parent.0].kind
        {
            children.push(id);
        }
        // The parser numbers anchors from 1, 0 being none, and a name used again gets a new number.
        if let Some(index) = anchor.checked_sub(1) {
            if self.anchors.len() <= index {
                self.anchors.resize(index + 1, None);
            }
            self.anchors[index] = Some(id);
        }
        id
    }

    fn open(&mut self, kind: Kind, tag: Option<Tag>, anchor: usize, at: &Marker) {
        let id = self.add(kind, tag, anchor, at);
        self.open.push(id);
    }

    fn alias(&mut self, anchor: usize, at: &Marker) {
        let target = anchor.checked_sub(1).and_then(|index| self.anchors.get(index).copied().flatten());
        // The parser refuses an alias without an anchor, and an anchor is added before what it holds.
        let kind = match target {
            Some(target) => Kind::Alias { target, recursive: self.open.contains(&target) },
            None => Kind::Scalar { text: String::new(), plain: true },
        };
        self.add(kind, None, 0, at);
    }
}

fn location(file: &str, at: &Marker) -> Location {
    Location::new(file, at.line(), at.col() + 1)
}
