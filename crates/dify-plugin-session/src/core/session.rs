//! One session, as the core knows it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use dify_plugin_protocol::{AccessType, Action, Incoming, RequestHeader};
use serde_json::value::RawValue;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::quota::Share;

/// The state of one session, shared by the core and the handles.
pub(crate) struct SessionState {
    pub(crate) id: Arc<str>,
    /// Our own number: the daemon may use an id again after its session has ended, and a late call must not end up in the
    /// new session.
    pub(crate) serial: u64,
    pub(crate) access_type: AccessType,
    pub(crate) action: Action,
    pub(crate) user_id: Box<str>,
    pub(crate) context: Context,
    pub(crate) due: Instant,
    ended: AtomicBool,
    /// Those that wait for the end.
    waiters: Notify,
    /// Cancelled at the end. Made on demand: most handlers never ask for it, and it is larger than the rest.
    cancellation: OnceLock<CancellationToken>,
    pub(crate) span: tracing::Span,
    /// The bytes of this state that count in the quota.
    _kept: Share,
}

/// Where the caller of the plugin stands.
pub(crate) struct Context {
    pub(crate) conversation_id: Option<Box<str>>,
    pub(crate) message_id: Option<Box<str>>,
    pub(crate) app_id: Option<Box<str>>,
    pub(crate) endpoint_id: Option<Box<str>>,
    pub(crate) free: Option<Box<RawValue>>,
}

impl SessionState {
    /// Returns how many bytes of a request are kept as long as its session lives.
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
        due: Instant,
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
            due,
            ended: AtomicBool::new(false),
            waiters: Notify::new(),
            cancellation: OnceLock::new(),
            span,
            _kept: kept,
        }
    }

    /// Returns whether the session has ended. Where that decides what may be written, it is set and read under the core's
    /// lock, so that nothing can follow the final frame.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Marks the session as ended. The caller must see to it that [`wake_waiters`](Self::wake_waiters) is called once the
    /// lock is free.
    pub(crate) fn mark_ended(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Wakes those that wait for the end, after it was marked.
    pub(crate) fn wake_waiters(&self) {
        self.waiters.notify_waiters();
        if let Some(token) = self.cancellation.get() {
            token.cancel();
        }
    }

    /// Waits until the session has ended.
    pub(crate) async fn ended(&self) {
        // Listening begins before the check, or an end in between would be missed.
        let mut ended = std::pin::pin!(self.waiters.notified());
        ended.as_mut().enable();
        if !self.has_ended() {
            ended.await;
        }
    }

    /// Returns a token that is cancelled at the end.
    pub(crate) fn cancellation(&self) -> CancellationToken {
        let token = self.cancellation.get_or_init(CancellationToken::new);
        // The session may have ended before there was a token to cancel.
        if self.has_ended() {
            token.cancel();
        }
        token.child_token()
    }
}
