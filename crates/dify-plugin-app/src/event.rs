//! One event of a stream: its JSON, and where in it the things lie that a relay asks for.

use std::fmt;
use std::sync::OnceLock;

use dify_plugin_invoke::{CallError, FromReply};
use dify_plugin_protocol::app::event::{AppEvent, EventError};
use dify_plugin_protocol::app::peek::EventPeek;
use dify_plugin_protocol::redact::Redacted;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// One event that an app streamed.
///
/// It owns its JSON and has been looked at once, for its name and for where its few common fields lie. Nothing is
/// decoded or copied before it is asked for; a text without escapes is never copied at all.
#[derive(Clone)]
pub struct Event {
    json: Box<RawValue>,
    kind: EventKind,
    /// Where each [`Name`] lies, if it is a string without escapes.
    names: [Span; Name::COUNT],
    /// Those that had to be freed of escapes; hardly ever any.
    unescaped: Option<Box<[Option<Box<str>>; Name::COUNT]>>,
    /// Still quoted and escaped; a string or anything else.
    answer: Span,
    /// The text, if it had to be freed of escapes or dug out of `data`.
    text: OnceLock<Option<Box<str>>>,
}

/// The short texts of an event.
#[derive(Clone, Copy)]
enum Name {
    Event,
    ConversationId,
    MessageId,
    TaskId,
    WorkflowRunId,
}

impl Name {
    const COUNT: usize = 5;
}

/// What an event means to a fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventKind {
    Message,
    AgentMessage,
    MessageReplace,
    MessageEnd,
    MessageFile,
    AgentThought,
    TextChunk,
    TextReplace,
    WorkflowFinished,
    WorkflowPaused,
    WorkflowMoved,
    /// Any other event of a run and its nodes.
    Run,
    Error,
    /// Tells nothing of the answer or of the app.
    Other,
}

impl Event {
    /// Looks at one event.
    ///
    /// # Errors
    ///
    /// If it is no JSON object with a string `event`.
    pub fn new(json: Box<RawValue>) -> Result<Self, EventError> {
        let text = json.get();
        let Ok(found) = serde_json::from_str::<Fields<'_>>(text) else {
            return Err(not_an_event(text));
        };
        let mut names = [Span::NOWHERE; Name::COUNT];
        let mut unescaped = None;
        for (at, field) in found.names.iter().enumerate() {
            let Some(field) = field.map(RawValue::get) else { continue };
            if let Some(plain) = without_escapes(field) {
                names[at] = Span::of(text, plain);
            } else if let Ok(decoded) = serde_json::from_str(field) {
                unescaped.get_or_insert_with(Box::<[Option<Box<str>>; Name::COUNT]>::default)[at] =
                    Some(decoded);
            }
        }
        let mut event = Self {
            kind: EventKind::Other,
            names,
            unescaped,
            answer: found.answer.map_or(Span::NOWHERE, |answer| Span::of(text, answer.get())),
            text: OnceLock::new(),
            json,
        };
        match event.text_of(Name::Event).map(EventKind::of) {
            Some(kind) => event.kind = kind,
            None => return Err(not_an_event(event.raw())),
        }
        Ok(event)
    }

    fn text_of(&self, name: Name) -> Option<&str> {
        let unescaped = self.unescaped.as_ref().and_then(|texts| texts[name as usize].as_deref());
        unescaped.or_else(|| self.names[name as usize].get(self.raw()))
    }

    /// The event's name, such as `message`.
    pub fn name(&self) -> &str {
        self.text_of(Name::Event).unwrap_or_default()
    }

    /// The piece of the answer that this event brings, to be appended: of `message` and `agent_message`. `None` for
    /// every other event; the text of `message_replace`, which takes the place of all before it, is got by
    /// [`decode`](Self::decode).
    pub fn answer(&self) -> Option<&str> {
        match self.kind {
            EventKind::Message | EventKind::AgentMessage => self.answer_field(),
            _ => None,
        }
    }

    /// The piece of text that this event brings, of whichever kind the app is: [`answer`](Self::answer), or `data.text`
    /// of a workflow's `text_chunk`. A workflow's *result* is `outputs` of its `workflow_finished`, not this text.
    pub fn text(&self) -> Option<&str> {
        match self.kind {
            EventKind::TextChunk => self.data_text(),
            _ => self.answer(),
        }
    }

    /// The conversation, in chat apps: give it to the next call's `conversation` to go on.
    pub fn conversation_id(&self) -> Option<&str> {
        self.text_of(Name::ConversationId)
    }

    /// The message that is being answered, in chat and completion apps.
    pub fn message_id(&self) -> Option<&str> {
        self.text_of(Name::MessageId)
    }

    /// The task that produces the stream.
    pub fn task_id(&self) -> Option<&str> {
        self.text_of(Name::TaskId)
    }

    /// The run, in Workflows and Chatflows, where the event says so at its top level.
    pub fn workflow_run_id(&self) -> Option<&str> {
        self.text_of(Name::WorkflowRunId)
    }

    /// The event as it came: one JSON object.
    pub fn raw(&self) -> &str {
        self.json.get()
    }

    /// The event as it came.
    pub fn into_raw(self) -> Box<RawValue> {
        self.json
    }

    /// Decodes all of it. An event that this version does not know is [`AppEvent::Unknown`].
    ///
    /// # Errors
    ///
    /// If a field of a known event has another type than expected.
    pub fn decode(&self) -> Result<AppEvent, EventError> {
        AppEvent::parse(self.raw())
    }

    pub(crate) fn kind(&self) -> EventKind {
        self.kind
    }

    /// `answer` at the top level, whatever the event.
    pub(crate) fn answer_field(&self) -> Option<&str> {
        let quoted = self.answer.get(self.raw())?;
        match without_escapes(quoted) {
            Some(text) => Some(text),
            None => self.text.get_or_init(|| serde_json::from_str(quoted).ok()).as_deref(),
        }
    }

    /// `data.text`, of `text_chunk` and `text_replace`.
    pub(crate) fn data_text(&self) -> Option<&str> {
        #[derive(serde::Deserialize)]
        struct Chunk {
            data: ChunkData,
        }
        #[derive(serde::Deserialize)]
        struct ChunkData {
            text: Box<str>,
        }
        let read = || serde_json::from_str::<Chunk>(self.raw()).ok().map(|chunk| chunk.data.text);
        self.text.get_or_init(read).as_deref()
    }
}

impl EventKind {
    fn of(name: &str) -> Self {
        match name {
            "message" => Self::Message,
            "agent_message" => Self::AgentMessage,
            "message_replace" => Self::MessageReplace,
            "message_end" => Self::MessageEnd,
            "message_file" => Self::MessageFile,
            "agent_thought" => Self::AgentThought,
            "text_chunk" => Self::TextChunk,
            "text_replace" => Self::TextReplace,
            "workflow_finished" => Self::WorkflowFinished,
            "workflow_paused" => Self::WorkflowPaused,
            "workflow_maintenance_paused" => Self::WorkflowMoved,
            "workflow_started"
            | "node_started"
            | "node_finished"
            | "node_retry"
            | "iteration_started"
            | "iteration_next"
            | "iteration_completed"
            | "loop_started"
            | "loop_next"
            | "loop_completed"
            | "parallel_branch_started"
            | "parallel_branch_finished"
            | "human_input_required"
            | "human_input_form_filled"
            | "human_input_form_timeout" => Self::Run,
            "error" => Self::Error,
            _ => Self::Other,
        }
    }
}

impl fmt::Debug for Event {
    /// Name and size alone: what people say to an app does not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({}, {:?})", self.name(), Redacted(self.raw()))
    }
}

impl FromReply for Event {
    fn from_reply(json: Box<RawValue>) -> Result<Self, CallError> {
        Self::new(json).map_err(|error| CallError::Unreadable { reason: error.to_string() })
    }
}

impl Serialize for Event {
    /// Writes the event as it came.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

/// A part of the event's JSON. Offsets, since a struct can't borrow from itself, and short ones: a handler keeps an event
/// across its own waits, and there may be a hundred thousand of them.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// At the very start is the object's brace, so nothing that is looked for can lie there.
    const NOWHERE: Self = Self { start: 0, end: 0 };

    /// Where `part` lies; it is a slice of `whole`. What lies past 4 GiB is not found.
    fn of(whole: &str, part: &str) -> Self {
        let start = part.as_ptr() as usize - whole.as_ptr() as usize;
        match (u32::try_from(start), u32::try_from(start + part.len())) {
            (Ok(start), Ok(end)) => Self { start, end },
            _ => Self::NOWHERE,
        }
    }

    fn get(self, whole: &str) -> Option<&str> {
        if self.start == 0 { None } else { whole.get(self.start as usize..self.end as usize) }
    }
}

/// What stands between the quotes, if it is a string and needs no decoding.
fn without_escapes(json: &str) -> Option<&str> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then_some(text)
}

fn not_an_event(json: &str) -> EventError {
    // The slow look finds the words for what is wrong.
    EventPeek::parse(json).err().unwrap_or_else(|| EventError::NotAnEvent { reason: "unreadable".to_owned() })
}

/// The few fields of interest, not decoded.
#[derive(Default)]
struct Fields<'a> {
    names: [Option<&'a RawValue>; Name::COUNT],
    answer: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Event,
    Answer,
    ConversationId,
    MessageId,
    TaskId,
    WorkflowRunId,
    #[serde(other)]
    Other,
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = Fields::default();
                // Of a key that comes twice the last one counts, as it does for the daemon and for Dify.
                while let Some(key) = map.next_key()? {
                    let field = match key {
                        Key::Event => &mut found.names[Name::Event as usize],
                        Key::Answer => &mut found.answer,
                        Key::ConversationId => &mut found.names[Name::ConversationId as usize],
                        Key::MessageId => &mut found.names[Name::MessageId as usize],
                        Key::TaskId => &mut found.names[Name::TaskId as usize],
                        Key::WorkflowRunId => &mut found.names[Name::WorkflowRunId as usize],
                        Key::Other => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    *field = Some(map.next_value()?);
                }
                Ok(found)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> Event {
        Event::new(RawValue::from_string(json.to_owned()).unwrap()).unwrap()
    }

    #[test]
    fn a_plain_text_is_borrowed_and_an_escaped_one_is_decoded_once() {
        let plain = event(r#"{"answer":"quäck","conversation_id":"c","event":"message"}"#);
        let answer = plain.answer().unwrap();
        assert_eq!(answer, "quäck");
        assert!(plain.raw().as_bytes().as_ptr_range().contains(&answer.as_ptr()));
        assert!(plain.text.get().is_none());
        let escaped = event(r#"{"answer":"\u003cb\u003e \"q\"\n","event":"agent_message"}"#);
        assert!(escaped.text.get().is_none(), "decoded before anyone asked");
        assert_eq!(escaped.answer(), Some("<b> \"q\"\n"));
        assert_eq!(escaped.answer().unwrap().as_ptr(), escaped.text().unwrap().as_ptr());
    }

    #[test]
    fn only_pieces_are_answers() {
        let replace = event(r#"{"event":"message_replace","answer":"all new"}"#);
        assert_eq!((replace.answer(), replace.answer_field()), (None, Some("all new")));
        let chunk = event(r#"{"event":"text_chunk","data":{"text":"pi\u00e8ce"}}"#);
        assert_eq!((chunk.answer(), chunk.text()), (None, Some("pièce")));
    }

    #[test]
    fn ids_are_found_wherever_they_stand_and_in_the_top_level_alone() {
        let event = event(
            r#"{ "data": {"task_id":"no","event":"no"}, "task_id" : "t\u002d1", "workflow_run_id": null,
                 "message_id":5, "conversation_id":"c-1" , "event" : "node\u005fstarted" }"#,
        );
        assert_eq!(event.name(), "node_started");
        assert_eq!(event.kind(), EventKind::Run);
        assert_eq!(event.task_id(), Some("t-1"));
        assert_eq!(event.conversation_id(), Some("c-1"));
        assert_eq!((event.message_id(), event.workflow_run_id()), (None, None));
    }

    #[test]
    fn without_a_name_it_is_no_event() {
        for json in ["{}", r#"{"event":null}"#, r#"{"event":5}"#, "[]", "\"event\"", "null"] {
            let raw = RawValue::from_string(json.to_owned()).unwrap();
            assert!(matches!(Event::new(raw), Err(EventError::NotAnEvent { .. })), "{json}");
        }
    }

    #[test]
    fn an_odd_answer_is_none_and_depth_is_no_matter() {
        for odd in ["null", "5", "[\"a\"]", "{\"a\":\"b\"}"] {
            assert_eq!(event(&format!(r#"{{"answer":{odd},"event":"message"}}"#)).answer(), None, "{odd}");
        }
        let deep = format!(r#"{{"x":{}{},"event":"message"}}"#, "[".repeat(10_000), "]".repeat(10_000));
        let json = serde_json::from_str::<Box<RawValue>>(&deep).unwrap();
        assert_eq!(Event::new(json).unwrap().name(), "message");
    }

    #[test]
    fn debug_and_serialize() {
        let event = event(r#"{"event":"message","answer":"secret", "x": 1.50}"#);
        assert_eq!(format!("{event:?}"), format!("Event(message, <{} bytes>)", event.raw().len()));
        assert_eq!(serde_json::to_string(&event).unwrap(), event.raw());
    }
}
