//! The messages of one session.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_core::Stream;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::time::Sleep;

use crate::error::SessionFailure;
use crate::session::{Queued, Session};
use crate::shared::Shared;

/// The messages of one session, in order, as raw JSON. Ends after the plugin's final frame, or after one failure.
///
/// Unread messages are queued up to [`HostConfig::message_queue_bytes`](crate::HostConfig::message_queue_bytes). The
/// session's time limit is checked while the stream is polled.
#[must_use = "dropping this abandons the session; the plugin is not notified"]
pub struct Messages {
    shared: Arc<Shared>,
    session: Arc<Session>,
    receiver: mpsc::UnboundedReceiver<Queued>,
    queued: Arc<AtomicUsize>,
    deadline: Pin<Box<Sleep>>,
    finished: bool,
}

impl Messages {
    pub(crate) fn new(
        shared: Arc<Shared>,
        session: Arc<Session>,
        receiver: mpsc::UnboundedReceiver<Queued>,
        queued: Arc<AtomicUsize>,
    ) -> Self {
        let deadline = Box::pin(tokio::time::sleep(shared.config.session_timeout));
        Self { shared, session, receiver, queued, deadline, finished: false }
    }

    /// Returns the session's id.
    pub fn session_id(&self) -> &str {
        &self.session.info.session_id
    }

    /// Receives the next message, or `None` after the end.
    ///
    /// # Errors
    ///
    /// Returns the failure that ended the session, once.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: no message is lost.
    pub async fn next(&mut self) -> Option<Result<Box<RawValue>, SessionFailure>> {
        std::future::poll_fn(|cx| self.poll_message(cx)).await
    }

    /// Ends the session because its reader found a fault in a message.
    pub(crate) fn fail(&mut self, failure: SessionFailure) -> SessionFailure {
        self.finished = true;
        self.shared.finish(&self.session, Some(failure.clone()));
        failure
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Box<RawValue>, SessionFailure>>> {
        if self.finished {
            return Poll::Ready(None);
        }
        match self.receiver.poll_recv(cx) {
            Poll::Ready(Some(Queued::Message(message))) => {
                self.release(message.get().len());
                Poll::Ready(Some(Ok(message)))
            }
            Poll::Ready(Some(Queued::Failed(failure))) => {
                self.finished = true;
                Poll::Ready(Some(Err(failure)))
            }
            Poll::Ready(Some(Queued::End) | None) => {
                self.finished = true;
                Poll::Ready(None)
            }
            Poll::Pending => {
                if self.deadline.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                self.finished = true;
                let failure = SessionFailure::TimedOut { limit: self.shared.config.session_timeout };
                self.shared.abandon(&self.session, Some(failure.clone()));
                Poll::Ready(Some(Err(failure)))
            }
        }
    }

    fn release(&self, bytes: usize) {
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
        self.shared.counters.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Stream for Messages {
    type Item = Result<Box<RawValue>, SessionFailure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_message(cx)
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.shared.abandon(&self.session, None);
        self.receiver.close();
        while let Ok(queued) = self.receiver.try_recv() {
            if let Queued::Message(message) = queued {
                self.release(message.get().len());
            }
        }
    }
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messages").field("session_id", &self.session_id()).finish_non_exhaustive()
    }
}
