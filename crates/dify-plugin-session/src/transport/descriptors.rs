//! The process's descriptors 0 and 1: moved away, read and written, and given back.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::{FileType, OFlags};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

/// Moves the real stdin and stdout to other descriptors and puts harmless ones in their place.
pub(super) fn private_descriptors() -> io::Result<(OwnedFd, OwnedFd)> {
    // Not 0, 1 or 2, which programs take for granted.
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

/// A descriptor's flags, restored when dropped: other processes that share the pipe expect it to block.
pub(super) struct Flags {
    fd: OwnedFd,
    before: OFlags,
}

impl Flags {
    pub(super) fn of(fd: &OwnedFd) -> io::Result<Self> {
        Ok(Self { before: rustix::fs::fcntl_getfl(fd)?, fd: fd.try_clone()? })
    }
}

impl Drop for Flags {
    fn drop(&mut self) {
        // This fails only if the descriptor is closed, and then nobody minds.
        let _ = rustix::fs::fcntl_setfl(&self.fd, self.before);
    }
}

/// What a descriptor leads to. A pipe or a socket tells when it is ready. A file does not, and a terminal's flags are shared
/// with every other process that uses it.
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

pub(super) fn reader(fd: OwnedFd) -> io::Result<Pin<Box<dyn AsyncRead + Send>>> {
    Ok(match kind(&fd)? {
        Kind::Pipe => Box::pin(pipe::Receiver::from_owned_fd(fd)?),
        Kind::Socket => Box::pin(socket(fd)?),
        Kind::Other => Box::pin(ReadingThread::start(fd)?),
    })
}

pub(super) fn writer(fd: OwnedFd) -> io::Result<Pin<Box<dyn AsyncWrite + Send>>> {
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

/// Reads a descriptor that does not tell when it is ready, on a thread of its own.
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
