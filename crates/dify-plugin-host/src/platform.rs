//! What answers the reverse calls of a plugin.

use std::sync::Arc;

use dify_plugin_protocol::invoke::InvokeSpec;
use dify_plugin_protocol::{AccessType, Action, InvokeType};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::encode;

/// Answers reverse invocations in place of Dify.
///
/// The host does everything else as the daemon does. It refuses malformed calls, calls of model sessions, calls of unknown
/// types, and calls that the manifest doesn't permit, and a platform never sees them. It writes one frame for each reply,
/// prefixes errors as the daemon does, enforces the time limit, and closes every call with exactly one `end`, even if the
/// stream panics. A call is canceled by dropping its stream.
///
/// A closure from [`ReverseCall`] to a stream is a platform too:
///
/// ```
/// use dify_plugin_host::{Reply, Platform, ReverseCall};
/// use futures_util::{StreamExt, stream};
///
/// let platform = |call: ReverseCall| {
///     let query = call.request["query"].clone();
///     let event = serde_json::json!({"event": "message", "answer": query});
///     stream::iter([Ok(Reply::from(event))]).boxed()
/// };
/// # fn takes(_: impl Platform) {}
/// takes(platform);
/// ```
pub trait Platform: Send + Sync + 'static {
    /// Returns the replies to `call`, in order. The call ends with the stream, or with the first error.
    fn invoke(&self, call: ReverseCall) -> BoxStream<'static, Result<Reply, PlatformError>>;
}

impl<F> Platform for F
where
    F: Fn(ReverseCall) -> BoxStream<'static, Result<Reply, PlatformError>> + Send + Sync + 'static,
{
    fn invoke(&self, call: ReverseCall) -> BoxStream<'static, Result<Reply, PlatformError>> {
        self(call)
    }
}

/// A reverse invocation.
#[derive(Clone)]
#[non_exhaustive]
pub struct ReverseCall {
    /// The session that makes the call.
    pub session: Arc<SessionInfo>,
    /// The call's id, as the plugin chose it.
    pub call_id: Arc<str>,
    /// What is called.
    pub invoke_type: InvokeType,
    /// The fields of the call. `tenant_id`, `user_id` and `type` are removed: the daemon sets them from the session, whatever
    /// a plugin writes. A call of type `app` has exactly the fields that Dify would receive: `app_id`, `inputs`, `query`,
    /// `response_mode`, `conversation_id` and `user`. A call of type `storage` has `key`, `value` and a valid `opt`.
    pub request: Map<String, Value>,
    /// What the daemon does with calls of this type.
    pub(crate) spec: &'static InvokeSpec,
}

impl std::fmt::Debug for ReverseCall {
    /// Shows the names of the request's fields and omits their values, which may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReverseCall")
            .field("session", &self.session)
            .field("call_id", &self.call_id)
            .field("invoke_type", &self.invoke_type)
            .field("request", &self.request.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// What a session is for.
#[derive(Clone)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The session's id.
    pub session_id: Arc<str>,
    /// The Dify user; empty for endpoints.
    pub user_id: String,
    /// The conversation in which the caller works, if any.
    pub conversation_id: Option<String>,
    /// The message that the caller responds to, if any.
    pub message_id: Option<String>,
    /// The app that the caller belongs to, if any.
    pub app_id: Option<String>,
    /// The endpoint that was called, for endpoint sessions.
    pub endpoint_id: Option<String>,
    /// The caller's context. It may hold credentials, so `Debug` omits it.
    pub context: Option<Map<String, Value>>,
    /// The part of the plugin that is called.
    pub access_type: AccessType,
    /// The action to perform.
    pub action: Action,
}

impl std::fmt::Debug for SessionInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionInfo")
            .field("session_id", &self.session_id)
            .field("user_id", &self.user_id)
            .field("app_id", &self.app_id)
            .field("endpoint_id", &self.endpoint_id)
            .field("access_type", &self.access_type)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

/// One reply: a JSON value, encoded as the daemon writes it. Dify itself sends only objects.
#[derive(Clone)]
pub struct Reply(pub(crate) Arc<RawValue>);

impl std::fmt::Debug for Reply {
    /// Shows only the length.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reply({} bytes)", self.0.get().len())
    }
}

impl From<&Value> for Reply {
    fn from(value: &Value) -> Self {
        // What was just encoded is JSON.
        let raw = RawValue::from_string(encode::text(value)).unwrap_or_default();
        Self(Arc::from(raw))
    }
}

impl From<Value> for Reply {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// Dify refused the call with an HTTP status. For a call with a single reply the plugin reads only `data is nil`, because
    /// the daemon discards the status there (`pkg/utils/http_requests/http_warpper.go`).
    #[error("request failed with status code: {status} and respond with: {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The body of the response.
        body: String,
    },
    /// Dify failed after its response began.
    #[error("request failed: {0}")]
    Failed(String),
    /// Any other failure. The plugin reads the text as it is, without a prefix.
    #[error("{0}")]
    Other(String),
}

impl PlatformError {
    /// Creates a refusal as Dify writes it: a JSON object with `code`, `message` and `status`.
    pub fn refused(status: u16, code: &str, message: &str) -> Self {
        let body = json!({"code": code, "message": message, "status": status});
        Self::Refused { status, body: format!("{body}\n") }
    }

    /// Creates the error of a platform for a call of a type that it doesn't handle.
    pub(crate) fn unhandled(platform: &str, call: &ReverseCall) -> Self {
        Self::Other(format!("{platform} does not handle reverse invocations of type `{}`", call.invoke_type))
    }

    /// Returns the whole text as the daemon writes it for a call of this type.
    pub(crate) fn text(&self, spec: &InvokeSpec) -> String {
        let prefix = spec.error_prefix;
        match self {
            Self::Refused { .. } if !spec.is_stream() => format!("{prefix}data is nil"),
            Self::Refused { .. } => format!("{prefix}{self}"),
            Self::Failed(_) => format!("{}{self}", spec.stream_error_prefix.unwrap_or(prefix)),
            Self::Other(text) => text.clone(),
        }
    }
}

/// Creates the stream of a call with a single reply.
pub(crate) fn one(item: Result<Reply, PlatformError>) -> BoxStream<'static, Result<Reply, PlatformError>> {
    stream::iter([item]).boxed()
}
