//! Errors of a session, as they travel, and the names of those that are ours.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::limits::ERROR_ARGS;

/// No handler for the request's type, action, provider or name.
pub const HANDLER_NOT_FOUND: &str = "HandlerNotFound";
/// The request could not be read into what the handler takes.
pub const INVALID_REQUEST: &str = "InvalidRequest";
/// The handler panicked.
pub const HANDLER_PANICKED: &str = "HandlerPanicked";
/// The handler returned without ending its session.
pub const NO_ANSWER: &str = "NoAnswer";
/// The handler took longer than its deadline.
pub const DEADLINE_EXCEEDED: &str = "DeadlineExceeded";
/// More sessions were open than configured.
pub const SESSION_LIMIT_EXCEEDED: &str = "SessionLimitExceeded";
/// An answer was longer than the daemon takes.
pub const FRAME_TOO_LARGE: &str = "FrameTooLarge";
/// The connection ended while the session was open.
pub const CLOSED: &str = "Closed";

/// The `data` of a session message of type `error` (`pkg/entities/plugin_entities/event.go`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorData {
    /// The error's name. Open: Dify knows some names (`InvokeRateLimitError`, …) and passes on the others.
    #[serde(default, deserialize_with = "null_is_default")]
    pub error_type: String,
    /// The text a user will see.
    #[serde(default, deserialize_with = "null_is_default")]
    pub message: String,
    /// Details; at most [`ERROR_ARGS`] entries, or the daemon drops the whole error.
    #[serde(default, deserialize_with = "null_is_default")]
    pub args: Map<String, Value>,
}

impl ErrorData {
    /// An error without details.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), message: message.into(), args: Map::new() }
    }

    /// Adds a detail, unless [`ERROR_ARGS`] are there already; an error that the daemon would drop says less than one
    /// without its eleventh detail.
    #[must_use]
    pub fn with_arg(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        if self.args.len() < ERROR_ARGS {
            self.args.insert(key.into(), value.into());
        }
        self
    }
}

impl std::fmt::Display for ErrorData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error_type, self.message)
    }
}

fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
