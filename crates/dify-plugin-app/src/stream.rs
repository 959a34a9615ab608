//! An app's answer, event by event.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll, ready};

use dify_plugin_invoke::ReplyStream;
use futures_core::Stream;

use crate::error::AppError;
use crate::event::Event;
use crate::interface::AppKind;
use crate::progress::Progress;

/// The events of an app's answer, as they happen.
///
/// It ends when the daemon says that the call is over, not with the first event that could be the last: a Chatflow sends
/// two of those. An error is always the last item, and comes after every event that came:
///
/// - the app's own `error` event is not handed out but becomes [`AppError::Reported`];
/// - a failed `workflow_finished` is handed out, and [`AppError::RunFailed`] follows;
/// - a stream that just stops ends with [`AppError::Incomplete`], one whose run moved to another server with
///   [`AppError::Unfinished`];
/// - [`AppError::Refused`] and [`AppError::Call`] tell that the call itself broke.
///
/// A pause is none of these: the stream ends well after `workflow_paused`, and
/// [`decode`](Event::decode) gives what the run waits for.
///
/// Dropping it withdraws the call on our side. The app runs on: the protocol knows no cancel.
#[must_use = "dropping this withdraws the call"]
#[derive(Debug)]
pub struct AppStream {
    /// Boxed: whoever holds the stream across an `await` would carry all of it, often more than once.
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    replies: Option<ReplyStream<Event>>,
    /// Boxed: it is there for a moment, and its place for as long as the call.
    first: Option<Box<Event>>,
    progress: Progress,
    /// Whether a mismatch of app and interface is told by someone else.
    folding: bool,
}

impl AppStream {
    pub(crate) fn new(replies: ReplyStream<Event>, progress: Progress) -> Self {
        Self { inner: Box::new(Inner { replies: Some(replies), first: None, progress, folding: false }) }
    }

    pub(crate) fn folding(mut self) -> Self {
        self.inner.folding = true;
        self
    }

    /// Waits for the first event, and keeps it; an error in its place is given at once.
    pub(crate) async fn started(mut self) -> Result<Self, AppError> {
        self.inner.first = self.try_next().await?.map(Box::new);
        Ok(self)
    }

    /// The next event, or `None` after the last. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<Event, AppError>> {
        poll_fn(|cx| self.inner.poll_event(cx)).await
    }

    /// The next event, or `None` after the last. Cancel safe.
    ///
    /// # Errors
    ///
    /// If the answer failed or stopped before it was complete; nothing comes after that.
    pub async fn try_next(&mut self) -> Result<Option<Event>, AppError> {
        self.next().await.transpose()
    }

    /// What the app is, as far as its events have told: it need not be what the interface is meant for. `None` before
    /// the first telling event.
    pub fn kind(&self) -> Option<AppKind> {
        self.inner.progress.kind()
    }

    pub(crate) fn progress(&mut self) -> &mut Progress {
        &mut self.inner.progress
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
                None => break self.end(),
            }
        };
        self.replies = None;
        Poll::Ready(last.map(Err))
    }

    /// The daemon said that the call is over.
    fn end(&mut self) -> Option<AppError> {
        static OTHER_KIND: Once = Once::new();
        let expected = self.progress.called_as();
        if let Some(found) = self.progress.kind().filter(|found| *found != expected && !self.folding) {
            OTHER_KIND.call_once(|| {
                tracing::warn!(
                    "app `{}` is {}, and was called with `{}`: `{}` is meant for it (said once)",
                    self.progress.app_id(),
                    found.console_name(),
                    expected.method(),
                    found.method()
                );
            });
        }
        self.progress.finish()
    }
}

impl Stream for AppStream {
    type Item = Result<Event, AppError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.poll_event(cx)
    }
}
