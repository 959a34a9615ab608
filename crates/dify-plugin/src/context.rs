//! What every handler knows about its request.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::payload::{CREDENTIALS, parse_object};

/// A request of the daemon while it is being handled: the user it is for, where it comes from, its credentials, and how
/// long it may take.
///
/// This alone cannot call back to Dify, which the daemon forbids to models; [`Session`](crate::Session) is a
/// `RequestContext` that can. Cheap to clone; clones may be moved to other tasks.
#[derive(Clone)]
pub struct RequestContext {
    pub(crate) session: dify_plugin_session::Session,
    credentials: Option<Arc<RawValue>>,
}

impl RequestContext {
    pub(crate) fn new(session: dify_plugin_session::Session) -> Self {
        Self { session, credentials: None }
    }

    pub(crate) fn with_credentials(self, credentials: Option<&RawValue>) -> Self {
        Self { credentials: credentials.map(|json| json.to_owned().into()), ..self }
    }

    /// Returns the session's id: a UUID, new for each request.
    pub fn id(&self) -> &str {
        self.session.id()
    }

    /// Returns the id of the Dify user the request is made for; empty for endpoints.
    pub fn user_id(&self) -> &str {
        self.session.user_id()
    }

    /// Returns the id of the conversation the request belongs to, if any.
    pub fn conversation_id(&self) -> Option<&str> {
        self.session.conversation_id()
    }

    /// Returns the id of the message the request belongs to, if any.
    pub fn message_id(&self) -> Option<&str> {
        self.session.message_id()
    }

    /// Returns the id of the app that makes the request, if any.
    pub fn app_id(&self) -> Option<&str> {
        self.session.app_id()
    }

    /// Returns the id of the endpoint that was called, if the request is for an endpoint.
    pub fn endpoint_id(&self) -> Option<&str> {
        self.session.endpoint_id()
    }

    /// Returns the caller's context, a JSON object of any form. It may contain credentials: do not log it.
    pub fn context(&self) -> Option<&RawValue> {
        self.session.context()
    }

    /// Reads the provider's credentials, decrypted, as the YAML declares them. Without credentials, `T` is read from an
    /// empty object.
    ///
    /// # Errors
    ///
    /// `InvalidRequest`, with the field and what is wrong with it, but without its value.
    pub fn credentials<T: DeserializeOwned>(&self) -> Result<T> {
        parse_object(CREDENTIALS, self.credentials.as_deref())
    }

    /// Returns a token that is cancelled when the session is over: answered, past its deadline, or closed by the daemon.
    ///
    /// The handler's own future is dropped then; the token is for tasks that the handler has spawned. The daemon does not
    /// report that its caller has left.
    pub fn cancellation(&self) -> CancellationToken {
        self.session.cancellation()
    }

    /// Returns when the session fails with `DeadlineExceeded` unless it has ended before.
    pub fn deadline(&self) -> tokio::time::Instant {
        self.session.deadline()
    }

    /// Returns whether the session has ended.
    pub fn is_ended(&self) -> bool {
        self.session.is_ended()
    }
}

impl fmt::Debug for RequestContext {
    /// Leaves the credentials out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}
