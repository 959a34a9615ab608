//! The replies to a reverse invocation.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use dify_plugin_protocol::InvokeType;
use futures_core::Stream;
use serde_json::value::RawValue;

use crate::core::{CallId, CallQueue};
use crate::error::InvokeError;
use crate::link::Link;

/// The replies to one call, in order, as raw JSON. The stream ends after the daemon's `end`; an error is the last item.
///
/// Dropping it withdraws the call on our side. The protocol has no way to cancel a call, so the daemon goes on sending
/// replies, which are discarded and counted in [`Stats::unknown_ids`](crate::Stats::unknown_ids).
#[must_use = "dropping this withdraws the call"]
pub struct Replies {
    id: CallId,
    queue: Arc<CallQueue>,
    link: Arc<Link>,
    span: tracing::Span,
}

impl Replies {
    pub(crate) fn new(id: CallId, queue: Arc<CallQueue>, link: Arc<Link>, span: tracing::Span) -> Self {
        Self { id, queue, link, span }
    }

    /// Returns the type of the call.
    pub fn kind(&self) -> &InvokeType {
        &self.queue.kind
    }

    /// Returns the call's tracing span, with its id and type.
    pub fn span(&self) -> &tracing::Span {
        &self.span
    }

    /// Returns the next reply, or `None` after the last. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<Box<RawValue>, InvokeError>> {
        poll_fn(|cx| self.queue.poll_next(cx)).await
    }

    /// Returns the next reply, or `None` after the last. Cancel safe.
    ///
    /// # Errors
    ///
    /// If the call failed. Nothing comes after that.
    pub async fn try_next(&mut self) -> Result<Option<Box<RawValue>>, InvokeError> {
        self.next().await.transpose()
    }
}

impl Stream for Replies {
    type Item = Result<Box<RawValue>, InvokeError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.queue.poll_next(cx)
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        self.queue.discard();
        // A finished call is not in the table any more: no need to take the lock of the core.
        if !self.queue.is_finished() {
            self.link.quietly(|core| core.withdraw_call(self.id));
        }
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies")
            .field("kind", &self.queue.kind)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
