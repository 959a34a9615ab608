//! Where the bytes come from and go to.

mod io;
#[cfg(all(unix, feature = "stdio"))]
mod stdio;

use std::task::{Context, Poll};

use crate::link::Link;

pub(crate) use io::Io;
#[cfg(all(unix, feature = "stdio"))]
pub use stdio::restore_stdio;
#[cfg(all(unix, feature = "stdio"))]
pub(crate) use stdio::{SharedOutput, Stdio, Written};

/// A pair of pipes, as the driver uses it.
pub(crate) trait Transport: Send {
    /// Reads what there is; 0 at the end of input.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<std::io::Result<usize>>;

    /// Writes all output there is; ready when none is left.
    fn poll_flush(&mut self, cx: &mut Context<'_>, link: &Link) -> Poll<std::io::Result<()>>;

    /// Queues a heartbeat to be written before everything else. For transports that don't beat by themselves.
    fn insert_heartbeat(&mut self);

    /// Whether heartbeats go out without the driver's help.
    fn beats_by_itself(&self) -> bool;
}
