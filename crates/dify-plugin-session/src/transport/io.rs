//! Any pair of `AsyncRead` and `AsyncWrite`, as an embedder hands it over.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::link::Link;

use super::duplex::Duplex;
use super::output::Output;

pub(crate) struct Io {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    writer: Pin<Box<dyn AsyncWrite + Send>>,
    output: Output,
    /// Bytes were written since the writer was last flushed.
    dirty: bool,
}

impl Io {
    pub(crate) fn new(
        reader: impl AsyncRead + Send + 'static,
        writer: impl AsyncWrite + Send + 'static,
    ) -> Self {
        Self { reader: Box::pin(reader), writer: Box::pin(writer), output: Output::default(), dirty: false }
    }
}

impl Duplex for Io {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(self.reader.as_mut().poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>, link: &Link) -> Poll<io::Result<()>> {
        loop {
            let bytes = self.output.unwritten(link);
            if bytes.is_empty() {
                break;
            }
            let written = ready!(self.writer.as_mut().poll_write(cx, bytes))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.output.advance(written);
            self.dirty = true;
        }
        if self.dirty {
            ready!(self.writer.as_mut().poll_flush(cx))?;
            self.dirty = false;
        }
        Poll::Ready(Ok(()))
    }

    fn insert_heartbeat(&mut self) {
        self.output.insert_heartbeat();
    }

    fn beats_by_itself(&self) -> bool {
        false
    }
}
