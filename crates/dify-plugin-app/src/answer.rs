//! What an app answered, whole.
//!
//! `Debug` prints an [outline](dify_plugin_protocol::redact) of an answer: what people are told does not belong into logs.

use std::fmt;

use dify_plugin_protocol::app::event::{
    MessageFileEvent, PauseReason, RunEvent, WorkflowFinished, WorkflowPaused,
};
use dify_plugin_protocol::app::metadata::{AppFile, AppMode, Metadata, RunStatus};
use dify_plugin_protocol::app::result::{
    ChatPausedResult, ChatResult, CompletionResult, WorkflowResult, WorkflowRun,
};
use serde_json::{Map, Value};

use crate::error::AppError;
use crate::interface::AppKind;

/// How a call came out that did not fail.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome<T> {
    /// The app is done, and this is its answer.
    Finished(T),
    /// The run waits for a person (a human input node). The call is over, the run is not.
    Paused(Box<Pause>),
}

impl<T> Outcome<T> {
    /// The answer, for a caller that has no use for a pause.
    ///
    /// # Errors
    ///
    /// [`AppError::Paused`] if the run waits for a person.
    pub fn finished(self) -> Result<T, AppError> {
        match self {
            Self::Finished(answer) => Ok(answer),
            Self::Paused(pause) => Err(AppError::Paused(pause)),
        }
    }

    /// The pause, if it is one.
    pub fn paused(&self) -> Option<&Pause> {
        match self {
            Self::Finished(_) => None,
            Self::Paused(pause) => Some(pause),
        }
    }
}

/// The answer of a Chatbot, an Agent or a Chatflow.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ChatAnswer {
    /// The text: every piece of it, or what replaced them.
    pub text: String,
    /// The conversation: give it to the next call's `conversation` to go on.
    pub conversation_id: Option<String>,
    /// The message.
    pub message_id: Option<String>,
    /// The task that produced it.
    pub task_id: Option<String>,
    /// What the answer cost and what it rests on.
    pub metadata: Option<Box<Metadata>>,
    /// The files that belong to the answer, as the end of the message lists them. Not in blocking mode.
    pub files: Vec<AppFile>,
    /// The files that were announced while the answer came. Not in blocking mode.
    pub message_files: Vec<MessageFileEvent>,
    /// The run behind it, in a Chatflow. Not in blocking mode.
    pub run: Option<Box<Run>>,
    /// The app's kind, which only blocking mode tells.
    pub mode: Option<AppMode>,
}

dify_plugin_protocol::redacted_debug!(ChatAnswer {
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

/// The answer of a Text Generator.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct CompletionAnswer {
    /// The text: every piece of it, or what replaced them.
    pub text: String,
    /// The message.
    pub message_id: Option<String>,
    /// The task that produced it.
    pub task_id: Option<String>,
    /// What the answer cost and what it rests on.
    pub metadata: Option<Box<Metadata>>,
    /// The files that belong to the answer, as the end of the message lists them. Not in blocking mode.
    pub files: Vec<AppFile>,
    /// The files that were announced while the answer came. Not in blocking mode.
    pub message_files: Vec<MessageFileEvent>,
    /// The app's kind, which only blocking mode tells.
    pub mode: Option<AppMode>,
}

dify_plugin_protocol::redacted_debug!(CompletionAnswer {
    text,
    message_id,
    task_id,
    metadata,
    files,
    message_files,
    mode
});

/// A run of a workflow that is over: the answer of a Workflow, or what lies behind that of a Chatflow.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Run {
    /// The run's result, by output variable.
    pub outputs: Map<String, Value>,
    /// How it ended. In an answer never `failed` or `stopped`: those are errors. `partial-succeeded` is a success in
    /// which nodes failed and their failures were handled.
    pub status: Option<RunStatus>,
    /// Why it failed.
    pub error: Option<String>,
    /// How many nodes failed without failing the run.
    pub exceptions_count: Option<i64>,
    /// The run.
    pub workflow_run_id: Option<String>,
    /// The workflow.
    pub workflow_id: Option<String>,
    /// The task that produced it.
    pub task_id: Option<String>,
    /// Seconds that it took.
    pub elapsed_time: Option<f64>,
    /// Tokens that it used.
    pub total_tokens: Option<i64>,
    /// Nodes that ran.
    pub total_steps: Option<i64>,
    /// When it began; Unix time, in seconds.
    pub created_at: Option<i64>,
    /// When it ended; Unix time, in seconds.
    pub finished_at: Option<i64>,
    /// Files that the run made, free in form. Not in blocking mode.
    pub files: Vec<Value>,
}

dify_plugin_protocol::redacted_debug!(Run {
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
/// The rest of it can't be had by a reverse invocation: only Dify's Service API, which wants an API key, lets one follow
/// a run by its id.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Pause {
    /// The run.
    pub workflow_run_id: Option<String>,
    /// What it waits for: the forms, with their fields and buttons. A form's token lets its bearer fill it in.
    pub reasons: Vec<PauseReason>,
    /// The nodes that wait.
    pub paused_nodes: Vec<String>,
    /// The run's outputs so far.
    pub outputs: Map<String, Value>,
    /// The text so far, in a Chatflow.
    pub text: String,
    /// The conversation, in a Chatflow.
    pub conversation_id: Option<String>,
    /// The message, in a Chatflow.
    pub message_id: Option<String>,
    /// The task that produced it.
    pub task_id: Option<String>,
    /// Seconds that it took so far.
    pub elapsed_time: Option<f64>,
    /// Tokens that it used so far.
    pub total_tokens: Option<i64>,
    /// Nodes that ran so far.
    pub total_steps: Option<i64>,
}

impl Pause {
    /// The ids of the forms that wait to be filled in.
    pub fn form_ids(&self) -> impl Iterator<Item = &str> {
        self.reasons.iter().filter_map(|reason| reason.form_id.as_deref())
    }
}

impl fmt::Debug for Pause {
    /// The forms are left out but for their ids: their tokens let anyone fill them in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pause")
            .field("workflow_run_id", &self.workflow_run_id)
            .field("form_ids", &self.form_ids().collect::<Vec<_>>())
            .field("paused_nodes", &self.paused_nodes)
            .finish_non_exhaustive()
    }
}

/// The answer of an app whose kind is told by what it sent.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AnyAnswer {
    /// Of a Chatbot, an Agent or a Chatflow.
    Chat(ChatAnswer),
    /// Of a Text Generator.
    Completion(CompletionAnswer),
    /// Of a Workflow.
    Workflow(Run),
}

impl AnyAnswer {
    /// The app's kind.
    pub fn kind(&self) -> AppKind {
        match self {
            Self::Chat(_) => AppKind::Chat,
            Self::Completion(_) => AppKind::Completion,
            Self::Workflow(_) => AppKind::Workflow,
        }
    }
}

impl Run {
    /// Whether it is a failure for the caller (`failed`, `stopped`).
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self.status, Some(RunStatus::Failed | RunStatus::Stopped))
    }

    fn of_wire(run: WorkflowRun) -> Self {
        Self {
            outputs: run.outputs.unwrap_or_default(),
            status: run.status,
            error: run.error,
            exceptions_count: None,
            workflow_run_id: run.workflow_run_id.or(run.id),
            workflow_id: run.workflow_id,
            task_id: None,
            elapsed_time: run.elapsed_time,
            total_tokens: run.total_tokens,
            total_steps: run.total_steps,
            created_at: run.created_at,
            finished_at: run.finished_at,
            files: Vec::new(),
        }
    }
}

impl From<RunEvent<WorkflowFinished>> for Run {
    fn from(event: RunEvent<WorkflowFinished>) -> Self {
        let data = event.data.map_or_else(WorkflowFinished::default, |data| *data);
        Self {
            outputs: data.outputs.unwrap_or_default(),
            status: data.status,
            error: data.error,
            exceptions_count: data.exceptions_count,
            workflow_run_id: event.workflow_run_id.or(data.id),
            workflow_id: data.workflow_id,
            task_id: event.task_id,
            elapsed_time: data.elapsed_time,
            total_tokens: data.total_tokens,
            total_steps: data.total_steps,
            created_at: data.created_at,
            finished_at: data.finished_at,
            files: data.files.unwrap_or_default(),
        }
    }
}

impl From<Run> for Pause {
    /// For a run that is said to be finished, with the status `paused`.
    fn from(run: Run) -> Self {
        Self {
            workflow_run_id: run.workflow_run_id,
            outputs: run.outputs,
            task_id: run.task_id,
            elapsed_time: run.elapsed_time,
            total_tokens: run.total_tokens,
            total_steps: run.total_steps,
            ..Self::default()
        }
    }
}

impl From<RunEvent<WorkflowPaused>> for Pause {
    fn from(event: RunEvent<WorkflowPaused>) -> Self {
        let data = event.data.map_or_else(WorkflowPaused::default, |data| *data);
        Self {
            workflow_run_id: event.workflow_run_id.or(data.workflow_run_id),
            reasons: data.reasons.unwrap_or_default(),
            paused_nodes: data.paused_nodes.unwrap_or_default(),
            outputs: data.outputs.unwrap_or_default(),
            text: String::new(),
            conversation_id: event.conversation_id,
            message_id: event.message_id,
            task_id: event.task_id,
            elapsed_time: data.elapsed_time,
            total_tokens: data.total_tokens,
            total_steps: data.total_steps,
        }
    }
}

impl From<ChatResult> for ChatAnswer {
    fn from(result: ChatResult) -> Self {
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

impl From<CompletionResult> for CompletionAnswer {
    fn from(result: CompletionResult) -> Self {
        Self {
            text: result.answer.unwrap_or_default(),
            message_id: result.message_id.or(result.id),
            task_id: result.task_id,
            metadata: result.metadata,
            mode: result.mode,
            ..Self::default()
        }
    }
}

impl From<CompletionAnswer> for ChatAnswer {
    /// For a chat app's answer that came without the signs of one.
    fn from(answer: CompletionAnswer) -> Self {
        let CompletionAnswer { text, message_id, task_id, metadata, files, message_files, mode } = answer;
        Self { text, message_id, task_id, metadata, files, message_files, mode, ..Self::default() }
    }
}

impl From<WorkflowResult> for Run {
    fn from(result: WorkflowResult) -> Self {
        let mut run = Self::of_wire(result.data.map_or_else(WorkflowRun::default, |run| *run));
        run.workflow_run_id = result.workflow_run_id.or(run.workflow_run_id);
        run.task_id = result.task_id;
        run
    }
}

impl From<WorkflowResult> for Pause {
    fn from(result: WorkflowResult) -> Self {
        let run = result.data.map_or_else(WorkflowRun::default, |run| *run);
        Self {
            workflow_run_id: result.workflow_run_id.or(run.workflow_run_id).or(run.id),
            reasons: run.reasons.unwrap_or_default(),
            paused_nodes: run.paused_nodes.unwrap_or_default(),
            outputs: run.outputs.unwrap_or_default(),
            task_id: result.task_id,
            elapsed_time: run.elapsed_time,
            total_tokens: run.total_tokens,
            total_steps: run.total_steps,
            ..Self::default()
        }
    }
}

impl From<ChatPausedResult> for Pause {
    fn from(result: ChatPausedResult) -> Self {
        let run = WorkflowResult {
            task_id: result.task_id,
            workflow_run_id: result.workflow_run_id,
            data: result.data,
            ..WorkflowResult::default()
        };
        Self {
            text: result.answer.unwrap_or_default(),
            conversation_id: result.conversation_id,
            message_id: result.message_id.or(result.id),
            ..Self::from(run)
        }
    }
}
