//! Making calls.

use std::time::Duration;

use dify_plugin_protocol::InvokeType;
use dify_plugin_session::{InvokeError, Session};
use serde::Serialize;

use crate::error::CallError;
use crate::reply::FromReply;
use crate::stream::ReplyStream;

/// Makes reverse invocations in one session. Cheap to create and to clone.
#[derive(Debug, Clone)]
pub struct Calls {
    session: Session,
    idle_timeout: Option<Duration>,
}

impl Calls {
    /// Creates a handle that makes calls in `session`.
    pub fn new(session: &Session) -> Self {
        Self { session: session.clone(), idle_timeout: None }
    }

    /// Sets how long a call may go without a reply before it fails. Every reply restarts the clock. Default: the
    /// session's `invocation_timeout`, 250 s unless `MAX_INVOCATION_TIMEOUT` is set.
    #[must_use]
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = Some(limit);
        self
    }

    /// Makes a call that has one reply, and returns the reply once the daemon has ended the call.
    ///
    /// # Errors
    ///
    /// Besides the failures of the call itself, [`CallError::NoReply`] if it ended without a reply, and
    /// [`CallError::Unreadable`] if there was more than one. [`InvokeError::Overrun`] and [`InvokeError::Malformed`] fail the
    /// call also after its first reply, which may then be only a part.
    pub async fn call<T: FromReply>(
        &self,
        invoke_type: InvokeType,
        request: &(impl Serialize + ?Sized),
    ) -> Result<T, CallError> {
        let mut replies = self.stream::<T>(invoke_type, request).await?;
        let reply = replies.try_next().await?.ok_or(CallError::NoReply)?;
        // The reply is complete without the `end`, so whatever happens to that does not fail the call. A second reply
        // does: the first was then only a part.
        match replies.try_next().await {
            Ok(Some(_)) | Err(CallError::Unreadable { .. }) => Err(CallError::Unreadable {
                reason: "a call with one reply received more than one".to_owned(),
            }),
            // Something came that could not be kept or read, so the reply may be only a part.
            Err(error @ CallError::Session(InvokeError::Overrun { .. } | InvokeError::Malformed { .. })) => {
                Err(error)
            }
            Ok(None) | Err(_) => Ok(reply),
        }
    }

    /// Makes a call that has a stream of replies. Returns once the request is written; the failures that follow are items
    /// of the stream.
    ///
    /// # Errors
    ///
    /// [`CallError::Session`] if the request could not be sent.
    pub async fn stream<T: FromReply>(
        &self,
        invoke_type: InvokeType,
        request: &(impl Serialize + ?Sized),
    ) -> Result<ReplyStream<T>, CallError> {
        let replies = match self.idle_timeout {
            Some(limit) => self.session.invoke_within(invoke_type, request, limit).await?,
            None => self.session.invoke(invoke_type, request).await?,
        };
        Ok(ReplyStream::new(replies))
    }
}
