//! Frames in the exact form that the daemon writes, read faster than by a JSON parser.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::action::RequestHeader;
use crate::envelope::{Incoming, IncomingEvent};
use crate::invoke::ReverseResponse;

/// A frame as the daemon writes it (`internal/core/session_manager/session.go`): fields in its order, no whitespace.
///
/// Almost all bytes of such a frame are known in advance, so only values of free form are scanned as JSON. That is more
/// than twice as fast as [`Incoming::parse`] followed by a parse of `data`, which read any frame.
#[derive(Debug)]
pub enum DaemonFrame<'a> {
    /// A request, and the header of its `data`.
    Request(Incoming<'a>, RequestHeader<'a>),
    /// The `data` of a reply to a reverse invocation.
    Reply(ReverseResponse<'a>),
}

impl<'a> DaemonFrame<'a> {
    /// Reads a whole frame. `None` means that the frame has another form and needs [`Incoming::parse`].
    ///
    /// Both return the same, except for a request whose header has duplicate keys, which Go never writes: the general
    /// parser refuses it, and this one uses the first `action` and the last `type` and `user_id`.
    pub fn read(frame: &'a str) -> Option<Self> {
        let mut rest = Rest(frame);
        rest.literal(r#"{"session_id":"#)?;
        let session_id = Cow::Borrowed(rest.text()?);
        rest.literal(r#","conversation_id":"#)?;
        let conversation_id = rest.text_or_null()?;
        rest.literal(r#","message_id":"#)?;
        let message_id = rest.text_or_null()?;
        rest.literal(r#","app_id":"#)?;
        let app_id = rest.text_or_null()?;
        rest.literal(r#","endpoint_id":"#)?;
        let endpoint_id = rest.text_or_null()?;
        rest.literal(r#","context":"#)?;
        let context = rest.value_or_null()?;
        rest.literal(r#","event":"#)?;
        if rest.literal(r#""backwards_response","data":"#).is_some() {
            return Some(Self::Reply(reply(rest)?));
        }
        rest.literal(r#""request","data":"#)?;
        let data = rest.last_value("}")?;
        let header = header(data.get())?;
        let incoming = Incoming {
            session_id,
            conversation_id,
            message_id,
            app_id,
            endpoint_id,
            tenant_id: None,
            context,
            event: IncomingEvent::Request,
            data,
        };
        Some(Self::Request(incoming, header))
    }
}

fn reply(mut rest: Rest<'_>) -> Option<ReverseResponse<'_>> {
    rest.literal(r#"{"backwards_request_id":"#)?;
    let backwards_request_id = Cow::Borrowed(rest.text()?);
    rest.literal(r#","event":"#)?;
    let event = rest.text()?.into();
    rest.literal(r#","message":"#)?;
    let message = Cow::Borrowed(rest.text()?);
    rest.literal(r#","data":"#)?;
    let data = if rest.0 == "null}}" { None } else { Some(rest.last_value("}}")?) };
    Some(ReverseResponse { backwards_request_id, event, message, data })
}

/// Reads the header of a request. Its `data` is sorted by key, so `action` comes first, and `type` and `user_id` last.
/// `data` is valid JSON, so a quote without a backslash before it starts or ends a string, and everything between the
/// first or the last brace and that string belongs to the outer object.
fn header(data: &str) -> Option<RequestHeader<'_>> {
    let mut first = Rest(data);
    first.literal(r#"{"action":"#)?;
    let action = first.text()?.into();
    let (last, user_id) = data.strip_suffix(r#""}"#)?.rsplit_once('"')?;
    let (last, access_type) = last.strip_suffix(r#"","user_id":"#)?.rsplit_once('"')?;
    last.strip_suffix(r#","type":"#)?;
    (is_plain(user_id) && is_plain(access_type)).then(|| RequestHeader {
        access_type: access_type.into(),
        action,
        user_id: Cow::Borrowed(user_id),
    })
}

/// The unread rest of the frame.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn literal(&mut self, expected: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    /// Reads a string without escapes.
    fn text(&mut self) -> Option<&'a str> {
        let quoted = self.0.strip_prefix('"')?;
        let end = memchr::memchr(b'"', quoted.as_bytes())?;
        let (text, rest) = quoted.split_at(end);
        self.0 = &rest[1..];
        is_plain(text).then_some(text)
    }

    fn text_or_null(&mut self) -> Option<Option<Cow<'a, str>>> {
        match self.literal("null") {
            Some(()) => Some(None),
            None => Some(Some(Cow::Borrowed(self.text()?))),
        }
    }

    fn value_or_null(&mut self) -> Option<Option<&'a RawValue>> {
        if self.literal("null").is_some() {
            return Some(None);
        }
        let mut values = serde_json::Deserializer::from_str(self.0).into_iter();
        let value = values.next()?.ok()?;
        self.0 = &self.0[values.byte_offset()..];
        Some(Some(value))
    }

    /// Reads the value before the braces that close the frame.
    fn last_value(&self, braces: &str) -> Option<&'a RawValue> {
        serde_json::from_str(self.0.strip_suffix(braces)?).ok()
    }
}

/// Returns whether the text between two quotes is valid and needs no decoding.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte >= b' ' && byte != b'\\')
}
