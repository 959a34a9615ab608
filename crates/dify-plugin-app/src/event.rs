//! An event of a stream: its JSON, and the positions of its most common fields.

use std::fmt;
use std::sync::OnceLock;

use dify_plugin_invoke::{CallError, FromReply};
use dify_plugin_protocol::app::event::{AppEvent, EventError};
use dify_plugin_protocol::redact::Redacted;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

/// An event of an app.
///
/// It owns its JSON, and was scanned once for its name and the positions of its most common fields. Fields are decoded
/// only on request, and a text without escapes is never copied.
#[derive(Clone)]
pub struct Event {
    json: Box<RawValue>,
    kind: EventKind,
    /// The position of each [`Name`] that is a string without escapes.
    names: [Span; NAMES],
    /// The decoded texts of those with escapes, which are rare.
    unescaped: Option<Box<[Option<Box<str>>; NAMES]>>,
    /// The position of the raw `answer`, a string or any other value.
    answer: Span,
    /// The decoded text, if it has escapes or is in `data`.
    text: OnceLock<Option<Box<str>>>,
}

/// The short texts that are located in the first scan.
#[derive(Clone, Copy)]
enum Name {
    Event,
    ConversationId,
    MessageId,
    TaskId,
    WorkflowRunId,
}

/// The number of [`Name`]s.
const NAMES: usize = 5;

/// What an event means for the answer.
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
    /// Tells nothing about the answer or the app.
    Other,
}

impl Event {
    /// Scans an event.
    ///
    /// # Errors
    ///
    /// If it is not a JSON object with a string `event`.
    pub fn new(json: Box<RawValue>) -> Result<Self, EventError> {
        let text = json.get();
        // serde would also read the fields from an array.
        let found = text.starts_with('{').then(|| serde_json::from_str::<Fields<'_>>(text));
        let Some(Ok(found)) = found else { return Err(unreadable(text)) };
        // In the order of `Name`.
        let fields =
            [found.event, found.conversation_id, found.message_id, found.task_id, found.workflow_run_id];
        let mut names = [Span::NOWHERE; NAMES];
        let mut unescaped = None;
        for (at, field) in fields.into_iter().enumerate() {
            let Some(field) = field.map(RawValue::get) else { continue };
            if let Some(plain) = without_escapes(field) {
                names[at] = Span::of(text, plain);
            } else if let Ok(decoded) = serde_json::from_str(field) {
                unescaped.get_or_insert_with(Box::<[Option<Box<str>>; NAMES]>::default)[at] = Some(decoded);
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
            None => return Err(unreadable(event.raw())),
        }
        Ok(event)
    }

    fn text_of(&self, name: Name) -> Option<&str> {
        let unescaped = self.unescaped.as_ref().and_then(|texts| texts[name as usize].as_deref());
        unescaped.or_else(|| self.names[name as usize].get(self.raw()))
    }

    /// Returns the event's name, such as `message`.
    pub fn name(&self) -> &str {
        self.text_of(Name::Event).unwrap_or_default()
    }

    /// Returns the chunk of the answer to append, for `message` and `agent_message`. `None` for every other event; use
    /// [`decode`](Self::decode) for the text of `message_replace`, which replaces the answer so far.
    pub fn answer(&self) -> Option<&str> {
        match self.kind {
            EventKind::Message | EventKind::AgentMessage => self.answer_field(),
            _ => None,
        }
    }

    /// Returns the chunk of text to append, for any kind of app: [`answer`](Self::answer), or `data.text` of a workflow's
    /// `text_chunk`. The *result* of a workflow is in `outputs` of `workflow_finished`.
    pub fn text(&self) -> Option<&str> {
        match self.kind {
            EventKind::TextChunk => self.data_text(),
            _ => self.answer(),
        }
    }

    /// Returns the id of the conversation, in chat apps. Pass it to the next call's `conversation` to continue.
    pub fn conversation_id(&self) -> Option<&str> {
        self.text_of(Name::ConversationId)
    }

    /// Returns the id of the message, in chat and completion apps.
    pub fn message_id(&self) -> Option<&str> {
        self.text_of(Name::MessageId)
    }

    /// Returns the id of the task that produces the stream.
    pub fn task_id(&self) -> Option<&str> {
        self.text_of(Name::TaskId)
    }

    /// Returns the id of the run, in Workflows and Chatflows, if it is at the event's top level.
    pub fn workflow_run_id(&self) -> Option<&str> {
        self.text_of(Name::WorkflowRunId)
    }

    /// Returns the event's JSON, unchanged.
    pub fn raw(&self) -> &str {
        self.json.get()
    }

    /// Returns the event's JSON, unchanged.
    pub fn into_raw(self) -> Box<RawValue> {
        self.json
    }

    /// Decodes the whole event. An event that this version does not know is [`AppEvent::Unknown`].
    ///
    /// # Errors
    ///
    /// If a field of a known event has the wrong type.
    pub fn decode(&self) -> Result<AppEvent, EventError> {
        AppEvent::parse(self.raw())
    }

    /// Reads the event as a type that its name implies.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, EventError> {
        serde_json::from_str(self.raw()).map_err(|_| unreadable(self.raw()))
    }

    pub(crate) fn kind(&self) -> EventKind {
        self.kind
    }

    /// Returns `answer`, for any event.
    pub(crate) fn answer_field(&self) -> Option<&str> {
        let quoted = self.answer.get(self.raw())?;
        match without_escapes(quoted) {
            Some(text) => Some(text),
            None => self.text.get_or_init(|| serde_json::from_str(quoted).ok()).as_deref(),
        }
    }

    /// Returns `data.text`, for `text_chunk` and `text_replace`.
    pub(crate) fn data_text(&self) -> Option<&str> {
        #[derive(Deserialize)]
        struct Chunk {
            data: ChunkData,
        }
        #[derive(Deserialize)]
        struct ChunkData {
            text: Box<str>,
        }
        let read = || serde_json::from_str::<Chunk>(self.raw()).ok().map(|chunk| chunk.data.text);
        self.text.get_or_init(read).as_deref()
    }
}

/// How the names of all other events of a run and its nodes start.
const RUN_PREFIXES: [&str; 6] =
    ["workflow_", "node_", "iteration_", "loop_", "parallel_branch_", "human_input_"];

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
            "error" => Self::Error,
            name if RUN_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) => Self::Run,
            _ => Self::Other,
        }
    }
}

impl fmt::Debug for Event {
    /// Shows only the name and the size, since what people say to an app does not belong in logs.
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
    /// Writes the event's JSON, unchanged.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

/// A part of the event's JSON. Offsets, since a struct cannot borrow from itself, and of 32 bits: handlers hold events
/// across awaits, and there may be 100,000 handlers.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// No field starts at 0, where the object's brace is.
    const NOWHERE: Self = Self { start: 0, end: 0 };

    /// Returns the position of `part`, a slice of `whole`, or `NOWHERE` past 4 GiB.
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

/// Returns the text between the quotes, if this is a string that needs no decoding.
fn without_escapes(json: &str) -> Option<&str> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then_some(text)
}

/// Returns why an event cannot be read. The full parser finds the field and the reason.
fn unreadable(json: &str) -> EventError {
    let error = AppEvent::parse(json).err();
    error.unwrap_or_else(|| EventError::NotAnEvent { reason: "unreadable".to_owned() })
}

/// The most common fields, as raw JSON.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    answer: Option<&'a RawValue>,
    conversation_id: Option<&'a RawValue>,
    message_id: Option<&'a RawValue>,
    task_id: Option<&'a RawValue>,
    workflow_run_id: Option<&'a RawValue>,
}
