//! What an app answers in blocking mode: one object.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::app::event::{EventError, NoData, PauseReason, RunEvent, read_body};
use crate::app::metadata::RunStatus;
use crate::redact::Redacted;
use crate::wire_object::wire_object;

pub use crate::app::metadata::{AppMode, Metadata, RetrieverResource, Usage};

/// The one object that an app answers with in blocking mode, of whichever kind the app is.
///
/// The kind is told by what is there, not by the interface the app was called through.
#[derive(Clone, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum AppResult {
    /// Of a Chatbot or Chatflow.
    Chat(ChatResult),
    /// Of a Chatflow that waits for a person.
    ChatPaused(ChatPausedResult),
    /// Of a Text Generator.
    Completion(CompletionResult),
    /// Of a Workflow. One that failed, or waits for a person, comes in this shape too: look at its status.
    Workflow(WorkflowResult),
    /// The run moved to another server and goes on there.
    MaintenancePaused(MaintenancePausedResult),
    /// None of these, as it came.
    Unknown(Box<RawValue>),
}

impl AppResult {
    /// Reads a result.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, or a field has another type than expected.
    pub fn parse(json: &str) -> Result<Self, EventError> {
        #[derive(Deserialize)]
        struct Signs {
            event: Option<String>,
            mode: Option<AppMode>,
            conversation_id: Option<String>,
            workflow_run_id: Option<String>,
            data: Option<serde::de::IgnoredAny>,
            answer: Option<serde::de::IgnoredAny>,
        }
        let signs: Signs = crate::object::parse(json).map_err(EventError::not_an_event)?;
        match (signs.event.as_deref(), signs.mode) {
            (Some("workflow_paused"), _) => read_body(json, "workflow_paused").map(Self::ChatPaused),
            (Some("workflow_maintenance_paused"), _) => {
                read_body(json, "workflow_maintenance_paused").map(Self::MaintenancePaused)
            }
            (Some("message") | None, Some(AppMode::Completion)) => {
                read_body(json, "message").map(Self::Completion)
            }
            (Some("message"), None) if signs.conversation_id.is_none() => {
                read_body(json, "message").map(Self::Completion)
            }
            (Some("message"), _) => read_body(json, "message").map(Self::Chat),
            (None, None) if signs.workflow_run_id.is_some() || signs.data.is_some() => {
                read_body(json, "workflow result").map(Self::Workflow)
            }
            (None, _) if signs.answer.is_some() => read_body(json, "message").map(Self::Chat),
            _ => serde_json::from_str(json).map(Self::Unknown).map_err(EventError::not_an_event),
        }
    }

    /// What kind of answer it is, in a word for a person.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Chat(_) | Self::ChatPaused(_) => "chat",
            Self::Completion(_) => "completion",
            Self::Workflow(_) | Self::MaintenancePaused(_) => "workflow",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl fmt::Debug for AppResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = |name, result: &dyn fmt::Debug| f.debug_tuple(name).field(result).finish();
        match self {
            Self::Chat(chat) => result("Chat", chat),
            Self::ChatPaused(paused) => result("ChatPaused", paused),
            Self::Completion(completion) => result("Completion", completion),
            Self::Workflow(workflow) => result("Workflow", workflow),
            Self::MaintenancePaused(paused) => result("MaintenancePaused", paused),
            Self::Unknown(json) => result("Unknown", &Redacted(json)),
        }
    }
}

wire_object! {
    /// The answer of a Chatbot or Chatflow.
    pub struct ChatResult {
        /// Always `message`.
        event: String,
        /// The task that produced it.
        task_id: String,
        /// The message, again.
        id: String,
        /// The message.
        message_id: String,
        /// The conversation: send it with the next call to go on.
        conversation_id: String,
        /// The app's kind.
        mode: AppMode,
        /// The text.
        answer: String,
        /// What it cost and what it rests on.
        metadata: Box<Metadata>,
        /// Unix time, in seconds.
        created_at: i64,
    }
}

wire_object! {
    /// The answer of a Text Generator.
    pub struct CompletionResult {
        /// Always `message`.
        event: String,
        /// The task that produced it.
        task_id: String,
        /// The message, again.
        id: String,
        /// The message.
        message_id: String,
        /// The app's kind.
        mode: AppMode,
        /// The text.
        answer: String,
        /// What it cost and what it rests on.
        metadata: Box<Metadata>,
        /// Unix time, in seconds.
        created_at: i64,
    }
}

wire_object! {
    /// The answer of a Chatflow that waits for a person.
    pub struct ChatPausedResult {
        /// Always `workflow_paused`.
        event: String,
        /// The task that produced it.
        task_id: String,
        /// The message, again.
        id: String,
        /// The message.
        message_id: String,
        /// The conversation.
        conversation_id: String,
        /// The app's kind.
        mode: AppMode,
        /// The text so far.
        answer: String,
        /// What it cost and what it rests on, so far.
        metadata: Box<Metadata>,
        /// Unix time, in seconds.
        created_at: i64,
        /// The run.
        workflow_run_id: String,
        /// The run so far.
        data: Box<WorkflowRun>,
    }
}

wire_object! {
    /// The answer of a Workflow. It has no `event`.
    pub struct WorkflowResult {
        /// The task that produced it.
        task_id: String,
        /// The run.
        workflow_run_id: String,
        /// The run itself.
        data: Box<WorkflowRun>,
    }
}

wire_object! {
    /// A run of a workflow, over or waiting.
    pub struct WorkflowRun {
        /// The run.
        id: String,
        /// The workflow.
        workflow_id: String,
        /// The run, again, where it waits.
        workflow_run_id: String,
        /// How it stands. A blocking call returns normally when this is `failed` or `stopped`.
        status: RunStatus,
        /// Its result.
        outputs: Map<String, Value>,
        /// Why it failed.
        error: String,
        /// Seconds that it took.
        elapsed_time: f64,
        /// Tokens that it used.
        total_tokens: i64,
        /// Nodes that ran.
        total_steps: i64,
        /// Unix time, in seconds.
        created_at: i64,
        /// Unix time, in seconds; null while it waits.
        finished_at: i64,
        /// The nodes that wait.
        paused_nodes: Vec<String>,
        /// What they wait for.
        reasons: Vec<PauseReason>,
    }
}

/// A run that moved to another server: the fields of the event of that name.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct MaintenancePausedResult(pub RunEvent<NoData>);

impl Serialize for MaintenancePausedResult {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::app::event::Named { event: "workflow_maintenance_paused", body: &self.0 }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_told_by_what_is_there() {
        for (json, kind) in [
            (r#"{"event":"message","mode":"advanced-chat","answer":"a"}"#, "chat"),
            (r#"{"event":"message","conversation_id":"c","answer":"a"}"#, "chat"),
            (r#"{"event":"message","mode":"completion","answer":"a"}"#, "completion"),
            (r#"{"event":"message","answer":"a"}"#, "completion"),
            (r#"{"task_id":"t","workflow_run_id":"r","data":{"status":"failed"}}"#, "workflow"),
            (r#"{"event":null,"data":{}}"#, "workflow"),
            (r#"{"event":"workflow_maintenance_paused","workflow_run_id":"r"}"#, "workflow"),
            (r#"{"event":"workflow_paused","mode":"advanced-chat","data":{"status":"paused"}}"#, "chat"),
            (r#"{"event":"something_new"}"#, "unknown"),
            ("{}", "unknown"),
        ] {
            assert_eq!(AppResult::parse(json).unwrap().kind(), kind, "{json}");
        }
        assert!(AppResult::parse("[]").is_err());
    }
}
