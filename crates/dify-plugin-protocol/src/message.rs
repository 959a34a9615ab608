//! Session messages, and frames ready to be written.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::log::LogData;
use crate::open_enum::open_enum;

open_enum! {
    /// The type of a session message (`pkg/entities/plugin_entities/event.go`). The daemon closes the session at any other.
    pub enum MessageType {
        /// A message of the handler.
        Stream => "stream",
        /// A reverse invocation, [`ReverseRequest`](crate::ReverseRequest).
        Invoke => "invoke",
        /// The session failed: an [`ErrorData`](crate::ErrorData). An `end` follows.
        Error => "error",
        /// The end of the session: its final frame.
        End => "end",
    }
}

/// The `data` of a frame of type `session` (`pkg/entities/plugin_entities/event.go`).
#[derive(Clone, Serialize, Deserialize)]
pub struct SessionMessage<'a> {
    /// The type of the message.
    #[serde(rename = "type")]
    pub message_type: MessageType,
    /// The content. It may be null, but if the key is missing the daemon drops the frame.
    #[serde(borrow)]
    pub data: &'a RawValue,
}

crate::redacted_debug!(SessionMessage<'_> { message_type, data });

impl<'a> SessionMessage<'a> {
    /// Parses the `data` of a session frame.
    ///
    /// # Errors
    ///
    /// If `type` or `data` is missing, or `type` is not a string.
    pub fn parse(data: &'a RawValue) -> serde_json::Result<Self> {
        crate::object::parse(data.get())
    }
}

/// Appends a frame to `out`, including its newline: a message of type `message_type` in the session `session_id`.
///
/// The frame has exactly one newline, at its end. Newlines in raw JSON become spaces.
///
/// # Errors
///
/// If `data` cannot be serialized. `out` is then unchanged.
pub fn write_session_frame<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    session_id: &str,
    message_type: &MessageType,
    data: &T,
) -> serde_json::Result<()> {
    let start = out.len();
    let result = (|| {
        out.extend_from_slice(br#"{"event":"session","session_id":"#);
        serde_json::to_writer(&mut *out, session_id)?;
        out.extend_from_slice(br#","data":{"type":"#);
        serde_json::to_writer(&mut *out, message_type.as_str())?;
        out.extend_from_slice(br#","data":"#);
        let data_start = out.len();
        serde_json::to_writer(&mut *out, data)?;
        replace_newlines(&mut out[data_start..]);
        out.extend_from_slice(b"}}\n");
        Ok(())
    })();
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// Appends a heartbeat frame, including its newline.
pub fn write_heartbeat_frame(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"event\":\"heartbeat\",\"session_id\":null,\"data\":{}}\n");
}

/// Appends an `error` frame outside of any session, including its newline. The daemon reads only the text.
pub fn write_error_frame(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(br#"{"event":"error","session_id":null,"data":{"error":"#);
    // Serializing a string into memory cannot fail.
    let _ = serde_json::to_writer(&mut *out, text);
    out.extend_from_slice(b"}}\n");
}

/// Appends a log frame, including its newline.
pub fn write_log_frame(out: &mut Vec<u8>, log: &LogData) {
    out.extend_from_slice(br#"{"event":"log","data":"#);
    // Serializing strings and a number into memory cannot fail.
    let _ = serde_json::to_writer(&mut *out, log);
    out.extend_from_slice(b"}\n");
}

/// Replaces newlines by spaces. In valid JSON they are whitespace, since strings escape them.
fn replace_newlines(json: &mut [u8]) {
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'\n', b'\r', &json[from..]) {
        json[from + at] = b' ';
        from += at + 1;
    }
}
