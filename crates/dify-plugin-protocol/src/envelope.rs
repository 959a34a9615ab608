//! The outermost object of a line, in both directions.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::open_enum::open_enum;
use crate::text;

open_enum! {
    /// What a line from the daemon is (`internal/core/session_manager/session.go`).
    pub enum IncomingEvent {
        /// Opens a session.
        Request => "request",
        /// Part of the answer to a reverse invocation.
        BackwardsResponse => "backwards_response",
    }
}

/// A line from the daemon to the plugin (`internal/core/session_manager/session.go`).
///
/// Serialised, it has the daemon's own field order, absent values written as null.
#[derive(Clone, Serialize, Deserialize)]
pub struct Incoming<'a> {
    /// The session this line belongs to: a version 4 UUID, new for each request.
    #[serde(borrow)]
    pub session_id: Cow<'a, str>,
    /// The conversation in which the caller works, if any.
    #[serde(borrow, default, deserialize_with = "text::option")]
    pub conversation_id: Option<Cow<'a, str>>,
    /// The message the caller answers, if any.
    #[serde(borrow, default, deserialize_with = "text::option")]
    pub message_id: Option<Cow<'a, str>>,
    /// The app the caller runs in, if any.
    #[serde(borrow, default, deserialize_with = "text::option")]
    pub app_id: Option<Cow<'a, str>>,
    /// The endpoint that was called, for endpoint requests.
    #[serde(borrow, default, deserialize_with = "text::option")]
    pub endpoint_id: Option<Cow<'a, str>>,
    /// The workspace. Only the command-line runner `slim` sends it (`pkg/slim/transform.go`); absent otherwise.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none", deserialize_with = "text::option")]
    pub tenant_id: Option<Cow<'a, str>>,
    /// The caller's context: an object, free in form, or none.
    #[serde(borrow, default)]
    pub context: Option<&'a RawValue>,
    /// What this line is.
    pub event: IncomingEvent,
    /// A request ([`RequestHeader`](crate::RequestHeader) and the action's fields), or a
    /// [`ReverseResponse`](crate::ReverseResponse).
    #[serde(borrow)]
    pub data: &'a RawValue,
}

crate::redacted_debug!(Incoming<'_> { session_id, conversation_id, message_id, app_id, endpoint_id, tenant_id, context, event, data });

impl<'a> Incoming<'a> {
    /// Parses one line.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, a field is missing, or one has another type than above. Unknown fields are ignored.
    pub fn parse(line: &'a str) -> serde_json::Result<Self> {
        crate::object::parse(line)
    }
}

open_enum! {
    /// What a line from a plugin is (`pkg/entities/plugin_entities/event.go`). The daemon ignores others.
    pub enum OutgoingEvent {
        /// A message of one session.
        Session => "session",
        /// A log record.
        Log => "log",
        /// An error outside any session, such as a line that could not be read.
        Error => "error",
        /// A sign of life; the first one tells the daemon that the plugin is ready.
        Heartbeat => "heartbeat",
    }
}

/// A line from the plugin to the daemon (`pkg/entities/plugin_entities/event.go`).
#[derive(Clone, Serialize, Deserialize)]
pub struct Outgoing<'a> {
    /// What this line is.
    pub event: OutgoingEvent,
    /// The session, for session messages; null or absent otherwise.
    #[serde(borrow, default, deserialize_with = "text::option")]
    pub session_id: Option<Cow<'a, str>>,
    /// A [`SessionMessage`](crate::SessionMessage), a [`LogData`](crate::LogData), `{"error": text}`, or nothing.
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
}

crate::redacted_debug!(Outgoing<'_> { event, session_id, data });

impl<'a> Outgoing<'a> {
    /// Parses one line.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, has no `event`, or a field has another type than above.
    pub fn parse(line: &'a str) -> serde_json::Result<Self> {
        crate::object::parse(line)
    }
}
