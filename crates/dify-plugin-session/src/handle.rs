//! A handle to a connection.

use std::fmt;
use std::sync::Arc;

use dify_plugin_protocol::LogData;

use crate::clock::{later, now};
use crate::core::{Draining, Stats};
use crate::error::ConnectionError;
use crate::link::Link;

/// A handle to a connection: its figures, its log, and its end. It outlives the connection, and cloning is cheap.
#[derive(Clone)]
pub struct Handle {
    link: Arc<Link>,
}

impl Handle {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    /// Returns what the connection holds now, and what it has dropped so far.
    pub fn stats(&self) -> Stats {
        self.link.quietly(|core| core.stats())
    }

    /// Takes no more requests and lets open sessions finish for
    /// [`Config::shutdown_grace`](crate::Config::shutdown_grace). Those that have not finished by then are failed, and one
    /// second later the connection is over, whether or not the daemon has read everything. A second call can only shorten
    /// that time.
    pub fn shutdown(&self) {
        let grace = later(now(), self.link.config.shutdown_grace);
        self.link.with(|core, after| core.drain(Draining::Shutdown, Some(grace), after));
    }

    /// Ends the connection at once. Open sessions and calls fail, nothing more is written, and what
    /// [`Connection::stdio`](crate::Connection::stdio) changed about stdin and stdout is restored.
    ///
    /// For the moment before [`std::process::exit`], which drops nothing.
    pub fn close(&self) {
        self.link.close(Ok(()));
        self.link.restore();
    }

    /// Waits until the connection is over, even if nobody polls it, and returns the result that
    /// [`Connection::accept`](crate::Connection::accept) returns then. A connection that was dropped or closed has ended
    /// orderly.
    ///
    /// Needs no particular runtime: a watchdog can wait on a thread of its own while handlers hold every worker. Cancel
    /// safe.
    ///
    /// # Errors
    ///
    /// If the connection broke.
    pub async fn closed(&self) -> Result<(), ConnectionError> {
        self.link.closed().await
    }

    /// Sends a log record, which the daemon writes to its own log. Never waits: returns `false` if the record was dropped
    /// because too much output is waiting.
    pub fn log(&self, log: &LogData) -> bool {
        self.link.log(log)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
