//! A session, as a handler sees it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dify_plugin_protocol::{AccessType, Action, InvokeType, MessageType};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use crate::clock::now;
use crate::core::{CallId, CallQueue, SessionState, Share};
use crate::error::{InvokeError, SendError};
use crate::link::Link;
use crate::replies::Replies;

/// A handle to one session: what the daemon said about it, and the ways to send in it.
///
/// Cheap to clone, and clones may be used from several tasks at once. Only the [`Responder`](crate::Responder) can end the
/// session. A clone that outlives the end gets [`SendError::Ended`] and [`InvokeError::Ended`].
#[derive(Clone)]
pub struct Session {
    pub(crate) state: Arc<SessionState>,
    pub(crate) link: Arc<Link>,
}

impl Session {
    /// Returns the daemon's id for this session, a UUID.
    pub fn id(&self) -> &str {
        &self.state.id
    }

    /// Returns which part of the plugin is asked.
    pub fn access_type(&self) -> &AccessType {
        &self.state.access_type
    }

    /// Returns what is asked of it.
    pub fn action(&self) -> &Action {
        &self.state.action
    }

    /// Returns the id of the Dify user who asks; empty for endpoints.
    pub fn user_id(&self) -> &str {
        &self.state.user_id
    }

    /// Returns the conversation in which the caller works, if any.
    pub fn conversation_id(&self) -> Option<&str> {
        self.state.context.conversation_id.as_deref()
    }

    /// Returns the message that the caller answers, if any.
    pub fn message_id(&self) -> Option<&str> {
        self.state.context.message_id.as_deref()
    }

    /// Returns the app the caller runs in, if any.
    pub fn app_id(&self) -> Option<&str> {
        self.state.context.app_id.as_deref()
    }

    /// Returns the endpoint that was called, if the request came through one.
    pub fn endpoint_id(&self) -> Option<&str> {
        self.state.context.endpoint_id.as_deref()
    }

    /// Returns the caller's context, any JSON object. It may contain credentials: do not log it.
    pub fn context(&self) -> Option<&RawValue> {
        self.state.context.free.as_deref()
    }

    /// Returns the longest frame that may be sent, in bytes, with its envelope and newline
    /// ([`Config::max_frame_bytes`](crate::Config::max_frame_bytes)). Larger data must be sent in chunks.
    pub fn max_frame_bytes(&self) -> usize {
        self.link.config.max_frame_bytes
    }

    /// Sends one `stream` message. Waits while too much output is waiting.
    ///
    /// Cancel safe: if the future is dropped before it is done, nothing was sent.
    ///
    /// # Errors
    ///
    /// See [`SendError`]. After [`SendError::TooLarge`] and [`SendError::Encode`] the session goes on as if nothing had
    /// been sent.
    pub fn send<T: Serialize + ?Sized>(&self, message: &T) -> impl Future<Output = Result<(), SendError>> {
        self.link.send(&self.state, None, &MessageType::Stream, message)
    }

    /// Makes a reverse invocation. `request` becomes the call's `request` object; the replies come in the order the daemon
    /// sent them. The call fails after [`Config::invocation_timeout`](crate::Config::invocation_timeout) of silence.
    ///
    /// # Errors
    ///
    /// If the call could not be made. What goes wrong after that comes out of [`Replies`].
    pub async fn invoke<T: Serialize + ?Sized>(
        &self,
        kind: InvokeType,
        request: &T,
    ) -> Result<Replies, InvokeError> {
        self.invoke_within(kind, request, self.link.config.invocation_timeout).await
    }

    /// Makes a reverse invocation that fails after `idle` of silence. See [`Session::invoke`].
    ///
    /// # Errors
    ///
    /// If the call could not be made.
    pub async fn invoke_within<T: Serialize + ?Sized>(
        &self,
        kind: InvokeType,
        request: &T,
        idle: Duration,
    ) -> Result<Replies, InvokeError> {
        #[derive(Serialize)]
        struct Invoke<'a, T: ?Sized> {
            r#type: &'a str,
            backwards_request_id: String,
            request: &'a T,
        }

        let Self { state, link } = self;
        let id = CallId::random();
        let now = now();
        let held = Share::empty(&link.quota);
        let queue = Arc::new(CallQueue::new(kind, idle, state.serial, now, &link.config, held));
        // Registered first, written second, so that no reply can come too early. From here on `replies` withdraws the call
        // when it is dropped: also if writing fails, or if this future is cancelled.
        link.with(|core, after| core.start_call(id, queue.clone(), state, now, after))?;
        let span = tracing::debug_span!(parent: &state.span, "invoke", %id, r#type = queue.kind.as_str());
        let replies = Replies::new(id, queue.clone(), link.clone(), span);
        let invoke = Invoke { r#type: queue.kind.as_str(), backwards_request_id: id.to_string(), request };
        link.send(state, Some((id, &queue)), &MessageType::Invoke, &invoke).await?;
        Ok(replies)
    }

    /// Returns a token that is cancelled when the session ends: finished, past its deadline, or with the connection. The
    /// daemon never says that its own caller has left.
    ///
    /// Each call returns a child token: cancelling it does not end the session.
    pub fn cancellation(&self) -> CancellationToken {
        self.state.cancellation()
    }

    /// Waits until the session has ended. Cancel safe.
    pub async fn ended(&self) {
        self.state.ended().await;
    }

    /// Returns when the session is ended with `DeadlineExceeded`, unless it has ended before.
    pub fn deadline(&self) -> tokio::time::Instant {
        self.state.due.into()
    }

    /// Returns whether the session has ended.
    pub fn is_ended(&self) -> bool {
        self.state.has_ended()
    }

    /// Returns the session's tracing span, with its id, type and action. It is at debug level, so a subscriber that asks
    /// for less does not pay for it.
    pub fn span(&self) -> &tracing::Span {
        &self.state.span
    }
}

impl fmt::Debug for Session {
    /// Leaves the context out: it may contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.state.id)
            .field("access_type", &self.state.access_type)
            .field("action", &self.state.action)
            .field("ended", &self.is_ended())
            .finish_non_exhaustive()
    }
}
