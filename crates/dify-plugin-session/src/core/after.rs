//! What may only be done once the lock is free.

use std::sync::Arc;
use std::task::Waker;

use crate::session::SessionState;

/// Waking, cancelling, tracing and dropping a span run code of others, which may come back to us for the lock. So the core
/// only notes down what is to be done.
#[derive(Default)]
#[must_use = "what is noted here must be done once the lock is free"]
pub(crate) struct After {
    /// The driver, if it sleeps.
    pub(super) driver: Option<Waker>,
    /// Whoever reads the replies of a call.
    pub(super) readers: Vec<Waker>,
    /// Sessions that have ended: whoever works in them is to be told, and their spans are to be closed.
    pub(super) ended: Vec<Arc<SessionState>>,
    /// For the first time a request was dropped without an answer.
    pub(super) first_request_dropped: bool,
    /// The core was closed.
    pub(super) closed: bool,
}

impl After {
    /// Does it all, and is empty then; `true` if the core was closed.
    pub(crate) fn run(&mut self) -> bool {
        if std::mem::take(&mut self.first_request_dropped) {
            tracing::warn!(
                "requests are dropped unanswered: the daemon reads nothing and every queue is full"
            );
        }
        for session in self.ended.drain(..) {
            session.tell_end();
        }
        for reader in self.readers.drain(..) {
            reader.wake();
        }
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
        std::mem::take(&mut self.closed)
    }
}
