//! A stream, folded into one answer.

use dify_plugin_protocol::app::event::{
    EventError, MessageEndEvent, MessageFileEvent, RunEvent, WorkflowFinished, WorkflowPaused,
};
use dify_plugin_protocol::app::metadata::RunStatus;

use crate::answer::{AnyAnswer, ChatAnswer, CompletionAnswer, Outcome, Pause, Run};
use crate::error::Received;
use crate::event::{Event, EventKind};
use crate::interface::AppKind;
use crate::progress::read;

/// What the events of an answer add up to.
#[derive(Default)]
pub(crate) struct Fold {
    text: String,
    /// A workflow's text as it is shown; its result is `outputs`. Kept for an answer that breaks off.
    chunks: String,
    end: Option<MessageEndEvent>,
    files: Vec<MessageFileEvent>,
    run: Option<Run>,
    pause: Option<Pause>,
}

impl Fold {
    /// Adds an event.
    ///
    /// # Errors
    ///
    /// If a part of the result can't be read.
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
            EventKind::MessageEnd => self.end = Some(read(event)?),
            EventKind::MessageFile => self.files.push(read(event)?),
            EventKind::WorkflowFinished => {
                let run = Run::from(read::<RunEvent<WorkflowFinished>>(event)?);
                if run.status == Some(RunStatus::Paused) {
                    self.pause.get_or_insert_with(|| run.into());
                } else {
                    // If it had paused, it went on.
                    (self.run, self.pause) = (Some(run), None);
                }
            }
            EventKind::WorkflowPaused => {
                self.pause = Some(read::<RunEvent<WorkflowPaused>>(event)?.into());
            }
            _ => {}
        }
        Ok(())
    }

    /// The text so far, for an answer that broke off.
    pub(crate) fn into_text(self) -> String {
        if self.text.is_empty() { self.chunks } else { self.text }
    }

    /// The answer of an app of this kind, with the ids that came along. `None` if what came holds none.
    pub(crate) fn outcome(self, kind: AppKind, ids: &Received) -> Option<Outcome<AnyAnswer>> {
        if let Some(mut pause) = self.pause {
            pause.text = if self.text.is_empty() { self.chunks } else { self.text };
            pause.conversation_id = pause.conversation_id.or_else(|| ids.conversation_id.clone());
            pause.message_id = pause.message_id.or_else(|| ids.message_id.clone());
            pause.task_id = pause.task_id.or_else(|| ids.task_id.clone());
            return Some(Outcome::Paused(Box::new(pause)));
        }
        let end = self.end.unwrap_or_default();
        Some(Outcome::Finished(match kind {
            AppKind::Workflow => AnyAnswer::Workflow(self.run?),
            AppKind::Chat => AnyAnswer::Chat(ChatAnswer {
                text: self.text,
                conversation_id: ids.conversation_id.clone(),
                message_id: ids.message_id.clone().or(end.id),
                task_id: ids.task_id.clone(),
                metadata: end.metadata,
                files: end.files.unwrap_or_default(),
                message_files: self.files,
                run: self.run.map(Box::new),
                mode: None,
            }),
            AppKind::Completion => AnyAnswer::Completion(CompletionAnswer {
                text: self.text,
                message_id: ids.message_id.clone().or(end.id),
                task_id: ids.task_id.clone(),
                metadata: end.metadata,
                files: end.files.unwrap_or_default(),
                message_files: self.files,
                mode: None,
            }),
        }))
    }
}
