//! Replies in the very form in which the daemon writes them, read without looking at every byte twice.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::ReverseResponse;

impl<'a> ReverseResponse<'a> {
    /// Reads a whole line that is a reply as the daemon writes it (`internal/core/session_manager/session.go`): the
    /// fields in its order, without blanks, the envelope's texts without escapes.
    ///
    /// Replies are most of what a plugin reads, and all but a few bytes of such a line are in known places. `None` says
    /// nothing about a line but that it is to be read with [`Incoming::parse`](crate::Incoming::parse); whatever is read
    /// here would be read the same there.
    pub fn from_line(line: &'a str) -> Option<Self> {
        let mut rest = Rest(line);
        rest.literal(r#"{"session_id":"#)?;
        rest.text()?;
        for name in [r#","conversation_id":"#, r#","message_id":"#, r#","app_id":"#, r#","endpoint_id":"#] {
            rest.literal(name)?;
            if rest.literal("null").is_none() {
                rest.text()?;
            }
        }
        rest.literal(r#","context":"#)?;
        if rest.literal("null").is_none() {
            rest.value()?;
        }
        rest.literal(r#","event":"backwards_response","data":{"backwards_request_id":"#)?;
        let backwards_request_id = Cow::Borrowed(rest.text()?);
        rest.literal(r#","event":"#)?;
        let event = rest.text()?.into();
        rest.literal(r#","message":"#)?;
        let message = Cow::Borrowed(rest.text()?);
        rest.literal(r#","data":"#)?;
        let data = match rest.0.strip_suffix("}}")? {
            "null" => None,
            data => Some(serde_json::from_str(data).ok()?),
        };
        Some(Self { backwards_request_id, event, message, data })
    }
}

/// What is left of the line.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn literal(&mut self, expected: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    /// A string without escapes.
    fn text(&mut self) -> Option<&'a str> {
        let quoted = self.0.strip_prefix('"')?;
        let end = memchr::memchr2(b'"', b'\\', quoted.as_bytes())?;
        let (text, rest) = quoted.split_at(end);
        // A backslash or a control character is for the general way.
        self.0 = rest.strip_prefix('"')?;
        text.bytes().all(|byte| byte >= b' ').then_some(text)
    }

    /// Any value.
    fn value(&mut self) -> Option<()> {
        let mut values = serde_json::Deserializer::from_str(self.0).into_iter::<&RawValue>();
        values.next()?.ok()?;
        self.0 = &self.0[values.byte_offset()..];
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Incoming, ReverseEvent, ReverseResponse};

    fn line(ids: &str, context: &str, answer: &str) -> String {
        format!(
            r#"{{"session_id":"s-1","conversation_id":{ids},"message_id":null,"app_id":{ids},"endpoint_id":null,"context":{context},"event":"backwards_response","data":{answer}}}"#
        )
    }

    #[test]
    fn the_daemons_own_form_is_read_at_once() {
        for (ids, context) in [("null", "null"), (r#""ä-1""#, r#"{"a":["}",{"b":"\""}]}"#)] {
            let line = line(
                ids,
                context,
                r#"{"backwards_request_id":"r","event":"response","message":"stream","data":{"event":"message","answer":"\u003c}}"}}"#,
            );
            let reply = ReverseResponse::from_line(&line).unwrap();
            assert_eq!((&*reply.backwards_request_id, &*reply.message), ("r", "stream"));
            assert_eq!(reply.event, ReverseEvent::Response);
            assert_eq!(reply.data.unwrap().get(), r#"{"event":"message","answer":"\u003c}}"}"#);
        }
        let line =
            line("null", "null", r#"{"backwards_request_id":"r","event":"end","message":"","data":null}"#);
        let end = ReverseResponse::from_line(&line).unwrap();
        assert_eq!((end.event, end.data.is_none()), (ReverseEvent::End, true));
    }

    /// Each of these is for the general way, which takes some of them.
    #[test]
    fn whatever_differs_is_left_to_the_general_way() {
        let good = r#"{"backwards_request_id":"r","event":"response","message":"m","data":{}}"#;
        assert!(ReverseResponse::from_line(&line("null", "null", good)).is_some());
        for (ids, context, answer) in [
            ("5", "null", good),
            (r#""a\n""#, "null", good),
            ("\"a\tb\"", "null", good),
            ("null", "{]", good),
            ("null", "nul", good),
            ("null", "null", r#"{"backwards_request_id":"r","event":"response","message":"m","data":{}"#),
            ("null", "null", r#"{"backwards_request_id":"r","event":"response","message":"m","data":}"#),
            ("null", "null", r#"{"backwards_request_id":"r","event":"response","message":"m","data":{}},5"#),
            (
                "null",
                "null",
                r#"{"backwards_request_id":"r","event":"response","message":"m","data":{},"x":1}"#,
            ),
            ("null", "null", r#"{"event":"response","backwards_request_id":"r","message":"m","data":{}}"#),
            ("null", "null", r#"{"backwards_request_id":"r","event":"response","message":"m", "data":{}}"#),
        ] {
            let line = line(ids, context, answer);
            assert!(ReverseResponse::from_line(&line).is_none(), "{line}");
        }
        let blank = format!("{} ", line("null", "null", good));
        assert!(ReverseResponse::from_line(&blank).is_none() && Incoming::parse(&blank).is_ok());
    }
}
