//! The line framing as a [`tokio_util::codec`] pair, for whoever frames a pipe with `FramedRead` and `FramedWrite`.

use std::collections::VecDeque;
use std::fmt;
use std::io;

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::frame::{Line, LineDecoder};
use crate::outline::Outlined;

/// Frames whole lines: decodes to [`Frame`]s, encodes bytes that have no newline of their own.
#[derive(Debug)]
pub struct LineCodec {
    decoder: LineDecoder,
    ready: VecDeque<Frame>,
}

/// What came in.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame {
    /// A line without its newline.
    Line(Bytes),
    /// A line over the limit: its beginning. The stream goes on after it.
    TooLong(Bytes),
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => f.debug_tuple("Line").field(&Outlined(&line[..])).finish(),
            Self::TooLong(prefix) => f.debug_tuple("TooLong").field(&Outlined(&prefix[..])).finish(),
        }
    }
}

impl LineCodec {
    /// A codec for lines of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { decoder: LineDecoder::new(limit), ready: VecDeque::new() }
    }
}

impl Decoder for LineCodec {
    type Item = Frame;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<Frame>> {
        if self.ready.is_empty() && !src.is_empty() {
            let chunk = src.split();
            let mut lines = self.decoder.feed(&chunk);
            while let Some(line) = lines.next() {
                self.ready.push_back(match line {
                    Line::Whole(line) => Frame::Line(Bytes::copy_from_slice(line)),
                    Line::TooLong(prefix) => Frame::TooLong(Bytes::copy_from_slice(prefix)),
                });
            }
        }
        Ok(self.ready.pop_front())
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> io::Result<Option<Frame>> {
        if let Some(frame) = self.decode(src)? {
            return Ok(Some(frame));
        }
        // The daemon takes an unterminated last line; so do we.
        let rest = match self.decoder.finish() {
            Some(Line::Whole(rest)) => Some(Frame::Line(Bytes::copy_from_slice(rest))),
            // It was given out when it became too long.
            _ => None,
        };
        self.decoder = LineDecoder::new(self.decoder.limit());
        Ok(rest)
    }
}

impl Encoder<&[u8]> for LineCodec {
    type Error = io::Error;

    /// # Errors
    ///
    /// `InvalidInput` if the line has a newline inside: it would read as two.
    fn encode(&mut self, line: &[u8], dst: &mut BytesMut) -> io::Result<()> {
        if memchr::memchr(b'\n', line).is_some() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a line to be framed has a newline inside",
            ));
        }
        dst.reserve(line.len() + 1);
        dst.extend_from_slice(line);
        dst.extend_from_slice(b"\n");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_whole_and_a_long_one_does_not_stop_the_stream() {
        let mut codec = LineCodec::new(4);
        let mut bytes = BytesMut::from(&b"ab\nabcdefg\ncd"[..]);
        assert_eq!(codec.decode(&mut bytes).unwrap(), Some(Frame::Line(Bytes::from_static(b"ab"))));
        assert!(matches!(codec.decode(&mut bytes).unwrap(), Some(Frame::TooLong(_))));
        assert_eq!(codec.decode(&mut bytes).unwrap(), None);
        assert_eq!(codec.decode_eof(&mut bytes).unwrap(), Some(Frame::Line(Bytes::from_static(b"cd"))));
        assert_eq!(codec.decode_eof(&mut bytes).unwrap(), None);
    }

    #[test]
    fn a_newline_inside_a_line_is_refused() {
        let mut out = BytesMut::new();
        assert!(LineCodec::new(10).encode(b"a\nb", &mut out).is_err());
        assert!(out.is_empty());
    }
}
