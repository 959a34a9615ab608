//! Lines out of bytes: the framing of stdin/stdout and TCP.
//!
//! Every message is one JSON object on one line. The decoder here is a pure function of the bytes it is fed: it does
//! no I/O, and finds the same lines however the bytes were cut.

use std::fmt;

use crate::redact::Redacted;

/// How much of an over-long line is handed on, in bytes: enough to say whose line it was.
pub const OVERLONG_PREFIX_BYTES: usize = 64 * 1024;

/// Buffers above this are given back once their line is done, in bytes.
const KEPT_BUFFER_BYTES: usize = 256 * 1024;

/// Splits a stream of bytes into lines, with a limit on their length.
///
/// Lines end with `\n`; one `\r` before it is stripped; blank lines are passed over. A line longer than the limit is
/// reported once, as soon as it is known to be too long, and the decoder then passes over the rest of it: what follows
/// its newline is read as if nothing had happened.
///
/// ```
/// use dify_plugin_protocol::frame::{Frame, FrameDecoder};
///
/// let mut decoder = FrameDecoder::new(1024);
/// let mut lines = decoder.feed(b"{\"a\":1}\r\n\n{\"b\"");
/// assert_eq!(lines.next(), Some(Frame::Whole(b"{\"a\":1}")));
/// assert_eq!(lines.next(), None);
/// let mut lines = decoder.feed(b":2}\n");
/// assert_eq!(lines.next(), Some(Frame::Whole(b"{\"b\":2}")));
/// ```
pub struct FrameDecoder {
    limit: usize,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    /// `partial` holds a line that was handed out and is to be cleared before the next.
    handed_out: bool,
    /// The rest of an over-long line is being passed over.
    skipping: bool,
}

/// What the decoder found.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// A line, without its newline; never blank.
    Whole(&'a [u8]),
    /// A line longer than the limit: its first [`OVERLONG_PREFIX_BYTES`] or less.
    TooLong(&'a [u8]),
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(line) => f.debug_tuple("Whole").field(&Redacted(*line)).finish(),
            Self::TooLong(prefix) => f.debug_tuple("TooLong").field(&Redacted(*prefix)).finish(),
        }
    }
}

impl FrameDecoder {
    /// A decoder for lines of at most `limit` bytes, the newline not counted.
    pub fn new(limit: usize) -> Self {
        Self { limit, partial: Vec::new(), handed_out: false, skipping: false }
    }

    /// Takes in `chunk` and gives the lines it completes. All of them must be asked for before the next chunk.
    pub fn feed<'d, 'c>(&'d mut self, chunk: &'c [u8]) -> Frames<'d, 'c> {
        Frames { decoder: self, rest: chunk }
    }

    /// What is left at the end of input: the beginning of a line that never got its newline. The daemon takes such a
    /// line from a plugin, if it is whole JSON (`internal/core/local_runtime/instance.go`). Of an over-long line, which
    /// was reported before, nothing is left but the fact: [`Frame::TooLong`] without a byte.
    ///
    /// Takes nothing away: asked again it says the same, and if more input comes after all, the line goes on.
    pub fn finish(&mut self) -> Option<Frame<'_>> {
        self.release();
        if self.skipping {
            return Some(Frame::TooLong(&[]));
        }
        let rest = strip_cr(&self.partial);
        (!is_blank(rest)).then_some(Frame::Whole(rest))
    }

    /// The longest line taken, in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes held for an unfinished line.
    pub fn buffered(&self) -> usize {
        if self.handed_out { 0 } else { self.partial.len() }
    }

    /// Clears the buffer after its line was handed out, and gives a large one back.
    fn release(&mut self) {
        if self.handed_out {
            self.handed_out = false;
            self.partial.clear();
            if self.partial.capacity() > KEPT_BUFFER_BYTES {
                self.partial = Vec::new();
            }
        }
    }

    /// Keeps `piece` for later. Grows to the limit and never past it.
    fn keep(&mut self, piece: &[u8]) {
        let wanted = self.partial.len() + piece.len();
        if wanted > self.partial.capacity() {
            let grown = wanted.max(self.partial.capacity().saturating_mul(2)).min(self.limit.max(wanted));
            self.partial.reserve_exact(grown - self.partial.len());
        }
        self.partial.extend_from_slice(piece);
    }
}

impl fmt::Debug for FrameDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameDecoder")
            .field("limit", &self.limit)
            .field("partial", &Redacted(&self.partial[..]))
            .field("handed_out", &self.handed_out)
            .field("skipping", &self.skipping)
            .finish()
    }
}

/// The lines that one chunk completes, in order. Not an `Iterator`: a line lives until the next is asked for.
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
    /// The next line, or `None` when the chunk is used up.
    #[expect(clippy::should_implement_trait, reason = "a lending iterator; the trait cannot express it")]
    pub fn next(&mut self) -> Option<Frame<'_>> {
        self.decoder.release();
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let end = memchr::memchr(b'\n', self.rest);
            let piece = &self.rest[..end.unwrap_or(self.rest.len())];
            self.rest = match end {
                Some(end) => &self.rest[end + 1..],
                None => &[],
            };

            if self.decoder.skipping {
                self.decoder.skipping = end.is_none();
                continue;
            }
            // A `\r` before the newline does not count, and may come in the next chunk.
            let last = piece.last().or(self.decoder.partial.last());
            let counted = self.decoder.partial.len() + piece.len() - usize::from(last == Some(&b'\r'));
            if counted > self.decoder.limit {
                self.decoder.skipping = end.is_none();
                self.decoder.keep_prefix(piece);
                self.decoder.handed_out = true;
                let prefix = self.decoder.partial.len().min(OVERLONG_PREFIX_BYTES);
                return Some(Frame::TooLong(&self.decoder.partial[..prefix]));
            }
            if end.is_none() {
                self.decoder.keep(piece);
                return None;
            }
            if self.decoder.partial.is_empty() {
                let line = strip_cr(piece);
                if is_blank(line) {
                    continue;
                }
                return Some(Frame::Whole(line));
            }
            self.decoder.keep(piece);
            if is_blank(&self.decoder.partial) {
                self.decoder.partial.clear();
                continue;
            }
            self.decoder.handed_out = true;
            return Some(Frame::Whole(strip_cr(&self.decoder.partial)));
        }
    }
}

impl FrameDecoder {
    /// Keeps enough of an over-long line to say whose it was.
    fn keep_prefix(&mut self, piece: &[u8]) {
        let missing = OVERLONG_PREFIX_BYTES.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&piece[..missing.min(piece.len())]);
    }
}

fn strip_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines found when the input comes cut at `cuts`, each as text, an over-long one as `!` and its prefix.
    fn lines(limit: usize, input: &[u8], piece: usize) -> Vec<String> {
        let mut decoder = FrameDecoder::new(limit);
        let mut found = Vec::new();
        for chunk in input.chunks(piece.max(1)) {
            let mut lines = decoder.feed(chunk);
            while let Some(line) = lines.next() {
                found.push(match line {
                    Frame::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                    Frame::TooLong(_) => "!".to_owned(),
                });
            }
        }
        match decoder.finish() {
            Some(Frame::Whole(rest)) => found.push(format!("…{}", String::from_utf8_lossy(rest))),
            Some(Frame::TooLong(_)) => found.push("…!".to_owned()),
            None => {}
        }
        found
    }

    #[test]
    fn any_cut_gives_the_same_lines() {
        let input = b"one\n\n \r\ntwo\r\n12345678\n123456789\nfour\n12345678\r\n123456789012345678901234567890\nfive\nrest";
        let whole = lines(8, input, input.len());
        assert_eq!(whole, ["one", "two", "12345678", "!", "four", "12345678", "!", "five", "…rest"]);
        for piece in 1..input.len() {
            assert_eq!(lines(8, input, piece), whole, "cut every {piece} bytes");
        }
    }

    #[test]
    fn a_line_without_end_is_reported_once_and_not_kept() {
        let mut decoder = FrameDecoder::new(1000);
        let mut reported = 0;
        for _ in 0..10_000 {
            let mut lines = decoder.feed(&[b'x'; 100]);
            while let Some(line) = lines.next() {
                assert!(matches!(line, Frame::TooLong(_)));
                reported += 1;
            }
        }
        assert_eq!(reported, 1);
        assert!(decoder.partial.capacity() <= OVERLONG_PREFIX_BYTES);
        let mut lines = decoder.feed(b"\nnext\n");
        assert_eq!(lines.next(), Some(Frame::Whole(b"next")));
        assert_eq!(decoder.finish(), None);
    }

    #[test]
    fn a_large_buffer_is_given_back() {
        let mut decoder = FrameDecoder::new(8 << 20);
        for _ in 0..40 {
            assert_eq!(decoder.feed(&[b'x'; 100_000]).next(), None);
        }
        assert!(matches!(decoder.feed(b"\n").next(), Some(Frame::Whole(line)) if line.len() == 4_000_000));
        assert_eq!(decoder.feed(b"").next(), None);
        assert!(decoder.partial.capacity() <= KEPT_BUFFER_BYTES);
    }
}
