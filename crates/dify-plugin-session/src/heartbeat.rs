//! Heartbeats from a thread of their own.
//!
//! The daemon kills a plugin that is silent for 120 s, with all its sessions
//! (`internal/core/local_runtime/instance.go`). So a heartbeat must not depend on any worker being free: this thread takes
//! the output's lock and writes by itself, finishing a half-written line first. Between heartbeats it sleeps in `poll` on
//! the output, and thereby is the first to learn that nobody reads it any more.

#![cfg(all(unix, feature = "stdio"))]

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::connection::after;
use crate::error::ConnectionError;
use crate::link::Link;
use crate::transport::{SharedOutput, Written};

/// Ends the thread when dropped: it waits for the other end of this pipe, too.
pub(crate) struct Stop {
    _pipe: PipeWriter,
}

pub(crate) fn start(link: &Arc<Link>, output: &Arc<SharedOutput>, interval: Duration) -> io::Result<Stop> {
    let (stopped, stop) = io::pipe()?;
    let heart = Heart { link: Arc::downgrade(link), output: output.clone(), stopped, interval };
    std::thread::Builder::new()
        .name("heartbeat".to_owned())
        .stack_size(128 * 1024)
        .spawn(move || heart.beat())?;
    Ok(Stop { _pipe: stop })
}

struct Heart {
    link: Weak<Link>,
    output: Arc<SharedOutput>,
    stopped: PipeReader,
    interval: Duration,
}

enum Woken {
    Due,
    Writable,
    OutputClosed,
    Stopped,
}

impl Heart {
    fn beat(self) {
        let mut due = Instant::now();
        loop {
            match self.sleep(due, PollFlags::empty()) {
                Woken::Due | Woken::Writable => {}
                Woken::OutputClosed => return self.close(ConnectionError::OutputClosed),
                Woken::Stopped => return,
            }
            self.output.lock().insert_heartbeat();
            loop {
                let Some(link) = self.link.upgrade() else { return };
                let mut output = self.output.lock();
                match self.output.write(&mut output, &link) {
                    Ok(Written::Everything) => break,
                    Ok(Written::Part) if !output.heartbeat_is_waiting() => break,
                    Ok(Written::Part) => {}
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                        return self.close(ConnectionError::OutputClosed);
                    }
                    Err(error) => return self.close(ConnectionError::Write(error)),
                }
                drop(output);
                drop(link);
                // As long as it takes: the heartbeat is the first thing to go out when the daemon reads again.
                match self.sleep(after(Instant::now(), self.interval), PollFlags::OUT) {
                    Woken::Due | Woken::Writable => {}
                    Woken::OutputClosed => return self.close(ConnectionError::OutputClosed),
                    Woken::Stopped => return,
                }
            }
            due = after(due, self.interval);
            // After a long halt one heartbeat is enough, not one for each that was missed.
            due = due.max(Instant::now());
        }
    }

    fn sleep(&self, until: Instant, wanted: PollFlags) -> Woken {
        loop {
            let mut fds = [
                PollFd::from_borrowed_fd(self.output.fd.as_fd(), wanted),
                PollFd::from_borrowed_fd(self.stopped.as_fd(), PollFlags::empty()),
            ];
            let left = until.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).ok();
            match rustix::event::poll(&mut fds, timeout.as_ref()) {
                Ok(0) => return Woken::Due,
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return Woken::Stopped,
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
            link.close(cause);
        }
    }
}
