//! The process's own stdin and stdout, taken over for the protocol.
//!
//! The real descriptors are moved to private, close-on-exec ones; descriptor 0 then reads nothing and descriptor 1 leads to
//! stderr. So neither a stray `println!`, nor a C library's `printf`, nor a child process can write into the stream.
//!
//! Pipes and sockets are driven by readiness. A file, a terminal or `/dev/null` is read by a thread and written directly, and
//! keeps its flags.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::error::ConnectionError;
use crate::link::Link;

use super::descriptors::{Flags, private_descriptors, reader, writer};
use super::duplex::Duplex;
use super::heartbeat;
use super::shared_output::SharedOutput;

pub(crate) struct Stdio {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    writer: Pin<Box<dyn AsyncWrite + Send>>,
    shared: Arc<SharedOutput>,
    /// Ends the heartbeat thread when dropped. Before the flags are restored: the thread writes, and must not block.
    _heartbeat: heartbeat::Stop,
    /// Restores the descriptors' flags when dropped.
    _restore: Restore,
}

impl Stdio {
    /// Takes over stdin and stdout and starts the heartbeat thread, which sends the first heartbeat at once.
    pub(crate) fn take_over(link: &Arc<Link>) -> Result<Self, ConnectionError> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let failed =
            |step| move |source: io::Error| ConnectionError::Stdio { step, source: Arc::new(source) };
        if TAKEN.swap(true, Ordering::Relaxed) {
            let twice = io::Error::other("another connection has taken them; a process has only one pair");
            return Err(failed("moving the descriptors")(twice));
        }
        let (stdin, stdout) = private_descriptors().map_err(failed("moving the descriptors"))?;
        // In the link, so that a handle can restore them before an exit that drops nothing.
        link.restore_with([
            Flags::of(&stdin).map_err(failed("reading the flags of stdin"))?,
            Flags::of(&stdout).map_err(failed("reading the flags of stdout"))?,
        ]);
        let restore = Restore(link.clone());
        let fd = stdout.try_clone().map_err(failed("duplicating stdout"))?;
        let reader = reader(stdin).map_err(failed("watching stdin"))?;
        let writer = writer(stdout).map_err(failed("watching stdout"))?;
        let shared = Arc::new(SharedOutput::new(fd));
        let heartbeat = heartbeat::start(link, &shared, link.config.heartbeat_interval)
            .map_err(failed("starting the heartbeat"))?;
        Ok(Self { reader, writer, shared, _heartbeat: heartbeat, _restore: restore })
    }
}

impl Duplex for Stdio {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(self.reader.as_mut().poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>, link: &Link) -> Poll<io::Result<()>> {
        let mut output = self.shared.lock();
        loop {
            let bytes = output.unwritten(link);
            if bytes.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let written = ready!(self.writer.as_mut().poll_write(cx, bytes))?;
            output.advance(written);
        }
    }

    fn insert_heartbeat(&mut self) {
        self.shared.lock().insert_heartbeat();
    }

    fn beats_by_itself(&self) -> bool {
        true
    }
}

/// Restores the descriptors' flags when dropped.
struct Restore(Arc<Link>);

impl Drop for Restore {
    fn drop(&mut self) {
        self.0.restore();
    }
}
