//! What may only be done once the lock is free.

use std::sync::Arc;
use std::task::Waker;

use super::session::SessionState;

/// What the core leaves to be done once its lock is free.
///
/// Wakers, cancellation tokens, tracing and the drop of a span run foreign code, which may call back into the connection. If
/// it ran under the lock, that call would deadlock; so the core only notes down here what is to be done.
#[derive(Default)]
#[must_use = "what is noted here must be done once the lock is free"]
pub(crate) struct After {
    /// The driver, if it sleeps.
    pub(super) driver: Option<Waker>,
    /// Readers of calls that have got an outcome.
    pub(super) readers: Vec<Waker>,
    /// Sessions that have ended. Their waiters are to be woken, and their spans closed.
    pub(super) ended: Vec<Arc<SessionState>>,
    /// A request was dropped without an answer, for the first time.
    pub(super) first_request_dropped: bool,
    /// The core was closed.
    pub(super) closed: bool,
}

impl After {
    /// Notes down a reader to be woken.
    pub(crate) fn wake(&mut self, reader: Option<Waker>) {
        self.readers.extend(reader);
    }

    /// Does everything that was noted down; `true` if the core was closed.
    pub(crate) fn run(&mut self) -> bool {
        if std::mem::take(&mut self.first_request_dropped) {
            tracing::warn!(
                "requests are dropped unanswered: the daemon reads nothing and every queue is full"
            );
        }
        for session in self.ended.drain(..) {
            session.wake_waiters();
        }
        for reader in self.readers.drain(..) {
            reader.wake();
        }
        // Last: on a multi-threaded runtime the task woken last runs first on this worker, and the driver should find
        // what the others have to write.
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
        std::mem::take(&mut self.closed)
    }
}
