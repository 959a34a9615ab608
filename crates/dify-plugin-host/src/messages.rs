//! What comes back in one session.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_core::Stream;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::time::Sleep;

use crate::error::SessionFailure;
use crate::session::{Answer, Session};
use crate::shared::Shared;

/// The answers of one session, in order, as raw JSON; ends after the plugin's `end`, or after one failure.
///
/// What nobody reads is kept up to a limit in bytes, past which this session alone fails; see
/// [`HostConfig::message_queue_bytes`](crate::HostConfig::message_queue_bytes). The session's time limit is watched while
/// the stream is polled.
#[must_use = "dropping this forgets the session; its plugin is not told"]
pub struct Messages {
    shared: Arc<Shared>,
    session: Arc<Session>,
    receiver: mpsc::UnboundedReceiver<Answer>,
    queued: Arc<AtomicUsize>,
    deadline: Pin<Box<Sleep>>,
    finished: bool,
}

impl Messages {
    pub(crate) fn new(
        shared: Arc<Shared>,
        session: Arc<Session>,
        receiver: mpsc::UnboundedReceiver<Answer>,
        queued: Arc<AtomicUsize>,
    ) -> Self {
        let deadline = Box::pin(tokio::time::sleep(shared.config.session_timeout));
        Self { shared, session, receiver, queued, deadline, finished: false }
    }

    /// The session's id.
    pub fn session_id(&self) -> &str {
        &self.session.info.session_id
    }

    /// The next answer, or `None` after the end. Cancel safe.
    ///
    /// # Errors
    ///
    /// The one failure that ended the session.
    pub async fn next(&mut self) -> Option<Result<Box<RawValue>, SessionFailure>> {
        std::future::poll_fn(|cx| self.poll_answer(cx)).await
    }

    /// Ends the session because of what its reader found in an answer.
    pub(crate) fn fail(&mut self, failure: SessionFailure) -> SessionFailure {
        self.finished = true;
        self.shared.finish(&self.session, Some(failure.clone()));
        failure
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Box<RawValue>, SessionFailure>>> {
        if self.finished {
            return Poll::Ready(None);
        }
        match self.receiver.poll_recv(cx) {
            Poll::Ready(Some(Answer::Item(item))) => {
                self.release(item.get().len());
                Poll::Ready(Some(Ok(item)))
            }
            Poll::Ready(Some(Answer::Failed(failure))) => {
                self.finished = true;
                Poll::Ready(Some(Err(failure)))
            }
            Poll::Ready(Some(Answer::End) | None) => {
                self.finished = true;
                Poll::Ready(None)
            }
            Poll::Pending => {
                if self.deadline.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                self.finished = true;
                let failure = SessionFailure::TimedOut { limit: self.shared.config.session_timeout };
                self.shared.forget(&self.session, Some(failure.clone()));
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
        self.poll_answer(cx)
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.shared.forget(&self.session, None);
        self.receiver.close();
        while let Ok(answer) = self.receiver.try_recv() {
            if let Answer::Item(item) = answer {
                self.release(item.get().len());
            }
        }
    }
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messages").field("session_id", &self.session_id()).finish_non_exhaustive()
    }
}
