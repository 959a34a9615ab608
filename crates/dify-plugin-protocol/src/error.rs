//! Errors of a session, as they travel, and the names of those that are ours.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::limits::ERROR_ARGS;
use crate::redact::Redacted;

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
///
/// `Debug` prints its text, which is written for a user to read, and of its details the names.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
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

/// What is wrong with a piece of JSON, and where, without the values in it: those may be credentials, and serde quotes
/// them (``invalid type: string "…", expected a map``).
pub fn describe_json(error: &serde_json::Error) -> String {
    format!("{}{}", describe_value(error), place(error))
}

/// As [`describe_json`], without line and column: for JSON that nobody has as a text, where a field's path says more.
pub fn describe_value(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.strip_suffix(&place(error)).unwrap_or(&text);
    let expected = || text.rfind(", expected ").map_or("", |at| &text[at..]);
    // The other kinds of message name fields, and lengths.
    if let Some(rest) = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: ")) {
        let found = rest.split([' ', ',']).next().unwrap_or("value");
        format!("found {found}{}", expected())
    } else if text.starts_with("unknown variant ") {
        format!("unknown name{}", expected())
    } else {
        text.to_owned()
    }
}

/// Where a text was found to be wrong, as serde_json puts it at the end of what it says.
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
