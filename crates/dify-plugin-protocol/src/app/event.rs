//! The events that an app streams.

pub mod human_input;
pub mod message;
pub mod node;
pub mod run;

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::app::peek::EventPeek;
use crate::error::describe_json;

pub use human_input::*;
pub use message::*;
pub use node::*;
pub use run::*;

/// Declares [`AppEvent`]: a variant and a payload for each name.
macro_rules! app_events {
    ($($(#[$meta:meta])* $variant:ident($body:ty) => $name:literal,)+) => {
        /// One event of an app's stream, of whichever interface: chat, workflow or completion.
        ///
        /// Which events come is decided by the app, not by the interface it was called through. New ones appear every
        /// few Dify releases: those are [`Unknown`](Self::Unknown) and keep their JSON.
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum AppEvent {
            $($(#[$meta])* $variant($body),)+
            /// An event this version does not know.
            Unknown(RawEvent),
        }

        impl AppEvent {
            /// Every event name this version knows.
            pub const KNOWN: &'static [&'static str] = &[$($name),+];

            /// Reads one event: its name first, then what belongs to that name.
            ///
            /// # Errors
            ///
            /// If it is no JSON object with a string `event`, or a field of a known event has another type than
            /// expected. An unknown name is no error.
            pub fn parse(json: &str) -> Result<Self, EventError> {
                let name = event_name(json)?;
                match &*name {
                    $($name => read_body(json, $name).map(Self::$variant),)+
                    _ => {
                        let name = name.into_owned();
                        let json = serde_json::from_str(json).map_err(EventError::not_an_event)?;
                        Ok(Self::Unknown(RawEvent { name, json }))
                    }
                }
            }

            /// Its name on the wire.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $name,)+
                    Self::Unknown(event) => &event.name,
                }
            }
        }

        impl Serialize for AppEvent {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(body) => Named { event: $name, body }.serialize(serializer),)+
                    Self::Unknown(event) => event.json.serialize(serializer),
                }
            }
        }
    };
}

app_events! {
    /// A piece of the answer, to be appended.
    Message(MessageEvent) => "message",
    /// A piece of an Agent's answer, to be appended.
    AgentMessage(MessageEvent) => "agent_message",
    /// A piece of the answer, spoken.
    TtsMessage(TtsEvent) => "tts_message",
    /// The end of the speech.
    TtsMessageEnd(TtsEvent) => "tts_message_end",
    /// A round of an Agent's thinking; comes several times with the same id, growing.
    AgentThought(AgentThoughtEvent) => "agent_thought",
    /// A file that belongs to the answer.
    MessageFile(MessageFileEvent) => "message_file",
    /// The answer is complete. In a Chatflow `workflow_finished` may still come.
    MessageEnd(MessageEndEvent) => "message_end",
    /// Replaces all of the answer so far.
    MessageReplace(MessageReplaceEvent) => "message_replace",
    /// The app failed.
    Error(ErrorEvent) => "error",
    /// A sign of life. Today's Dify keeps it to itself.
    Ping(PingEvent) => "ping",
    /// A piece of a model's reasoning.
    ReasoningChunk(RunEvent<ReasoningChunk>) => "reasoning_chunk",
    /// A run began, or goes on after a pause.
    WorkflowStarted(RunEvent<WorkflowStarted>) => "workflow_started",
    /// A run is over, well or not: see its status.
    WorkflowFinished(RunEvent<WorkflowFinished>) => "workflow_finished",
    /// A run waits for a person. The stream ends, the run does not.
    WorkflowPaused(RunEvent<WorkflowPaused>) => "workflow_paused",
    /// A run moved to another server. The stream ends, the run does not.
    WorkflowMaintenancePaused(RunEvent<NoData>) => "workflow_maintenance_paused",
    /// A node began.
    NodeStarted(RunEvent<NodeStarted>) => "node_started",
    /// A node is over.
    NodeFinished(RunEvent<NodeFinished>) => "node_finished",
    /// A node failed and is tried again.
    NodeRetry(RunEvent<NodeRetry>) => "node_retry",
    /// An iteration began.
    IterationStarted(RunEvent<IterationStarted>) => "iteration_started",
    /// An iteration takes its next item.
    IterationNext(RunEvent<IterationNext>) => "iteration_next",
    /// An iteration is over.
    IterationCompleted(RunEvent<IterationCompleted>) => "iteration_completed",
    /// A loop began.
    LoopStarted(RunEvent<LoopStarted>) => "loop_started",
    /// A loop begins its next round.
    LoopNext(RunEvent<LoopNext>) => "loop_next",
    /// A loop is over.
    LoopCompleted(RunEvent<LoopCompleted>) => "loop_completed",
    /// Older Dify: a parallel branch began.
    ParallelBranchStarted(RunEvent<ParallelBranch>) => "parallel_branch_started",
    /// Older Dify: a parallel branch is over.
    ParallelBranchFinished(RunEvent<ParallelBranch>) => "parallel_branch_finished",
    /// A node asks a person.
    HumanInputRequired(RunEvent<HumanInputRequired>) => "human_input_required",
    /// A person answered.
    HumanInputFormFilled(RunEvent<HumanInputFormFilled>) => "human_input_form_filled",
    /// No person answered in time.
    HumanInputFormTimeout(RunEvent<HumanInputFormTimeout>) => "human_input_form_timeout",
    /// A step of an agent node.
    AgentLog(RunEvent<AgentLog>) => "agent_log",
    /// A piece of a workflow's text output. The result is `outputs` of `workflow_finished`.
    TextChunk(RunEvent<TextChunk>) => "text_chunk",
    /// Replaces the text shown so far.
    TextReplace(RunEvent<TextReplace>) => "text_replace",
}

impl AppEvent {
    /// Whether the answer can end with it. More may follow, and another of these too: a Chatflow sends `message_end` and
    /// `workflow_finished`, in either order. Only the reverse invocation's own end says that a stream is over.
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::MessageEnd(_)
                | Self::WorkflowFinished(_)
                | Self::WorkflowPaused(_)
                | Self::WorkflowMaintenancePaused(_)
                | Self::Error(_)
        )
    }

    /// The piece of text to append to the answer, if it has one: of `message` and `agent_message`.
    pub fn answer(&self) -> Option<&str> {
        match self {
            Self::Message(event) | Self::AgentMessage(event) => event.answer.as_deref(),
            _ => None,
        }
    }
}

/// An event with a name that this version does not know.
#[derive(Clone)]
#[non_exhaustive]
pub struct RawEvent {
    /// Its name.
    pub name: String,
    /// All of it, name included, as it came.
    pub json: Box<RawValue>,
}

crate::redacted_debug!(RawEvent { name, json });

/// Why something is no event that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// Not a JSON object with a name.
    #[error("not an app event, which is an object with a string `event`: {reason}")]
    NotAnEvent {
        /// What is wrong, without the values found.
        reason: String,
    },
    /// A known name, and something else than belongs to it.
    #[error("app event `{event}` is broken at `{path}`: {reason}")]
    Body {
        /// The event's name.
        event: String,
        /// The field, such as `data.created_at`.
        path: String,
        /// What is wrong, without the values found.
        reason: String,
    },
}

impl EventError {
    pub(crate) fn not_an_event(error: serde_json::Error) -> Self {
        Self::NotAnEvent { reason: describe_json(&error) }
    }
}

/// The name alone; the rest is checked to be JSON and skipped.
fn event_name(json: &str) -> Result<Cow<'_, str>, EventError> {
    Ok(EventPeek::parse(json)?.event)
}

/// Reads what belongs to the name `event`, and says where it is broken if it is.
pub(super) fn read_body<'de, T: Deserialize<'de>>(json: &'de str, event: &str) -> Result<T, EventError> {
    serde_json::from_str(json).map_err(|_| {
        // Read once more, now keeping track of where: only what failed pays for that.
        let mut json = serde_json::Deserializer::from_str(json);
        let (path, reason) = match serde_path_to_error::deserialize::<_, T>(&mut json) {
            Ok(_) => (String::new(), "unreadable".to_owned()),
            Err(error) => (error.path().to_string(), describe_json(error.inner())),
        };
        EventError::Body { event: event.to_owned(), path, reason }
    })
}

/// Writes the name, then the body's fields at the same level.
#[derive(Serialize)]
pub(super) struct Named<'a, T> {
    pub(super) event: &'a str,
    #[serde(flatten)]
    pub(super) body: &'a T,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_body_names_event_and_field_but_no_value() {
        let json = r#"{"event":"node_finished","data":{"id":"n","index":"hunter2"}}"#;
        let error = AppEvent::parse(json).unwrap_err();
        let EventError::Body { event, path, reason } = &error else { panic!("{error}") };
        assert_eq!((event.as_str(), path.as_str()), ("node_finished", "data.index"));
        assert!(!reason.contains("hunter2"), "{reason}");
    }

    #[test]
    fn an_unknown_event_keeps_its_json() {
        let json = r#"{"event":"a_future_event","big":12345678901234567890,"data":{"x":1.50}}"#;
        let event = AppEvent::parse(json).unwrap();
        assert_eq!(event.name(), "a_future_event");
        assert_eq!(serde_json::to_string(&event).unwrap(), json);
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        for json in ["", "[]", r#"["zzz"]"#, "{}", r#"{"event":null}"#, r#"{"event":"ping""#] {
            assert!(matches!(AppEvent::parse(json), Err(EventError::NotAnEvent { .. })), "{json}");
        }
        let deep = format!(r#"{{"event":"message","x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert!(matches!(AppEvent::parse(&deep), Err(EventError::Body { .. })));
    }

    #[test]
    fn the_name_is_written_and_is_not_kept_as_extra() {
        let event = AppEvent::parse(r#"{"answer":"a","event":"agent_message","new":1}"#).unwrap();
        let AppEvent::AgentMessage(message) = &event else { panic!("{event:?}") };
        assert_eq!(serde_json::to_string(&message.extra).unwrap(), r#"{"new":1}"#);
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"event":"agent_message","answer":"a","new":1}"#
        );
    }
}
