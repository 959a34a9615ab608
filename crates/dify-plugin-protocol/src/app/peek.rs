//! The cheap look at an event, for those who only pass it on.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::app::event::EventError;

/// What a relay needs of an event, borrowed from its JSON: one pass, and no allocation unless a string has escapes.
///
/// Anything but the name may be missing or of another type; it is `None` then.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventPeek<'a> {
    /// The event's name.
    pub event: Cow<'a, str>,
    /// `answer`: of `message` and `agent_message` a piece to append, of `message_replace` the text that replaces all
    /// so far.
    pub answer: Option<Cow<'a, str>>,
    /// The conversation, in chat apps.
    pub conversation_id: Option<Cow<'a, str>>,
    /// The message, in chat and completion apps.
    pub message_id: Option<Cow<'a, str>>,
    /// The task that produces the stream.
    pub task_id: Option<Cow<'a, str>>,
}

crate::redacted_debug!(EventPeek<'_> { event, answer, conversation_id, message_id, task_id });

impl<'a> EventPeek<'a> {
    /// Looks at one event.
    ///
    /// # Errors
    ///
    /// If it is no JSON object with a string `event`.
    pub fn parse(json: &'a str) -> Result<Self, EventError> {
        serde_json::from_str(json).map_err(EventError::not_an_event)
    }

    /// The piece of text to append to the answer, if the event has one: see
    /// [`AppEvent::answer`](crate::app::event::AppEvent::answer).
    pub fn answer_piece(&self) -> Option<&str> {
        match &*self.event {
            "message" | "agent_message" => self.answer.as_deref(),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for EventPeek<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Event;
        impl<'de> Visitor<'de> for Event {
            type Value = EventPeek<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut event = None;
                let mut peek = EventPeek {
                    event: Cow::Borrowed(""),
                    answer: None,
                    conversation_id: None,
                    message_id: None,
                    task_id: None,
                };
                // Of a key that comes twice the last one counts, as it does for the daemon and for Dify.
                while let Some(key) = map.next_key()? {
                    match key {
                        Key::Event => event = map.next_value::<MaybeText<'de>>()?.0,
                        Key::Answer => peek.answer = map.next_value::<MaybeText<'de>>()?.0,
                        Key::ConversationId => peek.conversation_id = map.next_value::<MaybeText<'de>>()?.0,
                        Key::MessageId => peek.message_id = map.next_value::<MaybeText<'de>>()?.0,
                        Key::TaskId => peek.task_id = map.next_value::<MaybeText<'de>>()?.0,
                        Key::Other => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                peek.event = event.ok_or_else(|| A::Error::custom("no string `event`"))?;
                Ok(peek)
            }
        }
        deserializer.deserialize_map(Event)
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Event,
    Answer,
    ConversationId,
    MessageId,
    TaskId,
    #[serde(other)]
    Other,
}

/// A string, or nothing if it is anything else.
struct MaybeText<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for MaybeText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Option<Cow<'de, str>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Some(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(text.to_owned())))
            }
            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(None)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(None)
            }
        }
        deserializer.deserialize_any(Any).map(MaybeText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_borrowed_unless_escaped() {
        let json =
            r#"{"answer":"quack \u003cb\u003e","data":{"answer":"no"},"event":"message","task_id":"t"}"#;
        let peek = EventPeek::parse(json).unwrap();
        assert!(matches!(peek.event, Cow::Borrowed("message")));
        assert!(matches!(peek.task_id, Some(Cow::Borrowed("t"))));
        assert_eq!(peek.answer_piece(), Some("quack <b>"));
    }

    #[test]
    fn a_field_of_another_type_is_none_and_the_name_survives() {
        for odd in ["null", "5", "-1", "1.5", "true", "[\"a\",[1]]", "{\"a\":{\"b\":1}}"] {
            let json = format!(r#"{{"answer":{odd},"message_id":{odd},"event":"message"}}"#);
            let peek = EventPeek::parse(&json).unwrap();
            assert_eq!((&*peek.event, peek.answer, peek.message_id), ("message", None, None), "{odd}");
        }
    }

    #[test]
    fn without_a_name_it_is_no_event() {
        for json in ["{}", r#"{"event":null}"#, r#"{"event":5}"#, "[]", "\"event\"", "{"] {
            assert!(matches!(EventPeek::parse(json), Err(EventError::NotAnEvent { .. })), "{json}");
        }
    }

    #[test]
    fn deep_nesting_beside_the_name_is_skipped() {
        let json = format!(r#"{{"x":{}{},"event":"message"}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(EventPeek::parse(&json).unwrap().event, "message");
    }
}
