//! Errors of a session, and the names of those that this library sends.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::limits::ERROR_ARGS;
use crate::redact::Redacted;

/// The plugin has no handler for the request's type, action, provider or name.
pub const HANDLER_NOT_FOUND: &str = "HandlerNotFound";
/// The request does not fit the type that the handler expects.
pub const INVALID_REQUEST: &str = "InvalidRequest";
/// The handler panicked.
pub const HANDLER_PANICKED: &str = "HandlerPanicked";
/// The handler returned without ending its session.
pub const NO_ANSWER: &str = "NoAnswer";
/// The handler exceeded its deadline.
pub const DEADLINE_EXCEEDED: &str = "DeadlineExceeded";
/// Too many sessions were open.
pub const SESSION_LIMIT_EXCEEDED: &str = "SessionLimitExceeded";
/// A message exceeded the size that the daemon accepts.
pub const FRAME_TOO_LARGE: &str = "FrameTooLarge";
/// The connection closed while the session was open.
pub const CLOSED: &str = "Closed";

/// The `data` of a session message of type `error` (`pkg/entities/plugin_entities/event.go`).
///
/// `Debug` shows the message, which is meant for users, and the names of the details.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorData {
    /// The error's name. Dify knows some names, such as `InvokeRateLimitError`, and passes on any other.
    #[serde(default, deserialize_with = "null_is_default")]
    pub error_type: String,
    /// The message that a user sees.
    #[serde(default, deserialize_with = "null_is_default")]
    pub message: String,
    /// Details. The daemon drops an error with more than [`ERROR_ARGS`] entries.
    #[serde(default, deserialize_with = "null_is_default")]
    pub args: Map<String, Value>,
}

impl ErrorData {
    /// Creates an error without details.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), message: message.into(), args: Map::new() }
    }

    /// Adds a detail. Does nothing if there are [`ERROR_ARGS`] details already, since the daemon would drop the error.
    #[must_use]
    pub fn with_arg(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        if self.args.len() < ERROR_ARGS {
            self.args.insert(key.into(), value.into());
        }
        self
    }
}

impl std::fmt::Debug for ErrorData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ErrorData")
            .field("error_type", &self.error_type)
            .field("message", &self.message)
            .field("args", &Redacted(&self.args))
            .finish()
    }
}

impl std::fmt::Display for ErrorData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error_type, self.message)
    }
}

/// Returns what is wrong in some JSON and where, without its values. serde quotes values, which may be credentials:
/// ``invalid type: string "…", expected a map``.
pub fn describe_json(error: &serde_json::Error) -> String {
    format!("{}{}", describe_value(error), place(error))
}

/// Like [`describe_json`], but without line and column, for JSON that was not parsed from a text.
pub fn describe_value(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.strip_suffix(&place(error)).unwrap_or(&text);
    let expected = || text.rfind(", expected ").map_or("", |at| &text[at..]);
    // All other messages contain only names of fields, and lengths.
    if let Some(rest) = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: ")) {
        let found = rest.split([' ', ',']).next().unwrap_or("value");
        format!("found {found}{}", expected())
    } else if text.starts_with("unknown variant ") {
        format!("unknown name{}", expected())
    } else {
        text.to_owned()
    }
}

/// Returns the position that serde_json appends to its message.
fn place(error: &serde_json::Error) -> String {
    match error.line() {
        0 => String::new(),
        line => format!(" at line {line} column {}", error.column()),
    }
}

fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
