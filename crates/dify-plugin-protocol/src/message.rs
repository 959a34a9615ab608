//! Session messages, and whole lines of them ready to be written.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::open_enum::open_enum;

open_enum! {
    /// What a session message is (`pkg/entities/plugin_entities/event.go`). Any other closes the session at the daemon.
    pub enum MessageType {
        /// One answer of the action.
        Stream => "stream",
        /// A reverse invocation, [`ReverseRequest`](crate::ReverseRequest).
        Invoke => "invoke",
        /// The session failed, [`ErrorData`](crate::ErrorData). An `end` follows.
        Error => "error",
        /// The session is over; its last message.
        End => "end",
    }
}

/// The `data` of a line of event `session` (`pkg/entities/plugin_entities/event.go`).
#[derive(Clone, Serialize, Deserialize)]
pub struct SessionMessage<'a> {
    /// What this message is.
    #[serde(rename = "type")]
    pub message_type: MessageType,
    /// Its content. The key must be there, or the daemon drops the line; null passes.
    #[serde(borrow)]
    pub data: &'a RawValue,
}

crate::redacted_debug!(SessionMessage<'_> { message_type, data });

impl<'a> SessionMessage<'a> {
    /// Parses the `data` of a session line.
    ///
    /// # Errors
    ///
    /// If `type` or `data` is missing or `type` is no string.
    pub fn parse(data: &'a RawValue) -> serde_json::Result<Self> {
        crate::object::parse(data.get())
    }
}

/// Appends one whole line, newline included: a message of type `kind` in the session `session_id`.
///
/// The line has exactly one newline, at its end: those that pretty-printed raw JSON may carry between its tokens
/// become spaces.
///
/// # Errors
///
/// If `data` cannot be serialised; `out` is then as it was.
pub fn write_session_line<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    session_id: &str,
    kind: &MessageType,
    data: &T,
) -> serde_json::Result<()> {
    let start = out.len();
    let result = (|| {
        out.extend_from_slice(br#"{"event":"session","session_id":"#);
        serde_json::to_writer(&mut *out, session_id)?;
        out.extend_from_slice(br#","data":{"type":"#);
        serde_json::to_writer(&mut *out, kind.as_str())?;
        out.extend_from_slice(br#","data":"#);
        let data_start = out.len();
        serde_json::to_writer(&mut *out, data)?;
        keep_on_one_line(&mut out[data_start..]);
        out.extend_from_slice(b"}}\n");
        Ok(())
    })();
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// Appends one heartbeat line, newline included.
pub fn write_heartbeat_line(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"event\":\"heartbeat\",\"session_id\":null,\"data\":{}}\n");
}

/// Appends one line of event `error`, outside any session, newline included. The daemon uses its text alone.
pub fn write_error_line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(br#"{"event":"error","session_id":null,"data":{"error":"#);
    // A string can always be serialised into memory.
    let _ = serde_json::to_writer(&mut *out, text);
    out.extend_from_slice(b"}}\n");
}

/// Appends one log line, newline included.
pub fn write_log_line(out: &mut Vec<u8>, log: &crate::LogData) {
    out.extend_from_slice(br#"{"event":"log","data":"#);
    // Strings and a finite number can always be serialised into memory.
    let _ = serde_json::to_writer(&mut *out, log);
    out.extend_from_slice(b"}\n");
}

/// A newline inside valid JSON is always whitespace (within strings it is escaped), so a space means the same.
fn keep_on_one_line(json: &mut [u8]) {
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'\n', b'\r', &json[from..]) {
        json[from + at] = b' ';
        from += at + 1;
    }
}
