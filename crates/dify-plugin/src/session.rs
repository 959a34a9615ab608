//! A session, as an author sees it.

use std::fmt;

use dify_plugin_app::Apps;
use dify_plugin_protocol::InvokeType;
use dify_plugin_session::{InvokeError, Replies};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

/// One request of the daemon, while it is being answered: who asked, and the ways to call back into Dify.
///
/// Cheap to clone; clones may go to other tasks. One that outlives the handler gets errors that say so.
#[derive(Clone)]
pub struct Session {
    session: dify_plugin_session::Session,
}

impl Session {
    pub(crate) fn new(session: dify_plugin_session::Session) -> Self {
        Self { session }
    }

    /// Calls Dify's apps: chat, workflow and completion. The manifest must ask for the permission `app`.
    pub fn app(&self) -> Apps {
        Apps::new(&self.session)
    }

    /// Asks anything of Dify that has no method of its own yet. `request` is what the official SDK sends for that `kind`.
    ///
    /// # Errors
    ///
    /// If the call could not be made. What goes wrong after that comes out of [`Replies`].
    pub async fn invoke<T: Serialize + ?Sized>(
        &self,
        kind: InvokeType,
        request: &T,
    ) -> Result<Replies, InvokeError> {
        self.session.invoke(kind, request).await
    }

    /// The session's id: a UUID, new for each request.
    pub fn id(&self) -> &str {
        self.session.id()
    }

    /// The Dify user on whose behalf; empty for endpoints.
    pub fn user_id(&self) -> &str {
        self.session.user_id()
    }

    /// The conversation in which the caller works, if any.
    pub fn conversation_id(&self) -> Option<&str> {
        self.session.conversation_id()
    }

    /// The message the caller answers, if any.
    pub fn message_id(&self) -> Option<&str> {
        self.session.message_id()
    }

    /// The app the caller runs in, if any.
    pub fn app_id(&self) -> Option<&str> {
        self.session.app_id()
    }

    /// The endpoint that was called, if it was one.
    pub fn endpoint_id(&self) -> Option<&str> {
        self.session.endpoint_id()
    }

    /// The caller's context, a free JSON object. It may name credentials: do not log it.
    pub fn context(&self) -> Option<&RawValue> {
        self.session.context()
    }

    /// Cancelled when the session is over: answered, past its deadline, or without a daemon to hear it. The daemon never
    /// says that its caller has left. The handler's own future is dropped then; this is for tasks it has started.
    pub fn cancellation(&self) -> CancellationToken {
        self.session.cancellation()
    }

    /// When the session is ended with `DeadlineExceeded`, if it has not ended before.
    pub fn deadline(&self) -> tokio::time::Instant {
        self.session.deadline()
    }

    /// Whether the session has ended.
    pub fn is_ended(&self) -> bool {
        self.session.is_ended()
    }

    /// The session of the layer below, which can send raw messages. What it sends is not checked: an endpoint's answer, for
    /// one, is easily cut by it.
    pub fn transport(&self) -> &dify_plugin_session::Session {
        &self.session
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}
