//! Files on the wire, cut into pieces.

use std::fmt;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::limits::BLOB_CHUNK_BYTES;
use crate::redact::Redacted;
use crate::tool::message::{ToolMessage, ToolMessageBody};
use crate::wire_object::wire_object;

wire_object! {
    /// A piece of a file (`internal/core/io_tunnel/agent_service.go`). All pieces of a file have its `id` and its `meta`;
    /// the last one ends it and is empty.
    pub struct BlobChunk {
        /// The file, under an id of its own.
        id: String,
        /// The piece's number, from 0. Of the empty one at the end, the number of pieces.
        sequence: u64,
        /// The length of the whole file, in bytes.
        total_length: u64,
        /// The piece's bytes, in standard base64 with padding: at most [`BLOB_CHUNK_BYTES`] before that.
        blob: String,
        /// Whether the file ends here.
        end: bool,
    }
}

/// Cuts a file into the messages that carry it: pieces of at most [`BLOB_CHUNK_BYTES`], then an empty one that ends it.
/// An empty file is that one alone.
///
/// Borrows the bytes; each piece is encoded as it is written.
///
/// ```
/// # use dify_plugin_protocol::tool::blob::BlobChunks;
/// let meta = serde_json::Map::from_iter([("mime_type".to_owned(), "text/plain".into())]);
/// let lines: Vec<String> = BlobChunks::new("0123abcd", b"quack", Some(&meta))
///     .map(|piece| serde_json::to_string(&piece))
///     .collect::<Result<_, _>>()?;
/// assert_eq!(lines.len(), 2);
/// assert!(lines[0].contains(r#""blob":"cXVhY2s=","end":false"#));
/// assert!(lines[1].contains(r#""blob":"","end":true"#));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct BlobChunks<'a> {
    id: &'a str,
    meta: Option<&'a Map<String, Value>>,
    rest: &'a [u8],
    total_length: usize,
    sequence: u64,
    ended: bool,
}

impl<'a> BlobChunks<'a> {
    /// Cuts `bytes`. `id` must be fresh: the daemon's agent relay keeps the bytes of an id that ended. `meta` should hold
    /// at least `mime_type`.
    pub fn new(id: &'a str, bytes: &'a [u8], meta: Option<&'a Map<String, Value>>) -> Self {
        Self { id, meta, rest: bytes, total_length: bytes.len(), sequence: 0, ended: false }
    }
}

impl<'a> Iterator for BlobChunks<'a> {
    type Item = BlobPiece<'a>;

    fn next(&mut self) -> Option<BlobPiece<'a>> {
        if self.ended {
            return None;
        }
        let (bytes, rest) = self.rest.split_at(self.rest.len().min(BLOB_CHUNK_BYTES));
        self.rest = rest;
        self.ended = bytes.is_empty();
        let piece = BlobPiece {
            id: self.id,
            sequence: self.sequence,
            total_length: self.total_length as u64,
            bytes,
            end: self.ended,
            meta: self.meta,
        };
        self.sequence += 1;
        Some(piece)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = if self.ended { 0 } else { self.rest.len().div_ceil(BLOB_CHUNK_BYTES) + 1 };
        (left, Some(left))
    }
}

impl ExactSizeIterator for BlobChunks<'_> {}

impl fmt::Debug for BlobChunks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobChunks")
            .field("id", &self.id)
            .field("total_length", &self.total_length)
            .field("left", &self.len())
            .finish_non_exhaustive()
    }
}

/// One piece of a file, borrowed; serialises as the whole message, `{"type": "blob_chunk", …}`.
#[derive(Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct BlobPiece<'a> {
    /// The file.
    pub id: &'a str,
    /// The piece's number.
    pub sequence: u64,
    /// The length of the whole file, in bytes.
    pub total_length: u64,
    /// The piece's bytes.
    pub bytes: &'a [u8],
    /// Whether the file ends here.
    pub end: bool,
    /// What is known about the file.
    pub meta: Option<&'a Map<String, Value>>,
}

impl BlobPiece<'_> {
    /// The same message, owned.
    pub fn to_message(&self) -> ToolMessage {
        ToolMessage {
            body: ToolMessageBody::BlobChunk(BlobChunk {
                id: Some(self.id.to_owned()),
                sequence: Some(self.sequence),
                total_length: Some(self.total_length),
                blob: Some(encode(self.bytes)),
                end: Some(self.end),
                extra: Map::new(),
            }),
            meta: self.meta.cloned(),
        }
    }
}

impl fmt::Debug for BlobPiece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobPiece")
            .field("id", &self.id)
            .field("sequence", &self.sequence)
            .field("total_length", &self.total_length)
            .field("bytes", &Redacted(self.bytes))
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl Serialize for BlobPiece<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Chunk<'a>(&'a BlobPiece<'a>);
        impl Serialize for Chunk<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut object = serializer.serialize_struct("BlobChunk", 5)?;
                object.serialize_field("id", self.0.id)?;
                object.serialize_field("sequence", &self.0.sequence)?;
                object.serialize_field("total_length", &self.0.total_length)?;
                object.serialize_field("blob", &Base64(self.0.bytes))?;
                object.serialize_field("end", &self.0.end)?;
                object.end()
            }
        }
        struct Base64<'a>(&'a [u8]);
        impl Serialize for Base64<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
            }
        }

        let mut object = serializer.serialize_struct("ToolMessage", 3)?;
        object.serialize_field("type", "blob_chunk")?;
        object.serialize_field("message", &Chunk(self))?;
        object.serialize_field("meta", &self.meta)?;
        object.end()
    }
}

/// Standard base64 with padding, as messages carry it.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Undoes [`encode`].
///
/// # Errors
///
/// If the text is not standard base64 with padding.
pub fn decode(blob: &str) -> Result<Vec<u8>, BlobError> {
    STANDARD.decode(blob).map_err(|error| BlobError(error.to_string()))
}

/// A blob that is no base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("blob is no standard base64 with padding: {0}")]
pub struct BlobError(String);
