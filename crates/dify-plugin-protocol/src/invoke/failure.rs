//! A failed reverse invocation: the single string that the daemon sends, parsed.
//!
//! The daemon writes a prefix that tells when the call failed ([`InvokeSpec`]) and then whatever text it has, such as
//! Dify's status and body (`pkg/utils/http_requests/http_warpper.go`). Dify's body is JSON whose key order and spaces
//! vary.

use std::fmt;

use serde_json::{Map, Value};

use super::spec::{InvokeSpec, PermissionKey};
use crate::redact::Redacted;

/// A failed reverse invocation, parsed from the text of the daemon's `error`.
///
/// `Debug` hides [`text`](Self::text), which may repeat what was sent.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// When the call failed.
    pub stage: FailureStage,
    /// Why the call failed.
    pub kind: FailureKind,
    /// The HTTP status of Dify's response.
    pub status: Option<u16>,
    /// Dify's name for the error, such as `invalid_param`.
    pub code: Option<String>,
    /// Dify's own message if there is one, else the daemon's text without its prefix.
    pub message: String,
    /// The daemon's whole text.
    pub text: String,
}

/// When a reverse invocation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureStage {
    /// In the daemon, which did not ask Dify. Storage never gets past this stage.
    Daemon,
    /// Before the first reply.
    BeforeReply,
    /// While the daemon was reading a stream. Replies may have arrived.
    Streaming,
}

/// Why a reverse invocation failed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The plugin's manifest lacks a permission.
    PermissionDenied(PermissionKey),
    /// The session belongs to a model, and models may not call Dify.
    CalledFromModel,
    /// The daemon does not know this type of reverse invocation.
    UnknownType,
    /// The request lacks a field or has one of the wrong type.
    MalformedRequest,
    /// Dify refused the request; its `code` and `message` say why.
    Refused,
    /// The call exceeded a rate limit or a quota.
    RateLimited,
    /// Dify failed with an internal error. A bare 500 may also be the caller's fault, such as an id that is not a UUID.
    InternalError,
    /// The daemon could not reach Dify.
    Unreachable,
    /// The client that opened the session disconnected, or the session exceeded the daemon's time limit.
    Canceled,
    /// Reading Dify's response took longer than the daemon allows: 240 s in total by default, even while data arrives.
    ReadTimeout,
    /// Dify's response was cut off or could not be read.
    BrokenResponse,
    /// Dify's response had no data. For a call with a single reply this is all that the daemon passes on of a refusal.
    NoData,
    /// Dify raised an error after its response began; `message` is its text.
    Raised,
    /// Any other text.
    Other,
}

impl Failure {
    /// Parses the text of the daemon's `error`. A text that is not recognized becomes [`FailureKind::Other`].
    ///
    /// ```
    /// use dify_plugin_protocol::invoke::{Failure, FailureKind};
    ///
    /// let failure = Failure::parse(concat!(
    ///     "invoke app failed: request failed with status code: 400 and respond with: ",
    ///     r#"{"code":"invalid_param","message":"missing query","status":400}"#,
    ///     "\n",
    /// ));
    /// assert_eq!(failure.kind, FailureKind::Refused);
    /// assert_eq!((failure.status, failure.message.as_str()), (Some(400), "missing query"));
    /// ```
    pub fn parse(text: &str) -> Self {
        let (stage, rest) = split_prefix(text);
        let failure = Self {
            stage,
            kind: FailureKind::Other,
            status: None,
            code: None,
            message: rest.trim().to_owned(),
            text: text.to_owned(),
        };
        if let Some((status, body)) = split_status(rest) {
            return failure.with_response(status, body);
        }
        if let Some(raised) = rest.strip_prefix("request failed: ") {
            return Self { kind: FailureKind::Raised, message: raised.to_owned(), ..failure };
        }
        Self {
            kind: if stage == FailureStage::Daemon { daemon_kind(rest) } else { io_kind(rest) },
            ..failure
        }
    }

    /// Returns whether the same call may succeed if it is repeated.
    pub fn is_retryable(&self) -> bool {
        use FailureKind::{BrokenResponse, RateLimited, Unreachable};
        matches!(self.kind, RateLimited | Unreachable | BrokenResponse)
    }

    fn with_response(mut self, status: Option<u16>, body: &str) -> Self {
        self.status = status;
        // Each field is read by itself: one of another type must not lose the others.
        let fields: Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let number =
            || fields.get("status").and_then(Value::as_u64).and_then(|status| status.try_into().ok());
        self.status = status.or_else(number);
        self.code = text("code");
        // Without a code either, the body is all that there is to tell.
        let body = if self.code.is_none() { body.trim() } else { "" };
        self.message = text("message").unwrap_or_else(|| body.to_owned());
        self.kind = match (self.status, self.code.as_deref()) {
            (Some(429), _) | (_, Some("too_many_requests")) => FailureKind::RateLimited,
            (_, Some("unknown" | "internal_server_error")) | (Some(500), _) => FailureKind::InternalError,
            (Some(502..=504), _) => FailureKind::Unreachable,
            _ => FailureKind::Refused,
        };
        self
    }
}

fn split_prefix(text: &str) -> (FailureStage, &str) {
    // The empty prefix of storage would match every text.
    let strip = |prefix: &str| text.strip_prefix(prefix).filter(|_| !prefix.is_empty());
    InvokeSpec::all()
        .iter()
        .find_map(|spec| {
            let before = strip(spec.error_prefix).map(|rest| (FailureStage::BeforeReply, rest));
            before.or_else(|| Some((FailureStage::Streaming, strip(spec.stream_error_prefix?)?)))
        })
        .unwrap_or((FailureStage::Daemon, text))
}

/// Splits Dify's HTTP response into its status, if that is a number, and its body.
fn split_status(text: &str) -> Option<(Option<u16>, &str)> {
    let rest = text.strip_prefix("request failed with status code: ")?;
    let (status, body) = rest.split_once(" and respond with: ")?;
    Some((status.trim().parse().ok(), body))
}

const DENIED: (&str, &str) = ("permission denied, you need to enable ", " access in plugin manifest");

impl PermissionKey {
    /// Returns the error with which the daemon denies a call that lacks this permission.
    pub fn denial(&self) -> String {
        format!("{}{self}{}", DENIED.0, DENIED.1)
    }
}

/// Classifies an error of the daemon itself.
fn daemon_kind(text: &str) -> FailureKind {
    let denied = text.strip_prefix(DENIED.0).and_then(|rest| rest.strip_suffix(DENIED.1));
    if let Some(permission) = denied {
        FailureKind::PermissionDenied(PermissionKey::from(permission))
    } else if text.starts_with("unmarshal backwards invoke request failed: ") {
        FailureKind::MalformedRequest
    } else if text.starts_with("unsupported invoke type: ") {
        FailureKind::UnknownType
    } else if text == "you can not invoke dify from model" {
        FailureKind::CalledFromModel
    } else {
        FailureKind::Other
    }
}

/// Classifies an error of the daemon's exchange with Dify.
fn io_kind(text: &str) -> FailureKind {
    let starts = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    // At its limit the daemon closes the response's connection under the reader.
    if text.contains("use of closed network connection") || text.contains("read on closed response body") {
        FailureKind::ReadTimeout
    } else if text.contains("context canceled") {
        FailureKind::Canceled
    } else if starts(&["Post \""]) {
        FailureKind::Unreachable
    } else if starts(&["data is nil"]) {
        FailureKind::NoData
    } else if starts(&[
        "magic number mismatch",
        "EOF",
        "unexpected EOF",
        "data length is too long",
        "invalid character",
        "json: cannot unmarshal",
        "validate request failed: ",
    ]) {
        FailureKind::BrokenResponse
    } else {
        FailureKind::Other
    }
}

impl FailureKind {
    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::PermissionDenied(permission) => {
                let key = permission.manifest_key();
                let parent = if key.starts_with("model.") { " and `model.enabled`" } else { "" };
                format!("enable `{key}`{parent} under `resource.permission` in manifest.yaml")
            }
            Self::ReadTimeout => {
                "the daemon limits the whole response to DIFY_BACKWARDS_INVOCATION_READ_TIMEOUT, 240 s by default"
                    .to_owned()
            }
            _ => return None,
        })
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("stage", &self.stage)
            .field("kind", &self.kind)
            .field("status", &self.status)
            .field("code", &self.code)
            .field("message", &self.message)
            .field("text", &Redacted(&self.text))
            .finish()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            FailureStage::Daemon => "the daemon refused the call",
            FailureStage::BeforeReply => "the call failed",
            FailureStage::Streaming => "the stream broke off",
        })?;
        match (self.status, self.code.as_deref()) {
            (Some(status), Some(code)) => write!(f, " with {status} {code}")?,
            (Some(status), None) => write!(f, " with {status}")?,
            (None, Some(code)) => write!(f, " with {code}")?,
            (None, None) => {}
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        match self.kind.advice() {
            Some(advice) => write!(f, " ({advice})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}
