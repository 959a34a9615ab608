//! The outer object of a frame, in both directions.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::open_enum::open_enum;
use crate::text;

open_enum! {
    /// The type of a frame from the daemon (`internal/core/session_manager/session.go`).
    pub enum IncomingEvent {
        /// Opens a session.
        Request => "request",
        /// One reply to a reverse invocation, or its end.
        BackwardsResponse => "backwards_response",
    }
}

/// A frame from the daemon to the plugin (`internal/core/session_manager/session.go`).
///
/// It serializes with the fields in the daemon's order, and absent values as null.
#[derive(Clone, Serialize, Deserialize)]
pub struct Incoming<'a> {
    /// The id of the session: a version 4 UUID, new for each request.
    #[serde(borrow)]
    pub session_id: Cow<'a, str>,
    /// The id of the conversation, if the caller works in one.
    #[serde(borrow, default, deserialize_with = "text::option")]
    pub conversation_id: Option<Cow<'a, str>>,
    /// The id of the message that the caller answers, if any.
    #[serde(borrow, default, deserialize_with = "text::option")]
    pub message_id: Option<Cow<'a, str>>,
    /// The id of the app that the caller runs in, if any.
    #[serde(borrow, default, deserialize_with = "text::option")]
    pub app_id: Option<Cow<'a, str>>,
    /// The id of the endpoint, for endpoint requests.
    #[serde(borrow, default, deserialize_with = "text::option")]
    pub endpoint_id: Option<Cow<'a, str>>,
    /// The id of the workspace. Only the command-line runner `slim` sends it (`pkg/slim/transform.go`).
    #[serde(borrow, default, skip_serializing_if = "Option::is_none", deserialize_with = "text::option")]
    pub tenant_id: Option<Cow<'a, str>>,
    /// The caller's context: any JSON object.
    #[serde(borrow, default)]
    pub context: Option<&'a RawValue>,
    /// The type of the frame.
    pub event: IncomingEvent,
    /// A request ([`RequestHeader`](crate::RequestHeader) and the action's own fields), or a
    /// [`ReverseResponse`](crate::ReverseResponse).
    #[serde(borrow)]
    pub data: &'a RawValue,
}

crate::redacted_debug!(Incoming<'_> { session_id, conversation_id, message_id, app_id, endpoint_id, tenant_id, context, event, data });

impl<'a> Incoming<'a> {
    /// Parses one frame.
    ///
    /// # Errors
    ///
    /// If it is not a JSON object, a field is missing, or a field has the wrong type. Unknown fields are ignored.
    pub fn parse(frame: &'a str) -> serde_json::Result<Self> {
        crate::object::parse(frame)
    }
}

open_enum! {
    /// The type of a frame from a plugin (`pkg/entities/plugin_entities/event.go`). The daemon ignores other types.
    pub enum OutgoingEvent {
        /// A message of one session.
        Session => "session",
        /// A log record.
        Log => "log",
        /// An error outside of any session, such as a frame that could not be read.
        Error => "error",
        /// A heartbeat. The first one tells the daemon that the plugin is ready.
        Heartbeat => "heartbeat",
    }
}

/// A frame from the plugin to the daemon (`pkg/entities/plugin_entities/event.go`).
#[derive(Clone, Serialize, Deserialize)]
pub struct Outgoing<'a> {
    /// The type of the frame.
    pub event: OutgoingEvent,
    /// The id of the session, for session messages.
    #[serde(borrow, default, deserialize_with = "text::option")]
    pub session_id: Option<Cow<'a, str>>,
    /// A [`SessionMessage`](crate::SessionMessage), a [`LogData`](crate::LogData), `{"error": text}`, or nothing.
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
}

crate::redacted_debug!(Outgoing<'_> { event, session_id, data });

impl<'a> Outgoing<'a> {
    /// Parses one frame.
    ///
    /// # Errors
    ///
    /// If it is not a JSON object, has no `event`, or a field has the wrong type.
    pub fn parse(frame: &'a str) -> serde_json::Result<Self> {
        crate::object::parse(frame)
    }
}
