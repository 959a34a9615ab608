//! Output that the driver and the heartbeat thread both write.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::link::Link;

use super::output::Output;

/// The descriptor of the output, and what is to be written to it.
///
/// Whichever of the two runs can finish a frame that the other has begun. Neither holds the lock while it waits for the
/// pipe.
pub(super) struct SharedOutput {
    pub(super) fd: OwnedFd,
    output: Mutex<Output>,
}

/// How far a write came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Everything,
    /// The pipe is full; the rest must wait.
    Part,
}

impl SharedOutput {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self { fd, output: Mutex::new(Output::default()) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what the descriptor takes, without the driver.
    pub(super) fn write(&self, output: &mut Output, link: &Link) -> io::Result<Written> {
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
