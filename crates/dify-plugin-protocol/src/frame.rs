//! The framing of stdin, stdout and TCP: one JSON text per frame, each terminated by a newline.

use std::fmt;

use crate::redact::Redacted;

/// How much of a frame over the limit is returned, in bytes. Enough to find its ids.
pub const OVERLONG_PREFIX_BYTES: usize = 64 * 1024;

/// A larger buffer is freed once its frame was read, in bytes.
const KEPT_BUFFER_BYTES: usize = 256 * 1024;

/// Splits a stream of bytes into frames of limited length. Does no I/O; the frames do not depend on how the bytes are cut.
///
/// A frame ends with `\n`, and one `\r` before it is removed. Blank frames are skipped. A frame over the limit is reported
/// once, as soon as it exceeds the limit; the decoder skips the rest of it and continues with the next frame.
///
/// ```
/// use dify_plugin_protocol::frame::{Frame, FrameDecoder};
///
/// let mut decoder = FrameDecoder::new(1024);
/// let mut frames = decoder.feed(b"{\"a\":1}\r\n\n{\"b\"");
/// assert_eq!(frames.next(), Some(Frame::Whole(b"{\"a\":1}")));
/// assert_eq!(frames.next(), None);
/// let mut frames = decoder.feed(b":2}\n");
/// assert_eq!(frames.next(), Some(Frame::Whole(b"{\"b\":2}")));
/// ```
pub struct FrameDecoder {
    limit: usize,
    /// The start of a frame whose end has not arrived.
    partial: Vec<u8>,
    /// Whether `partial` holds a frame that was returned, and must be cleared before the next one.
    returned: bool,
    /// Whether the rest of a frame over the limit is being skipped.
    skipping: bool,
}

/// A frame, or the start of one over the limit.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// A frame without its newline. Never blank.
    Whole(&'a [u8]),
    /// The first [`OVERLONG_PREFIX_BYTES`] or less of a frame over the limit.
    TooLong(&'a [u8]),
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(frame) => f.debug_tuple("Whole").field(&Redacted(*frame)).finish(),
            Self::TooLong(prefix) => f.debug_tuple("TooLong").field(&Redacted(*prefix)).finish(),
        }
    }
}

impl FrameDecoder {
    /// Creates a decoder for frames of at most `limit` bytes, not counting the newline.
    pub fn new(limit: usize) -> Self {
        Self { limit, partial: Vec::new(), returned: false, skipping: false }
    }

    /// Reads `chunk` and returns the frames that it completes. Read all of them before the next chunk.
    pub fn feed<'d, 'c>(&'d mut self, chunk: &'c [u8]) -> Frames<'d, 'c> {
        Frames { decoder: self, rest: chunk }
    }

    /// Returns the rest at the end of input: a frame without its newline. The daemon accepts one from a plugin if it is
    /// valid JSON (`internal/core/local_runtime/instance.go`). For a frame over the limit, which was reported before,
    /// this is [`Frame::TooLong`] without bytes.
    ///
    /// The decoder keeps the rest: another chunk continues the frame.
    pub fn finish(&mut self) -> Option<Frame<'_>> {
        self.release();
        if self.skipping {
            return Some(Frame::TooLong(&[]));
        }
        let rest = strip_cr(&self.partial);
        (!is_blank(rest)).then_some(Frame::Whole(rest))
    }

    /// Returns the limit on the length of a frame, in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Returns the number of bytes held for an unfinished frame.
    pub fn buffered(&self) -> usize {
        if self.returned { 0 } else { self.partial.len() }
    }

    /// Clears the buffer if its frame was returned, and frees a large one.
    fn release(&mut self) {
        if self.returned {
            self.returned = false;
            self.partial.clear();
            if self.partial.capacity() > KEPT_BUFFER_BYTES {
                self.partial = Vec::new();
            }
        }
    }

    /// Keeps the start of a frame over the limit.
    fn keep_prefix(&mut self, part: &[u8]) {
        let missing = OVERLONG_PREFIX_BYTES.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&part[..missing.min(part.len())]);
    }

    /// Keeps `part` for later. The buffer never grows beyond the limit.
    fn keep(&mut self, part: &[u8]) {
        let wanted = self.partial.len() + part.len();
        if wanted > self.partial.capacity() {
            let grown = wanted.max(self.partial.capacity().saturating_mul(2)).min(self.limit.max(wanted));
            self.partial.reserve_exact(grown - self.partial.len());
        }
        self.partial.extend_from_slice(part);
    }
}

impl fmt::Debug for FrameDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameDecoder")
            .field("limit", &self.limit)
            .field("partial", &Redacted(&self.partial[..]))
            .field("returned", &self.returned)
            .field("skipping", &self.skipping)
            .finish()
    }
}

/// The frames that a chunk completes, in order. Not an `Iterator`, because a frame borrows the decoder until the next one.
pub struct Frames<'d, 'c> {
    decoder: &'d mut FrameDecoder,
    rest: &'c [u8],
}

impl fmt::Debug for Frames<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").field("decoder", &self.decoder).field("rest", &Redacted(self.rest)).finish()
    }
}

impl Frames<'_, '_> {
    /// Returns the next frame, or `None` at the end of the chunk.
    #[expect(clippy::should_implement_trait, reason = "a lending iterator; the trait cannot express it")]
    pub fn next(&mut self) -> Option<Frame<'_>> {
        self.decoder.release();
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let end = memchr::memchr(b'\n', self.rest);
            let part = &self.rest[..end.unwrap_or(self.rest.len())];
            self.rest = match end {
                Some(end) => &self.rest[end + 1..],
                None => &[],
            };

            if self.decoder.skipping {
                self.decoder.skipping = end.is_none();
                continue;
            }
            // A `\r` before the newline does not count, and the newline may be in the next chunk.
            let last = part.last().or(self.decoder.partial.last());
            let counted = self.decoder.partial.len() + part.len() - usize::from(last == Some(&b'\r'));
            if counted > self.decoder.limit {
                self.decoder.skipping = end.is_none();
                self.decoder.keep_prefix(part);
                self.decoder.returned = true;
                let prefix = self.decoder.partial.len().min(OVERLONG_PREFIX_BYTES);
                return Some(Frame::TooLong(&self.decoder.partial[..prefix]));
            }
            if end.is_none() {
                self.decoder.keep(part);
                return None;
            }
            if self.decoder.partial.is_empty() {
                let frame = strip_cr(part);
                if is_blank(frame) {
                    continue;
                }
                return Some(Frame::Whole(frame));
            }
            self.decoder.keep(part);
            if is_blank(&self.decoder.partial) {
                self.decoder.partial.clear();
                continue;
            }
            self.decoder.returned = true;
            return Some(Frame::Whole(strip_cr(&self.decoder.partial)));
        }
    }
}

fn strip_cr(frame: &[u8]) -> &[u8] {
    frame.strip_suffix(b"\r").unwrap_or(frame)
}

fn is_blank(frame: &[u8]) -> bool {
    frame.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_buffer_is_freed_and_a_skipped_frame_is_not_kept() {
        let mut decoder = FrameDecoder::new(8 << 20);
        for _ in 0..40 {
            assert_eq!(decoder.feed(&[b'x'; 100_000]).next(), None);
        }
        assert!(matches!(decoder.feed(b"\n").next(), Some(Frame::Whole(frame)) if frame.len() == 4_000_000));
        assert_eq!(decoder.feed(b"").next(), None);
        assert!(decoder.partial.capacity() <= KEPT_BUFFER_BYTES);
        let mut decoder = FrameDecoder::new(1000);
        for _ in 0..10_000 {
            while decoder.feed(&[b'x'; 100]).next().is_some() {}
        }
        assert!(decoder.partial.capacity() <= OVERLONG_PREFIX_BYTES);
    }
}
