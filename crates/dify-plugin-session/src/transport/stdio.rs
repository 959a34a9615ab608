//! The process's own stdin and stdout, taken over for the protocol.
//!
//! The real descriptors are moved to private, close-on-exec ones; descriptor 0 then reads nothing and descriptor 1 leads to
//! stderr, so that neither a stray `println!`, nor a C library's `printf`, nor a child process can touch the stream.
//!
//! Pipes and sockets are driven by readiness. A file, a terminal or `/dev/null` can't be: they are read by a thread and
//! written directly, and their flags stay as they were.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use rustix::fs::{FileType, OFlags};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use crate::error::ConnectionError;
use crate::heartbeat;
use crate::link::Link;
use crate::output::Output;

use super::Transport;

pub(crate) struct Stdio {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    writer: Pin<Box<dyn AsyncWrite + Send>>,
    shared: Arc<SharedOutput>,
    /// Ends the heartbeat thread when dropped: before the flags are put back, for it writes.
    _heartbeat: heartbeat::Stop,
    /// Puts the descriptors' flags back when dropped.
    _flags: TakenFlags,
}

impl Stdio {
    /// Takes over stdin and stdout, and starts the heartbeat, of which the first goes out at once.
    pub(crate) fn take_over(link: &Arc<Link>) -> Result<Self, ConnectionError> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let failed =
            |step| move |source: io::Error| ConnectionError::Stdio { step, source: Arc::new(source) };
        if TAKEN.swap(true, Ordering::Relaxed) {
            let twice =
                io::Error::other("another connection has them already; a process has only one such pair");
            return Err(failed("moving the descriptors")(twice));
        }
        let (stdin, stdout) = private_descriptors().map_err(failed("moving the descriptors"))?;
        let flags = TakenFlags::remember([
            Flags::of(&stdin).map_err(failed("reading the flags of stdin"))?,
            Flags::of(&stdout).map_err(failed("reading the flags of stdout"))?,
        ]);
        let fd = stdout.try_clone().map_err(failed("duplicating stdout"))?;
        let reader = reader(stdin).map_err(failed("watching stdin"))?;
        let writer = writer(stdout).map_err(failed("watching stdout"))?;
        let shared = Arc::new(SharedOutput { fd, output: Mutex::new(Output::default()) });
        let heartbeat = heartbeat::start(link, &shared, link.config.heartbeat_interval)
            .map_err(failed("starting the heartbeat"))?;
        Ok(Self { reader, writer, shared, _heartbeat: heartbeat, _flags: flags })
    }
}

impl Transport for Stdio {
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

/// The output and what is on its way to it: shared by the driver and the heartbeat thread, so that whoever runs can
/// finish what the other began. Nobody holds the lock while it waits for a pipe or a socket.
pub(crate) struct SharedOutput {
    pub(crate) fd: OwnedFd,
    output: Mutex<Output>,
}

/// How far a write came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Everything,
    /// The reader is slow; the rest must wait.
    Part,
}

impl SharedOutput {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what the descriptor takes, without the driver.
    pub(crate) fn write(&self, output: &mut Output, link: &Link) -> io::Result<Written> {
        loop {
            let bytes = output.unwritten(link);
            if bytes.is_empty() {
                return Ok(Written::Everything);
            }
            match rustix::io::write(&self.fd, bytes) {
                Ok(written) => output.advance(written),
                Err(rustix::io::Errno::AGAIN) => return Ok(Written::Part),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Whether a descriptor tells when it is ready. A file can't, and the flags of a terminal are shared with whoever else
/// uses it.
enum Kind {
    Pipe,
    Socket,
    Other,
}

fn kind(fd: &OwnedFd) -> io::Result<Kind> {
    Ok(match FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode) {
        FileType::Fifo => Kind::Pipe,
        FileType::Socket => Kind::Socket,
        _ => Kind::Other,
    })
}

fn reader(fd: OwnedFd) -> io::Result<Pin<Box<dyn AsyncRead + Send>>> {
    Ok(match kind(&fd)? {
        Kind::Pipe => Box::pin(pipe::Receiver::from_owned_fd(fd)?),
        Kind::Socket => Box::pin(socket(fd)?),
        Kind::Other => Box::pin(ReadingThread::start(fd)?),
    })
}

fn writer(fd: OwnedFd) -> io::Result<Pin<Box<dyn AsyncWrite + Send>>> {
    Ok(match kind(&fd)? {
        Kind::Pipe => Box::pin(pipe::Sender::from_owned_fd(fd)?),
        Kind::Socket => Box::pin(socket(fd)?),
        Kind::Other => Box::pin(Blocking(File::from(fd))),
    })
}

/// Some launchers give a child sockets instead of pipes.
fn socket(fd: OwnedFd) -> io::Result<tokio::net::UnixStream> {
    let stream = UnixStream::from(fd);
    stream.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(stream)
}

/// A descriptor's flags, put back when dropped: its other holders know nothing of what we need.
struct Flags {
    fd: OwnedFd,
    before: OFlags,
}

impl Flags {
    fn of(fd: &OwnedFd) -> io::Result<Self> {
        Ok(Self { before: rustix::fs::fcntl_getfl(fd)?, fd: fd.try_clone()? })
    }
}

impl Drop for Flags {
    fn drop(&mut self) {
        // The peer may be gone; then nobody minds the flags.
        let _ = rustix::fs::fcntl_setfl(&self.fd, self.before);
    }
}

/// The flags of the one pair that was taken over: of the whole process, so that they can be put back on any way out of it.
static TAKEN_FLAGS: Mutex<Option<[Flags; 2]>> = Mutex::new(None);

struct TakenFlags;

impl TakenFlags {
    fn remember(flags: [Flags; 2]) -> Self {
        *TAKEN_FLAGS.lock().unwrap_or_else(PoisonError::into_inner) = Some(flags);
        Self
    }
}

impl Drop for TakenFlags {
    fn drop(&mut self) {
        restore_stdio();
    }
}

/// Puts back the flags that stdin and stdout had before [`Connection::stdio`](crate::Connection::stdio) took them over:
/// whoever shares a pipe would find that it no longer blocks. Dropping the connection does it too; this is for the moment
/// before [`std::process::exit`], which drops nothing.
pub fn restore_stdio() {
    TAKEN_FLAGS.lock().unwrap_or_else(PoisonError::into_inner).take();
}

/// Reads a descriptor that can't tell when it is ready.
struct ReadingThread {
    chunks: mpsc::Receiver<io::Result<Vec<u8>>>,
    current: Vec<u8>,
    at: usize,
}

impl ReadingThread {
    fn start(fd: OwnedFd) -> io::Result<Self> {
        let mut file = File::from(fd);
        let (sender, chunks) = mpsc::channel(4);
        std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            loop {
                let mut chunk = vec![0; 64 * 1024];
                let read = file.read(&mut chunk).map(|read| {
                    chunk.truncate(read);
                    chunk
                });
                let ended = !matches!(&read, Ok(chunk) if !chunk.is_empty());
                if sender.blocking_send(read).is_err() || ended {
                    break;
                }
            }
        })?;
        Ok(Self { chunks, current: Vec::new(), at: 0 })
    }
}

impl AsyncRead for ReadingThread {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.at == self.current.len() {
            let Some(chunk) = ready!(self.chunks.poll_recv(cx)) else { return Poll::Ready(Ok(())) };
            self.current = chunk?;
            self.at = 0;
        }
        let rest = &self.current[self.at..];
        let read = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..read]);
        self.at += read;
        Poll::Ready(Ok(()))
    }
}

/// Writes to a file or a terminal, which takes what it is given.
struct Blocking(File);

impl AsyncWrite for Blocking {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.write(bytes))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Moves the real stdin and stdout away and puts harmless ones in their place.
fn private_descriptors() -> io::Result<(OwnedFd, OwnedFd)> {
    // Numbers above those that programs take for granted.
    const FIRST: i32 = 3;
    let stdin = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), FIRST)?;
    let stdout = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), FIRST)?;
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(nothing.as_fd())?;
    // Without a stderr, stray output goes nowhere.
    if rustix::stdio::dup2_stdout(rustix::stdio::stderr()).is_err() {
        rustix::stdio::dup2_stdout(nothing.as_fd())?;
    }
    Ok((stdin, stdout))
}
