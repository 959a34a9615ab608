//! The events of an app as a stream.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use dify_plugin_invoke::ReplyStream;
use futures_core::Stream;

use crate::error::AppError;
use crate::event::Event;
use crate::kind::AppKind;
use crate::progress::Progress;

/// The events of an app, in order.
///
/// The stream ends when the daemon ends the call, not with the first final event: a Chatflow sends two of those. An
/// error is the last item:
///
/// - an `error` event of the app is not an item, but becomes [`AppError::Reported`];
/// - a failed `workflow_finished` is an item, followed by [`AppError::RunFailed`];
/// - a stream that stops early ends with [`AppError::Incomplete`], and one whose run moved to another server with
///   [`AppError::Unfinished`];
/// - [`AppError::Refused`] and [`AppError::Call`] report that the call itself failed.
///
/// A pause is not an error: the stream ends after `workflow_paused`, and [`decode`](Event::decode) returns what the run
/// waits for.
///
/// Dropping the stream discards further events. The app continues to run, since the protocol cannot cancel a call.
#[must_use = "dropping this discards the events"]
#[derive(Debug)]
pub struct AppStream {
    /// Boxed to keep the futures small that hold the stream across an `await`.
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// `None` after the last item.
    replies: Option<ReplyStream<Event>>,
    /// Boxed, because it is needed only until the first poll.
    first: Option<Box<Event>>,
    progress: Progress,
}

impl AppStream {
    pub(crate) fn new(replies: ReplyStream<Event>, progress: Progress) -> Self {
        Self { inner: Box::new(Inner { replies: Some(replies), first: None, progress }) }
    }

    /// Waits for the first event and keeps it. Returns an error if there is one instead.
    pub(crate) async fn started(mut self) -> Result<Self, AppError> {
        self.inner.first = self.try_next().await?.map(Box::new);
        Ok(self)
    }

    /// Waits for the next event. Returns `None` after the last item.
    ///
    /// Cancel safe: an event is either returned or still there.
    pub async fn next(&mut self) -> Option<Result<Event, AppError>> {
        poll_fn(|cx| self.inner.poll_event(cx)).await
    }

    /// Waits for the next event. Returns `None` after the last event.
    ///
    /// Cancel safe: an event is either returned or still there.
    ///
    /// # Errors
    ///
    /// If the call failed or the stream ended before the answer was complete. No event follows.
    pub async fn try_next(&mut self) -> Result<Option<Event>, AppError> {
        self.next().await.transpose()
    }

    /// Returns the kind of the app, or `None` as long as its events do not tell. It may differ from the interface's kind.
    pub fn kind(&self) -> Option<AppKind> {
        self.inner.progress.kind()
    }

    pub(crate) fn into_progress(self) -> Progress {
        self.inner.progress
    }
}

impl Inner {
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, AppError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(*first)));
        }
        let last = loop {
            let Some(replies) = &mut self.replies else { return Poll::Ready(None) };
            match ready!(Pin::new(replies).poll_next(cx)) {
                Some(Ok(event)) => match self.progress.note(event) {
                    Ok(Some(event)) => return Poll::Ready(Some(Ok(event))),
                    Ok(None) => {}
                    Err(error) => break Some(self.progress.unreadable(&error)),
                },
                Some(Err(error)) => break Some(self.progress.fail(error)),
                None => break self.progress.finish(),
            }
        };
        self.replies = None;
        Poll::Ready(last.map(Err))
    }
}

impl Stream for AppStream {
    type Item = Result<Event, AppError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.poll_event(cx)
    }
}
