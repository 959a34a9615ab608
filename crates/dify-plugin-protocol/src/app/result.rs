//! The reply of an app in blocking mode: a single object.

use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::app::event::{EventError, Named, NoData, RunEvent, WorkflowRun, read_body};
use crate::app::metadata::{AppMode, Metadata};
use crate::redact::Redacted;
use crate::wire_object::wire_object;

/// The reply of an app in blocking mode.
///
/// The fields tell which kind of app sent it, not the interface through which the app was called.
#[derive(Clone, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum AppResult {
    /// From a Chatbot or a Chatflow.
    Chat(MessageResult),
    /// From a Chatflow that waits for a person.
    ChatPaused(MessageResult),
    /// From a Text Generator.
    Completion(MessageResult),
    /// From a Workflow, also if the run failed or waits for a person: see its status.
    Workflow(WorkflowResult),
    /// The run moved to another server and continues there.
    MaintenancePaused(MaintenancePausedResult),
    /// Any other object.
    Unknown(Box<RawValue>),
}

impl AppResult {
    /// Parses a reply.
    ///
    /// # Errors
    ///
    /// If it is not a JSON object, or a field has the wrong type.
    pub fn parse(json: &str) -> Result<Self, EventError> {
        #[derive(Deserialize)]
        struct Signs {
            event: Option<String>,
            mode: Option<AppMode>,
            conversation_id: Option<String>,
            workflow_run_id: Option<String>,
            data: Option<IgnoredAny>,
            answer: Option<IgnoredAny>,
        }
        let signs: Signs = crate::object::parse(json).map_err(EventError::not_an_event)?;
        let is_run = signs.workflow_run_id.is_some() || signs.data.is_some();
        match (signs.event.as_deref(), signs.mode) {
            (Some(event @ "workflow_paused"), _) => read_body(json, event).map(Self::ChatPaused),
            (Some(event @ "workflow_maintenance_paused"), _) => {
                read_body(json, event).map(Self::MaintenancePaused)
            }
            (Some("message") | None, Some(AppMode::Completion)) => {
                read_body(json, "message").map(Self::Completion)
            }
            (Some(event @ "message"), None) if signs.conversation_id.is_none() => {
                read_body(json, event).map(Self::Completion)
            }
            (Some(event @ "message"), _) => read_body(json, event).map(Self::Chat),
            (None, None) if is_run => read_body(json, "workflow result").map(Self::Workflow),
            (None, _) if signs.answer.is_some() => read_body(json, "message").map(Self::Chat),
            _ => serde_json::from_str(json).map(Self::Unknown).map_err(EventError::not_an_event),
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
    /// The reply of a Chatbot, a Chatflow or a Text Generator.
    pub struct MessageResult {
        /// `message`, or `workflow_paused` from a Chatflow that waits for a person.
        event: String,
        /// The id of the task.
        task_id: String,
        /// The id of the message again.
        id: String,
        /// The id of the message.
        message_id: String,
        /// The id of the conversation. Send it with the next call to continue. Not from a Text Generator.
        conversation_id: String,
        /// The kind of app.
        mode: AppMode,
        /// The text.
        answer: String,
        /// The cost and the sources of the answer.
        metadata: Box<Metadata>,
        /// A Unix timestamp, in seconds.
        created_at: i64,
        /// The id of the run, while it waits for a person.
        workflow_run_id: String,
        /// The run, while it waits for a person.
        data: Box<WorkflowRun>,
    }
}

wire_object! {
    /// The reply of a Workflow. It has no `event`.
    pub struct WorkflowResult {
        /// The id of the task.
        task_id: String,
        /// The id of the run.
        workflow_run_id: String,
        /// The run.
        data: Box<WorkflowRun>,
    }
}

/// A run that moved to another server, with the fields of the event `workflow_maintenance_paused`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct MaintenancePausedResult(pub RunEvent<NoData>);

impl Serialize for MaintenancePausedResult {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Named { event: "workflow_maintenance_paused", body: &self.0 }.serialize(serializer)
    }
}
