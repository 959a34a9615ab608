//! Files on the wire, cut into chunks.

use std::fmt;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::limits::BLOB_CHUNK_BYTES;
use crate::redact::Redacted;
use crate::wire_object::wire_object;

wire_object! {
    /// A chunk of a file (`internal/core/io_tunnel/agent_service.go`). All chunks of a file have the same `id` and `meta`;
    /// the last one is empty.
    pub struct BlobChunk {
        /// The id of the file.
        id: String,
        /// The number of the chunk, from 0.
        sequence: u64,
        /// The length of the whole file, in bytes.
        total_length: u64,
        /// At most [`BLOB_CHUNK_BYTES`] bytes, in standard base64 with padding.
        blob: String,
        /// Whether this is the last chunk.
        end: bool,
    }
}

/// Cuts a file into messages: chunks of at most [`BLOB_CHUNK_BYTES`], followed by an empty last chunk.
///
/// The bytes are borrowed, and encoded when a chunk is serialized.
///
/// ```
/// # use dify_plugin_protocol::tool::blob::BlobChunks;
/// let meta = serde_json::Map::from_iter([("mime_type".to_owned(), "text/plain".into())]);
/// let messages: Vec<String> = BlobChunks::new("0123abcd", b"quack", Some(&meta))
///     .map(|chunk| serde_json::to_string(&chunk))
///     .collect::<Result<_, _>>()?;
/// assert_eq!(messages.len(), 2);
/// assert!(messages[0].contains(r#""blob":"cXVhY2s=","end":false"#));
/// assert!(messages[1].contains(r#""blob":"","end":true"#));
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
    /// Cuts `bytes`. `id` must not have been used before: the daemon's agent relay keeps the bytes of old ids. `meta` should
    /// have at least a `mime_type`.
    pub fn new(id: &'a str, bytes: &'a [u8], meta: Option<&'a Map<String, Value>>) -> Self {
        Self { id, meta, rest: bytes, total_length: bytes.len(), sequence: 0, ended: false }
    }
}

impl<'a> Iterator for BlobChunks<'a> {
    type Item = BlobChunkRef<'a>;

    fn next(&mut self) -> Option<BlobChunkRef<'a>> {
        if self.ended {
            return None;
        }
        let (bytes, rest) = self.rest.split_at(self.rest.len().min(BLOB_CHUNK_BYTES));
        self.rest = rest;
        self.ended = bytes.is_empty();
        let chunk = BlobChunkRef {
            id: self.id,
            sequence: self.sequence,
            total_length: self.total_length as u64,
            bytes,
            end: self.ended,
            meta: self.meta,
        };
        self.sequence += 1;
        Some(chunk)
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

/// A borrowed chunk of a file. It serializes as a whole message: `{"type": "blob_chunk", …}`.
#[derive(Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct BlobChunkRef<'a> {
    /// The id of the file.
    pub id: &'a str,
    /// The number of the chunk, from 0.
    pub sequence: u64,
    /// The length of the whole file, in bytes.
    pub total_length: u64,
    /// The bytes of the chunk.
    pub bytes: &'a [u8],
    /// Whether this is the last chunk.
    pub end: bool,
    /// Facts about the file, such as its `mime_type`.
    pub meta: Option<&'a Map<String, Value>>,
}

impl fmt::Debug for BlobChunkRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobChunkRef")
            .field("id", &self.id)
            .field("sequence", &self.sequence)
            .field("total_length", &self.total_length)
            .field("bytes", &Redacted(self.bytes))
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl Serialize for BlobChunkRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Message<'a> {
            r#type: &'static str,
            message: Chunk<'a>,
            meta: Option<&'a Map<String, Value>>,
        }
        #[derive(Serialize)]
        struct Chunk<'a> {
            id: &'a str,
            sequence: u64,
            total_length: u64,
            #[serde(serialize_with = "base64")]
            blob: &'a [u8],
            end: bool,
        }
        fn base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&Base64Display::new(bytes, &STANDARD))
        }

        let Self { id, sequence, total_length, bytes: blob, end, meta } = *self;
        let message = Chunk { id, sequence, total_length, blob, end };
        Message { r#type: "blob_chunk", message, meta }.serialize(serializer)
    }
}

/// Encodes bytes in standard base64 with padding.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes standard base64 with padding.
///
/// # Errors
///
/// If the text is anything else.
pub fn decode(blob: &str) -> Result<Vec<u8>, BlobError> {
    STANDARD.decode(blob).map_err(|error| BlobError(error.to_string()))
}

/// A blob that is not base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("blob is not standard base64 with padding: {0}")]
pub struct BlobError(String);
