//! A session, as a handler sees it.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use dify_plugin_protocol::{AccessType, Action, Incoming, InvokeType, MessageType, RequestHeader};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::connection::{later, now};
use crate::core::{CallId, CallQueue, Share};
use crate::error::{InvokeError, SendError};
use crate::link::Link;
use crate::replies::Replies;

/// What is known of one session.
pub(crate) struct SessionState {
    pub(crate) id: Arc<str>,
    /// Ours alone: an id may come again after its session has ended, a serial number never does.
    pub(crate) serial: u64,
    access_type: AccessType,
    action: Action,
    user_id: Box<str>,
    context: Context,
    pub(crate) due: Instant,
    ended: AtomicBool,
    /// Whoever waits for its end.
    waiting: Notify,
    /// What hangs on its end, if somebody asked for it.
    cancellation: OnceLock<CancellationToken>,
    span: tracing::Span,
    /// What all this takes of the memory that may be held.
    _kept: Share,
    pub(crate) link: Arc<Link>,
}

/// Where the caller stands.
struct Context {
    conversation_id: Option<Box<str>>,
    message_id: Option<Box<str>>,
    app_id: Option<Box<str>>,
    endpoint_id: Option<Box<str>>,
    free: Option<Box<RawValue>>,
}

impl SessionState {
    /// How much of a request is kept as long as its session lives, in bytes.
    pub(crate) fn kept_bytes(incoming: &Incoming<'_>, header: &RequestHeader<'_>) -> usize {
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().map_or(0, str::len);
        incoming.session_id.len()
            + header.access_type.as_str().len()
            + header.action.as_str().len()
            + header.user_id.len()
            + text(&incoming.conversation_id)
            + text(&incoming.message_id)
            + text(&incoming.app_id)
            + text(&incoming.endpoint_id)
            + incoming.context.map_or(0, |context| context.get().len())
    }

    pub(crate) fn new(
        incoming: &Incoming<'_>,
        header: &RequestHeader<'_>,
        kept: Share,
        now: Instant,
        link: Arc<Link>,
    ) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let span = tracing::debug_span!(
            "session",
            id = &*incoming.session_id,
            r#type = header.access_type.as_str(),
            action = header.action.as_str()
        );
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().map(Box::from);
        Self {
            id: Arc::from(&*incoming.session_id),
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            access_type: header.access_type.clone(),
            action: header.action.clone(),
            user_id: Box::from(&*header.user_id),
            context: Context {
                conversation_id: text(&incoming.conversation_id),
                message_id: text(&incoming.message_id),
                app_id: text(&incoming.app_id),
                endpoint_id: text(&incoming.endpoint_id),
                free: incoming.context.map(RawValue::to_owned),
            },
            due: later(now, link.config.handler_deadline),
            ended: AtomicBool::new(false),
            waiting: Notify::new(),
            cancellation: OnceLock::new(),
            span,
            _kept: kept,
            link,
        }
    }

    /// Set and read under the core's lock where it decides what may be written.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Whoever calls this sees to it that the end is told, once the lock is free.
    pub(crate) fn mark_ended(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Tells whoever waits for the end, which was marked.
    pub(crate) fn tell_end(&self) {
        self.waiting.notify_waiters();
        if let Some(token) = self.cancellation.get() {
            token.cancel();
        }
    }

    /// Waits until the session has ended.
    pub(crate) async fn ended(&self) {
        // Listening begins before the look, or an end in between would be missed.
        let mut told = std::pin::pin!(self.waiting.notified());
        told.as_mut().enable();
        if !self.has_ended() {
            told.await;
        }
    }
}

/// A handle to one session: what the daemon said about it, and the ways to speak in it.
///
/// Cheap to clone; clones may be used from several tasks at once. Only the [`Responder`](crate::Responder) can end the
/// session. A clone that outlives the end gets [`SendError::Ended`] and [`InvokeError::Ended`].
#[derive(Clone)]
pub struct Session {
    pub(crate) state: Arc<SessionState>,
}

impl Session {
    /// The daemon's id for this session, a UUID.
    pub fn id(&self) -> &str {
        &self.state.id
    }

    /// Which part of the plugin is asked.
    pub fn access_type(&self) -> &AccessType {
        &self.state.access_type
    }

    /// What is asked.
    pub fn action(&self) -> &Action {
        &self.state.action
    }

    /// The Dify user on whose behalf; empty for endpoints.
    pub fn user_id(&self) -> &str {
        &self.state.user_id
    }

    /// The conversation in which the caller works, if any.
    pub fn conversation_id(&self) -> Option<&str> {
        self.state.context.conversation_id.as_deref()
    }

    /// The message the caller answers, if any.
    pub fn message_id(&self) -> Option<&str> {
        self.state.context.message_id.as_deref()
    }

    /// The app the caller runs in, if any.
    pub fn app_id(&self) -> Option<&str> {
        self.state.context.app_id.as_deref()
    }

    /// The endpoint that was called, if it was one.
    pub fn endpoint_id(&self) -> Option<&str> {
        self.state.context.endpoint_id.as_deref()
    }

    /// The caller's context, a free JSON object. It may name credentials: do not log it.
    pub fn context(&self) -> Option<&RawValue> {
        self.state.context.free.as_deref()
    }

    /// Longest line that may be sent, in bytes, envelope and newline included
    /// ([`Config::max_frame_bytes`](crate::Config::max_frame_bytes)): what a larger answer has to be cut by.
    pub fn max_frame_bytes(&self) -> usize {
        self.state.link.config.max_frame_bytes
    }

    /// Sends one answer, a `stream` message. Waits while too much output is waiting.
    ///
    /// Cancel safe: dropped before it is done, nothing was sent.
    ///
    /// # Errors
    ///
    /// See [`SendError`]; after [`SendError::TooLarge`] and [`SendError::Encode`] the session goes on as if nothing had
    /// been sent.
    pub fn send<T: Serialize + ?Sized>(&self, answer: &T) -> impl Future<Output = Result<(), SendError>> {
        self.state.link.send(&self.state, None, &MessageType::Stream, answer)
    }

    /// Asks something of Dify. `request` becomes the call's `request` object; the replies come in the order the daemon
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
        self.invoke_within(kind, request, self.state.link.config.invocation_timeout).await
    }

    /// As [`Session::invoke`], with an idle limit of its own.
    ///
    /// # Errors
    ///
    /// As [`Session::invoke`].
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

        let link = &self.state.link;
        let id = CallId::random();
        let now = now();
        let nothing_yet = Share::empty(&link.quota);
        let queue = Arc::new(CallQueue::new(kind, idle, self.state.serial, now, &link.config, nothing_yet));
        // Filed first, written second: a reply can't come too early. `replies` withdraws the call if writing fails.
        link.with(|core, after| core.start_call(id, queue.clone(), &self.state, now, after))?;
        let span =
            tracing::debug_span!(parent: &self.state.span, "invoke", %id, r#type = queue.kind.as_str());
        let replies = Replies::new(id, queue.clone(), link.clone(), span);
        let invoke = Invoke { r#type: queue.kind.as_str(), backwards_request_id: id.to_string(), request };
        link.send(&self.state, Some((id, &queue)), &MessageType::Invoke, &invoke).await?;
        Ok(replies)
    }

    /// Cancelled when the session is over: ended, past its deadline, or without a daemon to hear it. The daemon never
    /// says that its caller has left.
    ///
    /// The token is the caller's own: cancelling it stops what the caller hangs on it, and not the session.
    pub fn cancellation(&self) -> CancellationToken {
        let token = self.state.cancellation.get_or_init(CancellationToken::new);
        // It may have ended before there was a token to cancel.
        if self.state.has_ended() {
            token.cancel();
        }
        token.child_token()
    }

    /// Waits until the session is over, as [`cancellation`](Self::cancellation) tells it. Cancel safe.
    pub async fn ended(&self) {
        self.state.ended().await;
    }

    /// When the session will be ended with `DeadlineExceeded`, if it has not ended before.
    pub fn deadline(&self) -> tokio::time::Instant {
        self.state.due.into()
    }

    /// Whether the session has ended.
    pub fn is_ended(&self) -> bool {
        self.state.has_ended()
    }

    /// The session's tracing span, with its id, type and action. At debug level: a subscriber that asks for less pays
    /// nothing for it.
    pub fn span(&self) -> &tracing::Span {
        &self.state.span
    }
}

impl fmt::Debug for Session {
    /// The context is left out: it may name credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.state.id)
            .field("access_type", &self.state.access_type)
            .field("action", &self.state.action)
            .field("ended", &self.is_ended())
            .finish_non_exhaustive()
    }
}
