//! Who answers what a plugin asks of Dify.

use std::sync::Arc;

use dify_plugin_protocol::invoke::InvokeSpec;
use dify_plugin_protocol::{AccessType, Action, InvokeType};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::encode;

/// Answers reverse invocations: what stands in for Dify.
///
/// The host does the rest as the daemon does it: it refuses malformed calls, those of model sessions, unknown kinds and
/// what the manifest doesn't allow before a platform hears of them, writes one line an item, puts the daemon's words
/// before an error, cuts an answer off after its time limit, and closes every call with exactly one `end`, also when
/// the stream panics. A call is cancelled by dropping its stream.
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
    /// The items that answer `call`, in order. The end of the stream is the end of the answer; nothing is read after
    /// an error.
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

/// What a plugin asks of Dify.
#[derive(Clone)]
#[non_exhaustive]
pub struct ReverseCall {
    /// The session that asks.
    pub session: Arc<SessionInfo>,
    /// The call's id, as the plugin chose it.
    pub call_id: Arc<str>,
    /// What is asked.
    pub invoke_type: InvokeType,
    /// The kind's own fields. `tenant_id`, `user_id` and `type` are taken out: at the daemon they are the session's,
    /// whatever a plugin writes. An app call has just the fields that Dify would get: `app_id`, `inputs`, `query`,
    /// `response_mode`, `conversation_id` and `user`, all of them; one of `storage` has `opt`, which is one of the four that
    /// there are, `key` and `value`.
    pub request: Map<String, Value>,
    /// What the daemon does with calls of this type.
    pub(crate) spec: &'static InvokeSpec,
}

impl std::fmt::Debug for ReverseCall {
    /// Names the request's fields and leaves out their values, which may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReverseCall")
            .field("session", &self.session)
            .field("call_id", &self.call_id)
            .field("invoke_type", &self.invoke_type)
            .field("request", &self.request.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Whose behalf a session is on.
#[derive(Clone)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its id.
    pub session_id: Arc<str>,
    /// The Dify user; empty for endpoints.
    pub user_id: String,
    /// The conversation in which the caller works, if any.
    pub conversation_id: Option<String>,
    /// The message the caller answers, if any.
    pub message_id: Option<String>,
    /// The app the caller runs in, if any.
    pub app_id: Option<String>,
    /// The endpoint that was called, for endpoint sessions.
    pub endpoint_id: Option<String>,
    /// The caller's context. It may name credentials, so it is left out of `Debug`.
    pub context: Option<Map<String, Value>>,
    /// Which part of the plugin is asked.
    pub access_type: AccessType,
    /// What it is asked.
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

/// One item of an answer: a JSON value, an object in all that Dify sends, encoded as the daemon writes it.
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

/// Why a call got no answer, or no more of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// Dify refused the call with an HTTP status before it answered anything. A call that is answered with one object
    /// only reads `data is nil` then, because the daemon throws the status away there
    /// (`pkg/utils/http_requests/http_warpper.go`).
    #[error("request failed with status code: {status} and respond with: {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The body, as it came.
        body: String,
    },
    /// Dify failed while it was answering.
    #[error("request failed: {0}")]
    Failed(String),
    /// Something else went wrong; the text reaches the plugin as it is, with nothing before it.
    #[error("{0}")]
    Other(String),
}

impl PlatformError {
    /// A refusal as Dify writes it: status, `code` and `message` in a JSON object.
    pub fn refused(status: u16, code: &str, message: &str) -> Self {
        let body = json!({"code": code, "message": message, "status": status});
        Self::Refused { status, body: format!("{body}\n") }
    }

    /// The error for a call that reached a platform which doesn't handle its type.
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

/// An answer of one item.
pub(crate) fn one(item: Result<Reply, PlatformError>) -> BoxStream<'static, Result<Reply, PlatformError>> {
    stream::iter([item]).boxed()
}
