//! The replies to a streamed call.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use dify_plugin_session::Replies;
use futures_core::Stream;

use crate::error::CallError;
use crate::reply::FromReply;

/// The replies to one call, in order. Ends when the daemon ends the call; an error is the last item.
///
/// Dropping it discards further replies. Dify continues to work on the call, since the protocol cannot cancel it.
#[must_use = "dropping this discards the replies"]
pub struct ReplyStream<T> {
    /// `None` after the last item.
    replies: Option<Replies>,
    reply: PhantomData<fn() -> T>,
}

impl<T: FromReply> ReplyStream<T> {
    pub(crate) fn new(replies: Replies) -> Self {
        Self { replies: Some(replies), reply: PhantomData }
    }

    /// Waits for the next reply. Returns `None` after the last one.
    ///
    /// Cancel safe: a reply is either returned or still there.
    ///
    /// # Errors
    ///
    /// If the call failed or a reply could not be read; no reply follows.
    pub async fn try_next(&mut self) -> Result<Option<T>, CallError> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }
}

impl<T: FromReply> Stream for ReplyStream<T> {
    type Item = Result<T, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(replies) = &mut self.replies else { return Poll::Ready(None) };
        let item = ready!(Pin::new(replies).poll_next(cx));
        let item = item.map(|reply| T::from_reply(reply?));
        if !matches!(item, Some(Ok(_))) {
            self.replies = None;
        }
        Poll::Ready(item)
    }
}

impl<T> fmt::Debug for ReplyStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyStream").field("replies", &self.replies).finish()
    }
}
