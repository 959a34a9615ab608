//! A session, as an author sees it.

use std::fmt;
use std::ops::Deref;

use dify_plugin_app::Apps;
use dify_plugin_protocol::InvokeType;
use dify_plugin_session::{InvokeError, Replies};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::context::RequestContext;

/// A request of the daemon while it is being handled, from which the handler can call back to Dify.
///
/// Dereferences to [`RequestContext`], which says who makes the request. Cheap to clone; clones may be moved to other
/// tasks. A clone that outlives the handler gets errors that say so.
#[derive(Clone)]
pub struct Session {
    context: RequestContext,
}

impl Session {
    pub(crate) fn new(session: dify_plugin_session::Session) -> Self {
        Self { context: RequestContext::new(session) }
    }

    pub(crate) fn with_credentials(self, credentials: Option<&RawValue>) -> Self {
        Self { context: self.context.with_credentials(credentials) }
    }

    pub(crate) fn into_context(self) -> RequestContext {
        self.context
    }

    /// Calls Dify's apps: chat, workflow and completion. The manifest must ask for the permission `app`.
    pub fn app(&self) -> Apps {
        Apps::new(&self.context.session)
    }

    /// Makes a reverse invocation that has no method of its own yet. `request` is the object that the official SDK sends
    /// for that `kind`.
    ///
    /// # Errors
    ///
    /// If the invocation could not be sent. Later failures come out of [`Replies`].
    pub async fn invoke<T: Serialize + ?Sized>(
        &self,
        kind: InvokeType,
        request: &T,
    ) -> Result<Replies, InvokeError> {
        self.context.session.invoke(kind, request).await
    }

    /// Returns the session of the layer below, which sends raw messages. They are not checked: the response of an
    /// endpoint, for example, is easily cut short by one.
    pub fn transport(&self) -> &dify_plugin_session::Session {
        &self.context.session
    }
}

impl Deref for Session {
    type Target = RequestContext;

    fn deref(&self) -> &RequestContext {
        &self.context
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.context.fmt(f)
    }
}
