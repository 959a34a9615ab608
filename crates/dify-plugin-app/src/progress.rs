//! What a stream has sent so far, and what its end means. No I/O and no clock.

use std::sync::Once;

use dify_plugin_invoke::CallError;
use dify_plugin_protocol::app::event::{ErrorEvent, EventError, RunEvent, WorkflowRun};

use crate::answer::{AnyAnswer, Run};
use crate::error::{AppError, Received};
use crate::event::{Event, EventKind};
use crate::fold::Fold;
use crate::kind::AppKind;
use crate::outcome::Outcome;

/// The state of one streamed call.
#[derive(Debug)]
pub(crate) struct Progress {
    received: Received,
    called_as: AppKind,
    /// Whether the call had a `conversation_id`. If so, a refusal without a reason means that there is no such conversation.
    conversation_sent: bool,
    /// The name of the last event. Kept outside of `received` to reuse its allocation.
    last: String,
    signs: Signs,
    ending: Ending,
    /// Collects the answer, for a caller that does not want the events. Boxed, because most calls do not have it.
    fold: Option<Box<Fold>>,
}

/// What the events tell about the app's kind. No sign is reliable on its own: older releases leave ids out.
#[derive(Debug, Default)]
struct Signs {
    chat: bool,
    message: bool,
    run: bool,
}

/// The final events that arrived. There may be several, in any order.
#[derive(Debug, Default)]
struct Ending {
    complete: bool,
    moved: bool,
    reported: Option<Box<ErrorEvent>>,
    failed: Option<Box<Run>>,
}

impl Progress {
    pub(crate) fn new(app_id: String, called_as: AppKind, conversation_sent: bool) -> Self {
        Self {
            received: Received { app_id, called_as: Some(called_as), ..Received::default() },
            called_as,
            conversation_sent,
            last: String::new(),
            signs: Signs::default(),
            ending: Ending::default(),
            fold: None,
        }
    }

    /// Collects the answer from the events.
    pub(crate) fn folding(mut self) -> Self {
        self.fold = Some(Box::default());
        self
    }

    /// Records an event and returns it, except for an `error`, which [`finish`](Self::finish) returns as an error.
    ///
    /// # Errors
    ///
    /// If the event is part of the result and cannot be read.
    pub(crate) fn note(&mut self, event: Event) -> Result<Option<Event>, EventError> {
        let kind = event.kind();
        self.received.events += 1;
        self.last.clear();
        self.last.push_str(event.name());
        self.signs.add(kind, &event);
        let received = &mut self.received;
        for (known, id) in [
            (&mut received.conversation_id, event.conversation_id()),
            (&mut received.message_id, event.message_id()),
            (&mut received.task_id, event.task_id()),
            (&mut received.workflow_run_id, event.workflow_run_id()),
        ] {
            if let (None, Some(id)) = (&known, id) {
                *known = Some(id.to_owned());
            }
        }
        match kind {
            EventKind::MessageEnd | EventKind::WorkflowPaused => self.ending.complete = true,
            EventKind::WorkflowFinished => {
                self.ending.complete = true;
                if is_failed_run(event.raw()) {
                    let finished: RunEvent<WorkflowRun> = event.read()?;
                    let run = Run::new(finished.data, finished.workflow_run_id, finished.task_id);
                    self.ending.failed = Some(Box::new(run));
                }
            }
            EventKind::WorkflowMoved => self.ending.moved = true,
            EventKind::Error => {
                self.ending.reported = Some(Box::new(event.read()?));
                return Ok(None);
            }
            _ => {}
        }
        if let Some(fold) = &mut self.fold {
            fold.add(&event)?;
        }
        Ok(Some(event))
    }

    /// Returns the kind of the app, if its events reveal it.
    pub(crate) fn kind(&self) -> Option<AppKind> {
        self.signs.kind(self.called_as)
    }

    /// Returns the collected answer, after a stream that ended without an error.
    ///
    /// # Errors
    ///
    /// [`AppError::Incomplete`] if the events contained no answer.
    pub(crate) fn into_outcome(mut self) -> Result<Outcome<AnyAnswer>, AppError> {
        let kind = self.kind().unwrap_or(self.called_as);
        let fold = self.fold.take().unwrap_or_default();
        let received = self.take_received();
        fold.outcome(kind, &received).ok_or(AppError::Incomplete { received })
    }

    /// Returns an error if the answer failed or is incomplete. Call it once, when the daemon has ended the call.
    pub(crate) fn finish(&mut self) -> Option<AppError> {
        self.warn_about_other_kind();
        let failure = self.stated_failure();
        if failure.is_some() || self.ending.complete {
            return failure;
        }
        let received = self.take_received();
        Some(if self.ending.moved {
            AppError::Unfinished { received }
        } else {
            AppError::Incomplete { received }
        })
    }

    /// Returns the error of a call that failed. Call it once. An error that the app reported takes precedence, since it
    /// is closer to the cause.
    pub(crate) fn fail(&mut self, error: CallError) -> AppError {
        if let Some(failure) = self.stated_failure() {
            return failure;
        }
        let received = self.take_received();
        AppError::of_call(error, received, self.conversation_sent)
    }

    /// Returns the error for an event that cannot be read. Call it once.
    pub(crate) fn unreadable(&mut self, error: &EventError) -> AppError {
        AppError::Unreadable { reason: error.to_string(), received: self.take_received() }
    }

    /// Logs a warning, once per process, if events are returned through the interface of another kind.
    fn warn_about_other_kind(&self) {
        static OTHER_KIND: Once = Once::new();
        let (app_id, expected) = (&self.received.app_id, self.called_as);
        if let Some(found) = self.kind().filter(|found| *found != expected && self.fold.is_none()) {
            OTHER_KIND.call_once(|| {
                tracing::warn!(
                    "app `{app_id}` is {}, but was called with `{}`; call it with `{}` (logged once)",
                    found.console_name(),
                    expected.method(),
                    found.method()
                );
            });
        }
    }

    fn stated_failure(&mut self) -> Option<AppError> {
        let Ending { reported, failed, .. } = &mut self.ending;
        let (reported, failed) = (reported.take(), failed.take());
        if let Some(run) = failed {
            return Some(AppError::RunFailed { run, reported, received: self.take_received() });
        }
        Some(AppError::Reported { error: reported?, received: self.take_received() })
    }

    fn take_received(&mut self) -> Box<Received> {
        let found = self.kind();
        let mut received = Box::new(std::mem::take(&mut self.received));
        received.found = found;
        received.last_event = (received.events > 0).then(|| std::mem::take(&mut self.last));
        received.text = self.fold.take().map(|fold| fold.into_text()).unwrap_or_default();
        received
    }
}

impl Signs {
    fn add(&mut self, kind: EventKind, event: &Event) {
        match kind {
            EventKind::AgentMessage | EventKind::AgentThought => self.chat = true,
            EventKind::Message
            | EventKind::MessageReplace
            | EventKind::MessageEnd
            | EventKind::MessageFile => self.message = true,
            EventKind::Run
            | EventKind::TextChunk
            | EventKind::TextReplace
            | EventKind::WorkflowFinished
            | EventKind::WorkflowPaused
            | EventKind::WorkflowMoved => self.run = true,
            EventKind::Error | EventKind::Other => {}
        }
        self.chat |= event.conversation_id().is_some_and(|id| !id.is_empty());
    }

    fn kind(&self, called_as: AppKind) -> Option<AppKind> {
        match self {
            Self { chat: true, .. } => Some(AppKind::Chat),
            // A message without a conversation comes from a Text Generator, unless there are other signs of a chat app.
            Self { message: true, run, .. } if *run || called_as == AppKind::Chat => Some(AppKind::Chat),
            Self { message: true, .. } => Some(AppKind::Completion),
            Self { run: true, .. } => Some(AppKind::Workflow),
            _ => None,
        }
    }
}

/// Returns whether a `workflow_finished` reports a failure. Reads only the status, since the rest may be large.
fn is_failed_run(json: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Finished<'a> {
        #[serde(borrow)]
        data: Data<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        status: std::borrow::Cow<'a, str>,
    }
    serde_json::from_str::<Finished<'_>>(json)
        .is_ok_and(|finished| matches!(&*finished.data.status, "failed" | "stopped"))
}
