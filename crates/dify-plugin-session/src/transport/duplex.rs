//! What the driver needs of a transport.

use std::io;
use std::task::{Context, Poll};

use crate::link::Link;

/// A reader and a writer.
pub(crate) trait Duplex: Send {
    /// Reads what there is; 0 at the end of the input.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes all output there is; ready when none is left.
    fn poll_flush(&mut self, cx: &mut Context<'_>, link: &Link) -> Poll<io::Result<()>>;

    /// Queues a heartbeat, to be written before everything else. For transports that do not beat by themselves.
    fn insert_heartbeat(&mut self);

    /// Returns whether heartbeats go out without the driver's help.
    fn beats_by_itself(&self) -> bool;
}
