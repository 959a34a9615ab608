//! Why a call to an app failed.

use std::fmt;

use dify_plugin_invoke::{CallError, Failure, FailureKind};
use dify_plugin_protocol::app::event::ErrorEvent;
use dify_plugin_protocol::app::metadata::RunStatus;
use dify_plugin_protocol::redact::Redacted;
use dify_plugin_session::InvokeError;

use crate::answer::{AnyAnswer, Pause, Run};
use crate::kind::AppKind;
use crate::refusal::Refusal;

/// Why a call to an app failed.
///
/// `Display` says what to do where that is known. `Debug` shows the same message, with contents redacted.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// The daemon or Dify answered with an error, in place of events or after some.
    #[error("{received}{failure}{}", advice(refusal.as_ref(), received))]
    Refused {
        /// The daemon's text, parsed.
        failure: Box<Failure>,
        /// The reason, if it is one that only apps have.
        refusal: Option<Refusal>,
        /// What arrived before.
        received: Box<Received>,
    },
    /// The app sent an `error` event.
    #[error("{received}the app reported an error{}", Report(error))]
    Reported {
        /// The event.
        error: Box<ErrorEvent>,
        /// What arrived before.
        received: Box<Received>,
    },
    /// The run of a workflow failed or was stopped. In blocking mode Dify reports such a run like a finished one.
    #[error("{received}the run {}", run_failure(run, reported.as_deref()))]
    RunFailed {
        /// The run, with its `status` and `error`.
        run: Box<Run>,
        /// The `error` event that a Chatflow adds.
        reported: Option<Box<ErrorEvent>>,
        /// What arrived before.
        received: Box<Received>,
    },
    /// The stream ended without an event that completes the answer. This happens when Dify breaks down, and when the
    /// daemon drops events of a long burst; other events may be missing too.
    #[error("{received}the stream ended before the answer was complete, after {}", received.extent())]
    Incomplete {
        /// What arrived.
        received: Box<Received>,
    },
    /// The run moved to another server of Dify and continues there. A plugin cannot follow it.
    #[error(
        "{received}the run {}moved to another server for maintenance; a plugin cannot follow it",
        quoted(received.workflow_run_id.as_deref())
    )]
    Unfinished {
        /// What arrived, with the id of the run.
        received: Box<Received>,
    },
    /// The run waits for a person. Returned only by [`Outcome::finished`](crate::Outcome::finished).
    #[error(
        "the run {}waits for a person to fill in {} form(s); a plugin cannot follow it",
        quoted(.0.run.workflow_run_id.as_deref()),
        .0.form_ids().count()
    )]
    Paused(Box<Pause>),
    /// The app is not of the interface's kind. It ran nevertheless, and `found` is its answer.
    #[error(
        "app `{app_id}` is {}, not {}: call it with `{}`",
        found.kind().console_name(),
        expected.console_name(),
        found.kind().method()
    )]
    OtherKind {
        /// The id of the app.
        app_id: String,
        /// The kind of app that the interface is for.
        expected: AppKind,
        /// The app's answer.
        found: Box<AnyAnswer>,
    },
    /// A reply could not be read.
    #[error("{received}the reply could not be read: {reason}")]
    Unreadable {
        /// What is wrong and where, without the values in the reply.
        reason: String,
        /// What arrived before.
        received: Box<Received>,
    },
    /// The `inputs` of the call do not serialize to a JSON object, like a struct or a map does.
    #[error("the inputs of the call are not a JSON object: {reason}")]
    InvalidInputs {
        /// What is wrong, without the values in the inputs.
        reason: String,
    },
    /// The call ended on the plugin's side: it could not be sent, it timed out, its replies overran their queue, or the
    /// session or the connection ended.
    #[error("{received}the call was not completed")]
    Call {
        /// Why it ended.
        #[source]
        source: InvokeError,
        /// What arrived before.
        received: Box<Received>,
    },
}

impl fmt::Debug for AppError {
    /// Shows the message of `Display` instead of the fields, which hold what people wrote to the app.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppError")
            .field("message", &format_args!("{self}"))
            .field("received", &self.received())
            .finish()
    }
}

impl AppError {
    /// Returns the HTTP status of Dify's error.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { failure, .. } => failure.status,
            _ => self.reported().and_then(|error| u16::try_from(error.status?).ok()),
        }
    }

    /// Returns Dify's name for the error, such as `invalid_param`.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { failure, .. } => failure.code.as_deref(),
            _ => self.reported().and_then(|error| error.code.as_deref()),
        }
    }

    /// Returns the message of Dify or of the daemon, without anything around it.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Refused { failure, .. } => Some(failure.message.as_str()),
            Self::RunFailed { run, .. } if run.error.is_some() => run.error.as_deref(),
            _ => self.reported().and_then(|error| error.message.as_deref()),
        }
    }

    /// Returns the error of the daemon or Dify, parsed, for [`AppError::Refused`].
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Refused { failure, .. } => Some(failure),
            _ => None,
        }
    }

    /// Returns why Dify refused the call, if that is known.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => refusal.as_ref(),
            _ => None,
        }
    }

    /// Returns whether the plugin's manifest lacks the permission to call apps.
    pub fn is_permission_denied(&self) -> bool {
        self.failure().is_some_and(|failure| matches!(failure.kind, FailureKind::PermissionDenied(_)))
    }

    /// Returns whether the conversation does not exist for this app and this end user. A call without it starts a new
    /// one.
    pub fn is_conversation_not_found(&self) -> bool {
        self.refusal() == Some(&Refusal::ConversationNotFound)
    }

    /// Returns whether the same call may succeed if it is repeated. Whatever else the app did, it may do again.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused { failure, .. } => failure.is_retryable(),
            Self::Reported { error, .. } => {
                matches!(error.status, Some(429 | 500..=599))
                    || error.code.as_deref() == Some("completion_request_error")
            }
            Self::Incomplete { .. } => true,
            Self::Call { source, .. } => source.is_retryable(),
            _ => false,
        }
    }

    /// Returns what arrived before the failure.
    pub fn received(&self) -> Option<&Received> {
        match self {
            Self::Refused { received, .. }
            | Self::Reported { received, .. }
            | Self::RunFailed { received, .. }
            | Self::Incomplete { received }
            | Self::Unfinished { received }
            | Self::Unreadable { received, .. }
            | Self::Call { received, .. } => Some(received),
            _ => None,
        }
    }

    /// Adds what is known about the call to its error.
    pub(crate) fn of_call(error: CallError, received: Box<Received>, conversation_sent: bool) -> Self {
        match error {
            CallError::Failed(failure) => {
                let refusal = Refusal::of(&failure, received.called_as, conversation_sent);
                Self::Refused { failure, refusal, received }
            }
            CallError::Session(source) => Self::Call { source, received },
            CallError::NoReply => Self::Incomplete { received },
            CallError::Unreadable { reason } => Self::Unreadable { reason, received },
            other => Self::Unreadable { reason: other.to_string(), received },
        }
    }

    fn reported(&self) -> Option<&ErrorEvent> {
        match self {
            Self::Reported { error, .. } => Some(error),
            Self::RunFailed { reported, .. } => reported.as_deref(),
            _ => None,
        }
    }
}

/// What arrived of an answer before its call failed.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The id of the app.
    pub app_id: String,
    /// The interface through which the app was called. `None` if its parameters were fetched.
    pub called_as: Option<AppKind>,
    /// The kind of the app, if its events reveal it.
    pub found: Option<AppKind>,
    /// The number of events.
    pub events: usize,
    /// The name of the last event.
    pub last_event: Option<String>,
    /// The text so far, from [`AppCall::answer`](crate::AppCall::answer). Empty for a stream, which returned its events.
    pub text: String,
    /// The id of the conversation, in chat apps.
    pub conversation_id: Option<String>,
    /// The id of the message, in chat and completion apps.
    pub message_id: Option<String>,
    /// The id of the task.
    pub task_id: Option<String>,
    /// The id of the run, in Workflows and Chatflows.
    pub workflow_run_id: Option<String>,
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("app_id", &self.app_id)
            .field("called_as", &self.called_as)
            .field("found", &self.found)
            .field("events", &self.events)
            .field("last_event", &self.last_event)
            .field("text", &Redacted(&self.text))
            .field("conversation_id", &self.conversation_id)
            .field("message_id", &self.message_id)
            .field("task_id", &self.task_id)
            .field("workflow_run_id", &self.workflow_run_id)
            .finish()
    }
}

impl fmt::Display for Received {
    /// Names the app, as the start of a message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "app `{}`: ", self.app_id)
    }
}

impl Received {
    fn extent(&self) -> String {
        match &self.last_event {
            None => "nothing".to_owned(),
            Some(last) => format!("{} event(s), the last a `{last}`", self.events),
        }
    }
}

/// An id within a sentence.
fn quoted(id: Option<&str>) -> String {
    id.map(|id| format!("`{id}` ")).unwrap_or_default()
}

/// What to do about a refusal, at the end of a message.
fn advice(refusal: Option<&Refusal>, received: &Received) -> String {
    let advice = refusal.and_then(|refusal| refusal.advice(received.called_as));
    advice.map(|advice| format!(" ({advice})")).unwrap_or_default()
}

/// An `error` event at the end of a message.
struct Report<'a>(&'a ErrorEvent);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ErrorEvent { status, code, message, .. } = self.0;
        let label = [status.map(|status| status.to_string()), code.clone()];
        let label = label.into_iter().flatten().collect::<Vec<_>>().join(" ");
        if !label.is_empty() {
            write!(f, ", {label}")?;
        }
        if let Some(message) = message.as_deref().filter(|message| !message.is_empty()) {
            write!(f, ": {message}")?;
        }
        f.write_str(match code.as_deref() {
            Some("provider_not_initialize") => " (set the credentials of the model's provider in Dify)",
            Some("provider_quota_exceeded") => " (the workspace's quota of this model is used up)",
            Some("model_currently_not_support") => " (the workspace is not allowed to use this model)",
            Some("completion_request_error") => " (the model's provider failed)",
            _ => "",
        })
    }
}

/// How a run failed, at the end of a message.
fn run_failure(run: &Run, reported: Option<&ErrorEvent>) -> String {
    let verdict = match run.status.as_ref().map(RunStatus::as_str) {
        None => "failed",
        Some("stopped") => "was stopped",
        Some(other) => other,
    };
    match (run.error.as_deref(), reported) {
        (Some(reason), _) if !reason.is_empty() => format!("{verdict}: {reason}"),
        (_, Some(error)) => format!("{verdict}{}", Report(error)),
        _ => verdict.to_owned(),
    }
}
