//! Heartbeats from a thread of their own.
//!
//! The daemon kills a plugin that is silent for 120 s, with all its sessions
//! (`internal/core/local_runtime/instance.go`). So a heartbeat must not depend on a free worker: this thread takes the
//! output's lock and writes by itself, finishing a half-written frame first. Between heartbeats it sleeps in `poll` on the
//! output, so it is also the first to learn that the daemon has closed it.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::clock::later;
use crate::error::ConnectionError;
use crate::link::Link;

use super::shared_output::{SharedOutput, Written};

/// Ends the thread when dropped, and waits for that: afterwards it does not touch the output.
pub(super) struct Stop {
    /// The thread also waits for the other end of this pipe, and so learns that this one is closed.
    pipe: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.pipe = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // An error would mean that it panicked, and then it has ended as well.
            let _ = thread.join();
        }
    }
}

/// Starts the thread. Without an `interval` it only waits for the output to be closed.
pub(super) fn start(
    link: &Arc<Link>,
    output: &Arc<SharedOutput>,
    interval: Option<Duration>,
) -> io::Result<Stop> {
    let (stopped, stop) = io::pipe()?;
    let heart = Heart { link: Arc::downgrade(link), output: output.clone(), stopped };
    let thread =
        std::thread::Builder::new().name("heartbeat".to_owned()).stack_size(128 * 1024).spawn(move || {
            match interval {
                Some(interval) => heart.beat(interval),
                None => heart.watch(),
            }
        })?;
    Ok(Stop { pipe: Some(stop), thread: Some(thread) })
}

struct Heart {
    link: Weak<Link>,
    output: Arc<SharedOutput>,
    stopped: PipeReader,
}

enum Woken {
    Due,
    Writable,
    OutputClosed,
    /// The system cannot wait for the output, so nothing is known about it.
    Failed(io::Error),
    Stopped,
}

impl Heart {
    /// Sleeps until the daemon closes the output.
    fn watch(self) {
        match self.sleep(None, PollFlags::empty()) {
            Woken::OutputClosed => self.close(ConnectionError::OutputClosed),
            Woken::Failed(error) => self.close(ConnectionError::writing(error)),
            Woken::Due | Woken::Writable | Woken::Stopped => {}
        }
    }

    fn beat(self, interval: Duration) {
        let mut due = Instant::now();
        loop {
            match self.sleep(Some(due), PollFlags::empty()) {
                Woken::Due | Woken::Writable => {}
                Woken::OutputClosed => return self.close(ConnectionError::OutputClosed),
                Woken::Failed(error) => return self.close(ConnectionError::writing(error)),
                Woken::Stopped => return,
            }
            self.output.lock().insert_heartbeat();
            loop {
                let Some(link) = self.link.upgrade() else { return };
                // Once the connection is closed its descriptors are given back, and a write might block.
                if link.end().is_some() {
                    return;
                }
                let mut output = self.output.lock();
                match self.output.write(&mut output, &link) {
                    Ok(Written::Everything) => break,
                    Ok(Written::Part) if !output.heartbeat_is_waiting() => break,
                    Ok(Written::Part) => {}
                    Err(error) => return self.close(ConnectionError::writing(error)),
                }
                drop(output);
                drop(link);
                // The pipe is full. Wait as long as it takes: the heartbeat is the first thing to go out when the daemon reads
                // again.
                match self.sleep(Some(later(Instant::now(), interval)), PollFlags::OUT) {
                    Woken::Due | Woken::Writable => {}
                    Woken::OutputClosed => return self.close(ConnectionError::OutputClosed),
                    Woken::Failed(error) => return self.close(ConnectionError::writing(error)),
                    Woken::Stopped => return,
                }
            }
            due = later(due, interval);
            // After a long stop one heartbeat is enough, not one for each that was missed.
            due = due.max(Instant::now());
        }
    }

    fn sleep(&self, until: Option<Instant>, wanted: PollFlags) -> Woken {
        loop {
            let mut fds = [
                PollFd::from_borrowed_fd(self.output.fd.as_fd(), wanted),
                PollFd::from_borrowed_fd(self.stopped.as_fd(), PollFlags::empty()),
            ];
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            match rustix::event::poll(&mut fds, timeout.as_ref()) {
                Ok(0) => return Woken::Due,
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Woken::Failed(error.into()),
            }
            if !fds[1].revents().is_empty() {
                return Woken::Stopped;
            }
            let happened = fds[0].revents();
            if happened.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
                return Woken::OutputClosed;
            }
            if happened.contains(PollFlags::OUT) {
                return Woken::Writable;
            }
        }
    }

    fn close(&self, cause: ConnectionError) {
        if let Some(link) = self.link.upgrade() {
            link.close(Err(cause));
        }
    }
}
