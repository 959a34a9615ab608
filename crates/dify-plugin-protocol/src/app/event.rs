//! The events that an app sends in streaming mode.

pub mod human_input;
pub mod message;
pub mod node;
pub mod run;

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::describe_json;

pub use human_input::*;
pub use message::*;
pub use node::*;
pub use run::*;

/// Declares [`AppEvent`] from a variant, a payload and a name for each event.
macro_rules! app_events {
    ($($(#[$meta:meta])* $variant:ident($body:ty) => $name:literal,)+) => {
        /// An event of an app's stream: chat, workflow or completion.
        ///
        /// The app decides which events it sends, not the interface through which it was called. Events that a newer Dify
        /// adds are [`Unknown`](Self::Unknown) and keep their JSON.
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum AppEvent {
            $($(#[$meta])* $variant($body),)+
            /// An event that this version does not know.
            Unknown(RawEvent),
        }

        impl AppEvent {
            /// The names of all events that this version knows.
            pub const KNOWN: &'static [&'static str] = &[$($name),+];

            /// Parses one event: its name first, then the body that belongs to the name.
            ///
            /// # Errors
            ///
            /// If it is not a JSON object with a string `event`, or a field of a known event has the wrong type.
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

            /// Returns the name on the wire.
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
    /// A chunk of the answer to append.
    Message(MessageEvent) => "message",
    /// A chunk of an Agent's answer to append.
    AgentMessage(MessageEvent) => "agent_message",
    /// A chunk of the answer as speech.
    TtsMessage(TtsEvent) => "tts_message",
    /// The end of the speech.
    TtsMessageEnd(TtsEvent) => "tts_message_end",
    /// A round of an Agent's reasoning. Sent several times with the same id, each time with more fields set.
    AgentThought(AgentThoughtEvent) => "agent_thought",
    /// A file of the answer.
    MessageFile(MessageFileEvent) => "message_file",
    /// The answer is complete. In a Chatflow `workflow_finished` may still follow.
    MessageEnd(MessageEndEvent) => "message_end",
    /// Replaces the answer so far.
    MessageReplace(MessageReplaceEvent) => "message_replace",
    /// The app failed.
    Error(ErrorEvent) => "error",
    /// A keep-alive. Current Dify releases do not pass it on.
    Ping(PingEvent) => "ping",
    /// A chunk of a model's reasoning.
    ReasoningChunk(RunEvent<ReasoningChunk>) => "reasoning_chunk",
    /// A run started, or resumed after a pause.
    WorkflowStarted(RunEvent<WorkflowRun>) => "workflow_started",
    /// A run ended; its status says how.
    WorkflowFinished(RunEvent<WorkflowRun>) => "workflow_finished",
    /// A run waits for a person. The stream ends, the run does not.
    WorkflowPaused(RunEvent<WorkflowRun>) => "workflow_paused",
    /// A run moved to another server. The stream ends, the run does not.
    WorkflowMaintenancePaused(RunEvent<NoData>) => "workflow_maintenance_paused",
    /// A node started.
    NodeStarted(RunEvent<NodeEvent>) => "node_started",
    /// A node ended.
    NodeFinished(RunEvent<NodeEvent>) => "node_finished",
    /// A node failed and is retried.
    NodeRetry(RunEvent<NodeEvent>) => "node_retry",
    /// An iteration started.
    IterationStarted(RunEvent<NodeEvent>) => "iteration_started",
    /// An iteration starts its next round.
    IterationNext(RunEvent<NodeEvent>) => "iteration_next",
    /// An iteration ended.
    IterationCompleted(RunEvent<NodeEvent>) => "iteration_completed",
    /// A loop started.
    LoopStarted(RunEvent<NodeEvent>) => "loop_started",
    /// A loop starts its next round.
    LoopNext(RunEvent<NodeEvent>) => "loop_next",
    /// A loop ended.
    LoopCompleted(RunEvent<NodeEvent>) => "loop_completed",
    /// A parallel branch started. Older Dify only.
    ParallelBranchStarted(RunEvent<ParallelBranch>) => "parallel_branch_started",
    /// A parallel branch ended. Older Dify only.
    ParallelBranchFinished(RunEvent<ParallelBranch>) => "parallel_branch_finished",
    /// A node asks a person for input.
    HumanInputRequired(RunEvent<PauseReason>) => "human_input_required",
    /// A person filled in a form.
    HumanInputFormFilled(RunEvent<HumanInputFormFilled>) => "human_input_form_filled",
    /// A form expired.
    HumanInputFormTimeout(RunEvent<HumanInputFormTimeout>) => "human_input_form_timeout",
    /// A step of an agent node.
    AgentLog(RunEvent<AgentLog>) => "agent_log",
    /// A chunk of a workflow's text output. The result is in `outputs` of `workflow_finished`.
    TextChunk(RunEvent<TextChunk>) => "text_chunk",
    /// Replaces the text output so far.
    TextReplace(RunEvent<TextChunk>) => "text_replace",
}

/// An event that this version does not know.
#[derive(Clone)]
#[non_exhaustive]
pub struct RawEvent {
    /// The event's name.
    pub name: String,
    /// The whole event, including the name.
    pub json: Box<RawValue>,
}

crate::redacted_debug!(RawEvent { name, json });

/// Why an event could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// It is not a JSON object with a name.
    #[error("not an app event, which is an object with a string `event`: {reason}")]
    NotAnEvent {
        /// What is wrong, without the values in the event.
        reason: String,
    },
    /// A field of a known event has the wrong type.
    #[error("app event `{event}` is malformed at `{path}`: {reason}")]
    Body {
        /// The event's name.
        event: String,
        /// The field, such as `data.created_at`.
        path: String,
        /// What is wrong, without the values in the event.
        reason: String,
    },
}

impl EventError {
    pub(crate) fn not_an_event(error: serde_json::Error) -> Self {
        Self::NotAnEvent { reason: describe_json(&error) }
    }
}

/// Reads the name. The rest is skipped, but checked to be JSON.
fn event_name(json: &str) -> Result<Cow<'_, str>, EventError> {
    #[derive(Deserialize)]
    struct Name<'a> {
        #[serde(borrow)]
        event: Cow<'a, str>,
    }
    crate::object::parse::<Name<'_>>(json).map(|name| name.event).map_err(EventError::not_an_event)
}

/// Reads the body of the event `event`, and tells where it is malformed if it is.
pub(super) fn read_body<'de, T: Deserialize<'de>>(json: &'de str, event: &str) -> Result<T, EventError> {
    serde_json::from_str(json).map_err(|_| {
        // A second pass tracks the path of the field, which costs too much to do for every event.
        let mut json = serde_json::Deserializer::from_str(json);
        let (path, reason) = match serde_path_to_error::deserialize::<_, T>(&mut json) {
            Ok(_) => (String::new(), "unreadable".to_owned()),
            Err(error) => (error.path().to_string(), describe_json(error.inner())),
        };
        EventError::Body { event: event.to_owned(), path, reason }
    })
}

/// Writes the name and the body's fields at the same level.
#[derive(Serialize)]
pub(super) struct Named<'a, T> {
    pub(super) event: &'a str,
    #[serde(flatten)]
    pub(super) body: &'a T,
}
