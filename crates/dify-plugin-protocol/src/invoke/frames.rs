//! The frames of a reverse invocation, in both directions.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::spec::InvokeType;
use crate::open_enum::open_enum;
use crate::text;

/// The `data` of a session message of type `invoke`. The daemon closes the whole session if a field is missing or has the
/// wrong type (`internal/core/io_tunnel/backwards_invocation/task.go`).
#[derive(Clone, Serialize, Deserialize)]
pub struct ReverseRequest<'a> {
    /// The type of the reverse invocation.
    #[serde(rename = "type")]
    pub invoke_type: InvokeType,
    /// An id chosen by the plugin. The daemon repeats it in every reply and does not interpret it.
    #[serde(borrow)]
    pub backwards_request_id: Cow<'a, str>,
    /// The fields of this type of reverse invocation: a JSON object.
    #[serde(borrow)]
    pub request: &'a RawValue,
}

crate::redacted_debug!(ReverseRequest<'_> { invoke_type, backwards_request_id, request });

open_enum! {
    /// The type of a frame that answers a reverse invocation (`internal/core/io_tunnel/backwards_invocation/entities.go`).
    pub enum ReverseEvent {
        /// A reply, in `data`.
        Response => "response",
        /// The call failed, for the reason in `message`. An `end` follows.
        Error => "error",
        /// The end of the call. Sent exactly once, unless the daemon lost its caller.
        End => "end",
    }
}

/// The `data` of a `backwards_response` frame (`internal/core/io_tunnel/backwards_invocation/entities.go`).
#[derive(Clone, Serialize, Deserialize)]
pub struct ReverseResponse<'a> {
    /// The id of the call.
    #[serde(borrow)]
    pub backwards_request_id: Cow<'a, str>,
    /// The type of the frame.
    pub event: ReverseEvent,
    /// The message of an error. Otherwise `stream`, `struct` or empty, without meaning.
    #[serde(borrow, default, deserialize_with = "text::or_empty")]
    pub message: Cow<'a, str>,
    /// The reply: an object. Null in an error and at the end.
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
}

crate::redacted_debug!(ReverseResponse<'_> { backwards_request_id, event, message, data });

impl<'a> ReverseResponse<'a> {
    /// Parses the `data` of a `backwards_response`.
    ///
    /// # Errors
    ///
    /// If `backwards_request_id` or `event` is missing, or a field has the wrong type.
    pub fn parse(data: &'a RawValue) -> serde_json::Result<Self> {
        crate::object::parse(data.get())
    }
}
