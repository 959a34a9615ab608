//! Errors of a session, as they travel, and the names of those that are ours.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::limits::ERROR_ARGS;
use crate::outline::Outlined;

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
            .field("args", &Outlined(&self.args))
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
    let text = error.to_string();
    let quoting = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: "));
    let Some(rest) = quoting else {
        // The other kinds of message name fields, variants of ours and places, but an unknown variant is quoted too.
        return if text.starts_with("unknown variant") {
            format!("unknown name at line {} column {}", error.line(), error.column())
        } else {
            text
        };
    };
    let found = rest.split([' ', ',']).next().unwrap_or("value");
    let expected = rest.rfind(", expected ").map_or("", |at| &rest[at + ", expected ".len()..]);
    format!("found {found}, expected {expected}")
}

fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_quoted() {
        let error = serde_json::from_str::<ErrorData>(r#"{"error_type":["hunter2"]}"#).unwrap_err();
        assert!(describe_json(&error).starts_with("found sequence, expected a string at line 1"), "{error}");
        let error = serde_json::from_str::<Vec<u8>>(r#""hunter2, expected a thing""#).unwrap_err();
        assert_eq!(describe_json(&error), "found string, expected a sequence at line 1 column 27");
        let error = serde_json::from_str::<Vec<u8>>("[1").unwrap_err();
        assert_eq!(describe_json(&error), "EOF while parsing a list at line 1 column 2");
    }

    #[test]
    fn an_eleventh_detail_is_left_out() {
        let error = (0..11).fold(ErrorData::new("E", "m"), |error, i| error.with_arg(i.to_string(), i));
        assert_eq!(error.args.len(), ERROR_ARGS);
    }
}
