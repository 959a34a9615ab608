//! The whole answer of an app.
//!
//! `Debug` prints answers [redacted](dify_plugin_protocol::redact): texts and outputs do not belong in logs.

use std::fmt;

use dify_plugin_protocol::app::event::{MessageFileEvent, PauseReason, WorkflowRun};
use dify_plugin_protocol::app::metadata::{AppFile, AppMode, Metadata, RunStatus};
use dify_plugin_protocol::app::result::MessageResult;
use dify_plugin_protocol::redacted_debug;
use serde_json::{Map, Value};

use crate::kind::AppKind;

/// The answer of a Chatbot, an Agent, a Chatflow or a Text Generator.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct MessageAnswer {
    /// The text, with all chunks joined and replacements applied.
    pub text: String,
    /// The id of the conversation. Pass it to the next call's `conversation` to continue. Not from a Text Generator.
    pub conversation_id: Option<String>,
    /// The id of the message.
    pub message_id: Option<String>,
    /// The id of the task.
    pub task_id: Option<String>,
    /// The cost and the sources of the answer.
    pub metadata: Option<Box<Metadata>>,
    /// The files of the answer, as listed at the end of the message. Empty in blocking mode.
    pub files: Vec<AppFile>,
    /// The files that were announced while the answer was streamed. Empty in blocking mode.
    pub message_files: Vec<MessageFileEvent>,
    /// The run of a Chatflow. `None` in blocking mode.
    pub run: Option<Box<Run>>,
    /// The kind of app. Known only in blocking mode.
    pub mode: Option<AppMode>,
}

redacted_debug!(MessageAnswer {
    text,
    conversation_id,
    message_id,
    task_id,
    metadata,
    files,
    message_files,
    run,
    mode
});

/// A finished run of a workflow: the answer of a Workflow, and part of the answer of a Chatflow.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Run {
    /// The outputs, by variable.
    pub outputs: Map<String, Value>,
    /// How the run ended. `failed` and `stopped` occur only in errors. `partial-succeeded` is a success in which nodes
    /// failed and their failures were handled.
    pub status: Option<RunStatus>,
    /// Why the run failed.
    pub error: Option<String>,
    /// Number of nodes that failed without failing the run.
    pub exceptions_count: Option<i64>,
    /// The id of the run.
    pub workflow_run_id: Option<String>,
    /// The id of the workflow.
    pub workflow_id: Option<String>,
    /// The id of the task.
    pub task_id: Option<String>,
    /// Execution time, in seconds.
    pub elapsed_time: Option<f64>,
    /// Number of tokens used.
    pub total_tokens: Option<i64>,
    /// Number of nodes executed.
    pub total_steps: Option<i64>,
    /// Start time, as a Unix timestamp in seconds.
    pub created_at: Option<i64>,
    /// End time, as a Unix timestamp in seconds.
    pub finished_at: Option<i64>,
    /// Files that the run created. Empty in blocking mode.
    pub files: Vec<Value>,
}

redacted_debug!(Run {
    outputs,
    status,
    error,
    exceptions_count,
    workflow_run_id,
    workflow_id,
    task_id,
    elapsed_time,
    total_tokens,
    total_steps,
    created_at,
    finished_at,
    files
});

/// A run that waits for a person.
///
/// A plugin cannot follow the run any further: only Dify's Service API can, by the run's id, and it requires an API key.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Pause {
    /// The run so far.
    pub run: Run,
    /// What the run waits for: forms with their fields and buttons. Anyone who has a form's token can fill it in.
    pub reasons: Vec<PauseReason>,
    /// The ids of the nodes that wait.
    pub paused_nodes: Vec<String>,
    /// The text so far, in a Chatflow.
    pub text: String,
    /// The id of the conversation, in a Chatflow.
    pub conversation_id: Option<String>,
    /// The id of the message, in a Chatflow.
    pub message_id: Option<String>,
}

impl Pause {
    /// Returns the ids of the forms to fill in.
    pub fn form_ids(&self) -> impl Iterator<Item = &str> {
        self.reasons.iter().filter_map(|reason| reason.form_id.as_deref())
    }
}

impl fmt::Debug for Pause {
    /// Shows only the ids of the forms, since their tokens are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pause")
            .field("workflow_run_id", &self.run.workflow_run_id)
            .field("form_ids", &self.form_ids().collect::<Vec<_>>())
            .field("paused_nodes", &self.paused_nodes)
            .finish_non_exhaustive()
    }
}

/// The answer of an app of any kind.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AnyAnswer {
    /// From a Chatbot, an Agent or a Chatflow.
    Chat(MessageAnswer),
    /// From a Text Generator.
    Completion(MessageAnswer),
    /// From a Workflow.
    Workflow(Run),
}

impl AnyAnswer {
    /// Returns the kind of the app.
    pub fn kind(&self) -> AppKind {
        match self {
            Self::Chat(_) => AppKind::Chat,
            Self::Completion(_) => AppKind::Completion,
            Self::Workflow(_) => AppKind::Workflow,
        }
    }
}

impl Run {
    /// Returns whether the run is a failure for the caller: `failed` or `stopped`.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self.status, Some(RunStatus::Failed | RunStatus::Stopped))
    }

    /// Creates a run from `data` and the fields beside it.
    pub(crate) fn new(
        data: Option<Box<WorkflowRun>>,
        workflow_run_id: Option<String>,
        task_id: Option<String>,
    ) -> Self {
        let run = data.map_or_else(WorkflowRun::default, |run| *run);
        Self {
            outputs: run.outputs.unwrap_or_default(),
            status: run.status,
            error: run.error,
            exceptions_count: run.exceptions_count,
            workflow_run_id: workflow_run_id.or(run.workflow_run_id).or(run.id),
            workflow_id: run.workflow_id,
            task_id,
            elapsed_time: run.elapsed_time,
            total_tokens: run.total_tokens,
            total_steps: run.total_steps,
            created_at: run.created_at,
            finished_at: run.finished_at,
            files: run.files.unwrap_or_default(),
        }
    }
}

impl Pause {
    /// Creates a pause from `data` and the fields beside it.
    pub(crate) fn new(
        mut data: Option<Box<WorkflowRun>>,
        workflow_run_id: Option<String>,
        task_id: Option<String>,
    ) -> Self {
        let waiting = data.as_mut().map(|run| (run.reasons.take(), run.paused_nodes.take()));
        let (reasons, paused_nodes) = waiting.unwrap_or_default();
        Self {
            run: Run::new(data, workflow_run_id, task_id),
            reasons: reasons.unwrap_or_default(),
            paused_nodes: paused_nodes.unwrap_or_default(),
            ..Self::default()
        }
    }
}

impl From<MessageResult> for MessageAnswer {
    fn from(result: MessageResult) -> Self {
        Self {
            text: result.answer.unwrap_or_default(),
            conversation_id: result.conversation_id,
            message_id: result.message_id.or(result.id),
            task_id: result.task_id,
            metadata: result.metadata,
            mode: result.mode,
            ..Self::default()
        }
    }
}
