//! What a stream has shown so far, and what its end means. No I/O and no clock: told of each event, it judges at the end.

use dify_plugin_invoke::CallError;
use dify_plugin_protocol::app::event::{ErrorEvent, EventError, RunEvent, WorkflowFinished};
use serde::de::DeserializeOwned;

use crate::answer::Run;
use crate::error::{AppError, Received};
use crate::event::{Event, EventKind};
use crate::interface::AppKind;

/// The running account of one call.
#[derive(Debug)]
pub(crate) struct Progress {
    received: Received,
    called_as: AppKind,
    /// Whether the call carried a `conversation_id`, which tells what an empty refusal means.
    conversation_sent: bool,
    last: String,
    signs: Signs,
    ending: Ending,
}

/// What the events say about the app's kind. None is certain alone: the events of older releases, and of a script, may
/// lack their ids.
#[derive(Debug, Default)]
struct Signs {
    conversation: bool,
    message: bool,
    agent: bool,
    run: bool,
}

/// Which of the events came that end an answer. Several may, in any order.
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
        }
    }

    /// Takes note of an event. Gives it back to be handed out, but for an `error`, which comes out at the end.
    ///
    /// # Errors
    ///
    /// If the event decides about the call and can't be read.
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
                if says_failure(event.raw()) {
                    let finished: RunEvent<WorkflowFinished> = read(&event)?;
                    self.ending.failed = Some(Box::new(Run::from(finished)));
                }
            }
            EventKind::WorkflowMoved => self.ending.moved = true,
            EventKind::Error => {
                self.ending.reported = Some(Box::new(read(&event)?));
                return Ok(None);
            }
            _ => {}
        }
        Ok(Some(event))
    }

    /// What the app is, as far as its events told.
    pub(crate) fn kind(&self) -> Option<AppKind> {
        self.signs.kind(self.called_as)
    }

    pub(crate) fn called_as(&self) -> AppKind {
        self.called_as
    }

    /// What came along with the answer: ids above all.
    pub(crate) fn into_received(mut self) -> Received {
        *self.take_received()
    }

    pub(crate) fn app_id(&self) -> &str {
        &self.received.app_id
    }

    /// The daemon said `end`: an error if the answer failed or is not whole. To be called once.
    pub(crate) fn finish(&mut self) -> Option<AppError> {
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

    /// The call failed. What the app itself had said of its failure is nearer to the cause. To be called once.
    pub(crate) fn fail(&mut self, error: CallError) -> AppError {
        if let Some(failure) = self.stated_failure() {
            return failure;
        }
        let received = self.take_received();
        AppError::of_call(error, received, self.conversation_sent)
    }

    /// Something came that can't be read. To be called once.
    pub(crate) fn unreadable(&mut self, error: &EventError) -> AppError {
        AppError::Unreadable { reason: error.to_string(), received: self.take_received() }
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
        received
    }
}

impl Signs {
    fn add(&mut self, kind: EventKind, event: &Event) {
        match kind {
            EventKind::AgentMessage | EventKind::AgentThought => self.agent = true,
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
        self.conversation |= event.conversation_id().is_some_and(|id| !id.is_empty());
    }

    fn kind(&self, called_as: AppKind) -> Option<AppKind> {
        match self {
            Self { conversation: true, .. } | Self { agent: true, .. } => Some(AppKind::Chat),
            // A message without a conversation: of a Text Generator, unless something speaks for a chat app.
            Self { message: true, run, .. } if *run || called_as == AppKind::Chat => Some(AppKind::Chat),
            Self { message: true, .. } => Some(AppKind::Completion),
            Self { run: true, .. } => Some(AppKind::Workflow),
            _ => None,
        }
    }
}

/// Whether a `workflow_finished` tells of a failure; the rest of it may be large.
fn says_failure(json: &str) -> bool {
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

/// Reads an event whose type is known from its name.
pub(crate) fn read<T: DeserializeOwned>(event: &Event) -> Result<T, EventError> {
    serde_json::from_str(event.raw()).map_err(|_| {
        // The whole reader finds the field, and the words.
        event.decode().err().unwrap_or_else(|| EventError::NotAnEvent { reason: "unreadable".to_owned() })
    })
}
