//! Collecting the events of a stream into one answer.

use std::fmt;

use dify_plugin_protocol::app::event::{
    EventError, MessageEndEvent, MessageFileEvent, RunEvent, WorkflowRun,
};
use dify_plugin_protocol::app::metadata::RunStatus;
use dify_plugin_protocol::redact::Redacted;

use crate::answer::{AnyAnswer, MessageAnswer, Pause, Run};
use crate::error::Received;
use crate::event::{Event, EventKind};
use crate::kind::AppKind;
use crate::outcome::Outcome;

/// The answer so far.
#[derive(Default)]
pub(crate) struct Fold {
    text: String,
    /// A workflow's text output. Its result is in `outputs`; the text is only for an answer that is cut off.
    chunks: String,
    end: Option<MessageEndEvent>,
    files: Vec<MessageFileEvent>,
    run: Option<Run>,
    pause: Option<Pause>,
}

impl fmt::Debug for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fold").field("text", &Redacted(&self.text)).finish_non_exhaustive()
    }
}

impl Fold {
    /// Adds an event.
    ///
    /// # Errors
    ///
    /// If a part of the result cannot be read.
    pub(crate) fn add(&mut self, event: &Event) -> Result<(), EventError> {
        match event.kind() {
            EventKind::Message | EventKind::AgentMessage => {
                self.text.push_str(event.answer().unwrap_or_default());
            }
            EventKind::MessageReplace => {
                self.text.clear();
                self.text.push_str(event.answer_field().unwrap_or_default());
            }
            EventKind::TextChunk => self.chunks.push_str(event.data_text().unwrap_or_default()),
            EventKind::TextReplace => {
                self.chunks.clear();
                self.chunks.push_str(event.data_text().unwrap_or_default());
            }
            EventKind::MessageEnd => self.end = Some(event.read()?),
            EventKind::MessageFile => self.files.push(event.read()?),
            EventKind::WorkflowFinished | EventKind::WorkflowPaused => {
                let RunEvent { data, workflow_run_id, task_id, .. } =
                    event.read::<RunEvent<WorkflowRun>>()?;
                let says_paused = data.as_ref().is_some_and(|run| run.status == Some(RunStatus::Paused));
                match event.kind() {
                    EventKind::WorkflowPaused => {
                        self.pause = Some(Pause::new(data, workflow_run_id, task_id))
                    }
                    // An earlier `workflow_paused` has more details.
                    _ if says_paused => {
                        self.pause.get_or_insert_with(|| Pause::new(data, workflow_run_id, task_id));
                    }
                    // A run that had paused has resumed since.
                    _ => (self.run, self.pause) = (Some(Run::new(data, workflow_run_id, task_id)), None),
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns the text so far, for an answer that was cut off.
    pub(crate) fn into_text(self) -> String {
        if self.text.is_empty() { self.chunks } else { self.text }
    }

    /// Returns the answer of an app of the given kind, with the ids from the stream. `None` if there was no answer.
    pub(crate) fn outcome(self, kind: AppKind, ids: &Received) -> Option<Outcome<AnyAnswer>> {
        if let Some(mut pause) = self.pause {
            (pause.conversation_id, pause.message_id) = (ids.conversation_id.clone(), ids.message_id.clone());
            pause.text = if self.text.is_empty() { self.chunks } else { self.text };
            pause.run.task_id = pause.run.task_id.or_else(|| ids.task_id.clone());
            return Some(Outcome::Paused(Box::new(pause)));
        }
        if kind == AppKind::Workflow {
            return self.run.map(|run| Outcome::Finished(AnyAnswer::Workflow(run)));
        }
        let end = self.end.unwrap_or_default();
        let answer = MessageAnswer {
            text: self.text,
            conversation_id: ids.conversation_id.clone(),
            message_id: ids.message_id.clone().or(end.id),
            task_id: ids.task_id.clone(),
            metadata: end.metadata,
            files: end.files.unwrap_or_default(),
            message_files: self.files,
            run: self.run.map(Box::new),
            mode: None,
        };
        Some(Outcome::Finished(match kind {
            AppKind::Completion => AnyAnswer::Completion(answer),
            _ => AnyAnswer::Chat(answer),
        }))
    }
}
