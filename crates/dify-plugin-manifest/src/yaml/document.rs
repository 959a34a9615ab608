//! Parses the first document of a file into nodes.

use std::borrow::Cow;
use std::ops::ControlFlow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span};

use super::quoted;
use super::scalar::Tag;
use super::strict::{self, Strict, syntax};
use crate::error::ManifestError;
use crate::finding::Location;

/// The deepest nesting that is read, in levels. yaml.v3 stops at 10,000; declarations stay below ten.
pub const MAX_DEPTH: usize = 128;

/// How much text may be parsed again after repairs, in bytes. Each repair starts over, so without a limit a file with many
/// scalars to repair would take quadratic time.
const RESCAN_BYTES: usize = 64 << 20;

/// Identifies a node of one [`Document`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NodeId(usize);

/// The first document of a file; the rest is ignored. The nodes are in one flat list, so no input can cause deep recursion
/// when they are built or dropped.
#[derive(Debug)]
pub(super) struct Document {
    nodes: Vec<Node>,
    /// The line and column at which text after the document begins.
    second: Option<(usize, usize)>,
    /// The first character that is a line break only for yaml.v3.
    separator: Option<Location>,
}

/// A value as written.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    pub(super) tag: Option<Tag>,
    /// The line, from 1.
    pub(super) line: usize,
    /// The column in characters, from 1.
    pub(super) column: usize,
}

#[derive(Debug)]
pub(super) enum NodeKind {
    /// The text after unquoting and folding. It is `plain` if written neither in quotes nor as a block.
    Scalar {
        text: String,
        plain: bool,
    },
    Sequence(Vec<NodeId>),
    /// Keys and values in turn, including repeated keys.
    Mapping(Vec<NodeId>),
    /// `recursive` if the alias is inside its own target.
    Alias {
        target: NodeId,
        recursive: bool,
    },
}

impl Document {
    /// Parses the first document of `text`; `file` is used in errors.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, ManifestError> {
        check_characters(file, text)?;
        let separator =
            text.find(strict::is_line_separator).map(|place| Location::after(file, &text[..place]));
        let mut text = strict::with_line_feeds(text);
        let mut rescanned = 0;
        loop {
            let error = match Builder::build(file, &text)? {
                Ok(document) => return Ok(Self { separator, ..document }),
                Err(error) => error,
            };
            let at = error.marker();
            rescanned += text.len();
            match quoted::indent(&text, at.index(), at.col()) {
                Some(indented) if rescanned <= RESCAN_BYTES => text = Cow::Owned(indented),
                _ => return Err(syntax(location(file, at), error.info())),
            }
        }
    }

    /// Returns the top node, or `None` for a file without content.
    pub(super) fn root(&self) -> Option<NodeId> {
        (!self.nodes.is_empty()).then_some(NodeId(0))
    }

    pub(super) fn separator(&self) -> Option<&Location> {
        self.separator.as_ref()
    }

    pub(super) fn second(&self) -> Option<(usize, usize)> {
        self.second
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }
}

struct Builder<'f> {
    file: &'f str,
    nodes: Vec<Node>,
    /// The open collections, outermost first.
    open: Vec<NodeId>,
    /// The node of each anchor, by the parser's number minus one.
    anchors: Vec<Option<NodeId>>,
    /// The length in characters of a text that doesn't end with a line break.
    unbroken_end: Option<usize>,
    strict: Strict<'f>,
}

impl<'f> Builder<'f> {
    /// Parses the first document. The inner error is the parser's, for which a repair may be possible.
    fn build(file: &'f str, text: &'f str) -> Result<Result<Document, ScanError>, ManifestError> {
        let unbroken_end = (!text.ends_with(['\n', '\r'])).then(|| text.chars().count());
        let mut builder = Self {
            file,
            nodes: Vec::new(),
            open: Vec::new(),
            anchors: Vec::new(),
            unbroken_end,
            strict: Strict::new(file, text),
        };
        let mut events = Parser::new_from_str(text);
        let mut second = None;
        for event in events.by_ref() {
            match event {
                Ok((event, span)) => {
                    if builder.event(event, &span)?.is_break() {
                        break;
                    }
                }
                // yaml.v3 ignores everything after the top value.
                Err(error) if builder.open.is_empty() && !builder.nodes.is_empty() => {
                    second = Some(*error.marker());
                    break;
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        if let Some(Ok((Event::DocumentStart(_), span))) = events.next() {
            second = Some(span.start);
        }
        let second = second.map(|at| (at.line(), at.col() + 1));
        Ok(Ok(Document { nodes: builder.nodes, second, separator: None }))
    }

    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<ControlFlow<()>, ManifestError> {
        match event {
            Event::DocumentEnd | Event::StreamEnd => return Ok(ControlFlow::Break(())),
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
                self.strict.close();
            }
            Event::Alias(anchor) => {
                self.strict.value(&span.start)?;
                self.alias(anchor, &span.start);
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.strict.value(&span.start)?;
                let mut text = text.into_owned();
                // For libyaml, a block that ends with the file has no final line break.
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                if block
                    && self.unbroken_end.is_some_and(|end| span.end.index() >= end)
                    && text.ends_with('\n')
                {
                    text.pop();
                }
                let plain = matches!(style, ScalarStyle::Plain);
                if plain {
                    let bare = text.is_empty() && anchor == 0 && tag.is_none();
                    self.strict.plain_scalar(span, bare && self.expects_key())?;
                }
                let kind = NodeKind::Scalar { text, plain };
                self.add(kind, Tag::from_parsed(tag.as_deref()), anchor, &span.start);
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(
                    NodeKind::Sequence(Vec::new()),
                    Tag::from_parsed(tag.as_deref()),
                    anchor,
                    &span.start,
                )?;
            }
            Event::MappingStart(anchor, tag) => {
                self.open(
                    NodeKind::Mapping(Vec::new()),
                    Tag::from_parsed(tag.as_deref()),
                    anchor,
                    &span.start,
                )?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn add(&mut self, kind: NodeKind, tag: Option<Tag>, anchor: usize, at: &Marker) -> NodeId {
        let id = NodeId(self.nodes.len());
        self.nodes.push(Node { kind, tag, line: at.line(), column: at.col() + 1 });
        if let Some(parent) = self.open.last()
            && let NodeKind::Sequence(children) | NodeKind::Mapping(children) = &mut self.nodes[parent.0].kind
        {
            children.push(id);
        }
        // The parser numbers anchors from 1; 0 means none. A name that is used again gets a new number.
        if let Some(index) = anchor.checked_sub(1) {
            if self.anchors.len() <= index {
                self.anchors.resize(index + 1, None);
            }
            self.anchors[index] = Some(id);
        }
        id
    }

    fn open(
        &mut self,
        kind: NodeKind,
        tag: Option<Tag>,
        anchor: usize,
        at: &Marker,
    ) -> Result<(), ManifestError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(location(self.file, at)));
        }
        self.strict.value(at)?;
        let id = self.add(kind, tag, anchor, at);
        self.open.push(id);
        self.strict.open(at);
        Ok(())
    }

    /// Returns whether the next value is a key.
    fn expects_key(&self) -> bool {
        let parent = self.open.last().map(|parent| &self.nodes[parent.0].kind);
        matches!(parent, Some(NodeKind::Mapping(children)) if children.len().is_multiple_of(2))
    }

    fn alias(&mut self, anchor: usize, at: &Marker) {
        let target = anchor.checked_sub(1).and_then(|index| self.anchors.get(index).copied().flatten());
        // The parser refuses an alias without an anchor, and anchors are added before their contents.
        let kind = match target {
            Some(target) => NodeKind::Alias { target, recursive: self.open.contains(&target) },
            None => NodeKind::Scalar { text: String::new(), plain: true },
        };
        self.add(kind, None, 0, at);
    }
}

/// Refuses characters that yaml.v3 refuses before parsing (`readerc.go`).
fn check_characters(file: &str, text: &str) -> Result<(), ManifestError> {
    let allowed = |char: char| matches!(char, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
    let Some(place) = text.find(|char| !allowed(char)) else {
        return Ok(());
    };
    Err(syntax(Location::after(file, &text[..place]), "control characters are not allowed"))
}

pub(super) fn too_deep(at: Location) -> ManifestError {
    let message = format!("values are nested more than {MAX_DEPTH} levels deep");
    ManifestError::new(at, "too-deep", message, "flatten them")
}

fn location(file: &str, at: &Marker) -> Location {
    Location::new(file, at.line(), at.col() + 1)
}
