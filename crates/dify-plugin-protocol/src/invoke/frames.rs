//! What travels on the wire for a reverse invocation, in both directions.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::spec::InvokeType;
use crate::open_enum::open_enum;
use crate::text;

/// The `data` of a session message of type `invoke`. All three fields are required and of these JSON types, or the
/// daemon closes the whole session (`internal/core/io_tunnel/backwards_invocation/task.go`).
#[derive(Clone, Serialize, Deserialize)]
pub struct ReverseRequest<'a> {
    /// What is asked.
    #[serde(rename = "type")]
    pub invoke_type: InvokeType,
    /// Chosen by the plugin; the daemon repeats it in every answer and never looks inside.
    #[serde(borrow)]
    pub backwards_request_id: Cow<'a, str>,
    /// The kind's own fields: a JSON object.
    #[serde(borrow)]
    pub request: &'a RawValue,
}

crate::redacted_debug!(ReverseRequest<'_> { invoke_type, backwards_request_id, request });

open_enum! {
    /// What one answer to a reverse invocation is (`internal/core/io_tunnel/backwards_invocation/entities.go`).
    pub enum ReverseEvent {
        /// One item of the answer, in `data`.
        Response => "response",
        /// The call failed; the text is in `message`. An `end` follows.
        Error => "error",
        /// The call is over. Always the last, and exactly one, unless the daemon lost its caller.
        End => "end",
    }
}

/// The `data` of a `backwards_response` line (`internal/core/io_tunnel/backwards_invocation/entities.go`).
#[derive(Clone, Serialize, Deserialize)]
pub struct ReverseResponse<'a> {
    /// The id the call was made with.
    #[serde(borrow)]
    pub backwards_request_id: Cow<'a, str>,
    /// What this answer is.
    pub event: ReverseEvent,
    /// For an error its text; otherwise `stream`, `struct` or empty, and without meaning.
    #[serde(borrow, default, deserialize_with = "text::or_empty")]
    pub message: Cow<'a, str>,
    /// For a response the item, an object; otherwise null.
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
}

crate::redacted_debug!(ReverseResponse<'_> { backwards_request_id, event, message, data });

impl<'a> ReverseResponse<'a> {
    /// Parses the `data` of a `backwards_response`.
    ///
    /// # Errors
    ///
    /// If `backwards_request_id` or `event` is missing, or a field has another type than above.
    pub fn parse(data: &'a RawValue) -> serde_json::Result<Self> {
        crate::object::parse(data.get())
    }
}
