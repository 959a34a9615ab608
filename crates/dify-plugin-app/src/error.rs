//! What can go wrong with an app: one error, whichever way it went.

use std::fmt;
use std::sync::Arc;

use dify_plugin_invoke::{CallError, Failure, FailureKind};
use dify_plugin_protocol::app::event::ErrorEvent;
use dify_plugin_protocol::redact::Redacted;
use dify_plugin_session::InvokeError;

use crate::answer::{AnyAnswer, Pause, Run};
use crate::interface::AppKind;
use crate::refusal::Refusal;

/// Why a call of an app failed.
///
/// An app fails in four ways on the wire, and its stream can just stop; all of them come out as this. `Display` says
/// what to do where that is known; `Debug` prints the same text, and an outline of what came along.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// The daemon or Dify answered with an error, in place of events or after some.
    #[error("{received}{failure}{}", Advice(refusal.as_ref().and_then(|refusal| refusal.advice(received.called_as))))]
    Refused {
        /// The daemon's text, parsed.
        failure: Box<Failure>,
        /// The reason, if it is one that only apps have.
        refusal: Option<Refusal>,
        /// What arrived before.
        received: Box<Received>,
    },
    /// The app itself reported an error, in an `error` event.
    #[error("{received}the app reported an error{}", Report(error))]
    Reported {
        /// The event.
        error: Box<ErrorEvent>,
        /// What had come.
        received: Box<Received>,
    },
    /// The run of a workflow failed or was stopped. In blocking mode Dify answers such a run as if all were well.
    #[error("{received}the run {}{}", run_verdict(run), run_reason(run, reported.as_deref()))]
    RunFailed {
        /// The run, with its `status` and `error`.
        run: Box<Run>,
        /// The `error` event that a Chatflow adds.
        reported: Option<Box<ErrorEvent>>,
        /// What had come.
        received: Box<Received>,
    },
    /// The answer ended without any of the events that end one. The daemon reports a break inside Dify like that, and it
    /// drops events when they come in a burst; what came may have holes.
    #[error(
        "{received}the answer ended before it was complete, after {}; Dify or the connection to it broke",
        received.extent()
    )]
    Incomplete {
        /// What had come.
        received: Box<Received>,
    },
    /// The run was moved to another server of Dify and goes on there. A plugin can't follow it.
    #[error(
        "{received}Dify is being maintained: the run {}goes on elsewhere, out of a plugin's reach",
        quoted(received.workflow_run_id.as_deref())
    )]
    Unfinished {
        /// What had come, with the run's id.
        received: Box<Received>,
    },
    /// The run waits for a person; from [`Outcome::finished`](crate::Outcome::finished) alone.
    #[error(
        "the run {}waits for a person to fill in {} form(s); a plugin can't follow it",
        quoted(.0.workflow_run_id.as_deref()),
        .0.form_ids().count()
    )]
    Paused(Box<Pause>),
    /// The app is of another kind than the interface it was called through. It did run, and this is its answer.
    #[error(
        "app `{app_id}` is {}, not {}: call it with `{}`",
        found.kind().console_name(),
        expected.console_name(),
        found.kind().method()
    )]
    OtherKind {
        /// The app's id.
        app_id: String,
        /// What the interface is meant for.
        expected: AppKind,
        /// What the app answered.
        found: Box<AnyAnswer>,
    },
    /// Something came that can't be read. The fault of Dify, or of these types.
    #[error("{received}the answer could not be read: {reason}")]
    Unreadable {
        /// What is wrong with it, and where, without the values in it.
        reason: String,
        /// What had come.
        received: Box<Received>,
    },
    /// The `inputs` of the call are no JSON object. The caller's fault.
    #[error(
        "the inputs of a call must serialise to a JSON object, such as a struct or a map does; they are {found}"
    )]
    InputsNotAnObject {
        /// What they are instead.
        found: &'static str,
    },
    /// The `inputs` of the call could not be serialised. The caller's fault.
    #[error("the inputs of the call could not be serialised to JSON")]
    InputsNotJson(#[source] Arc<serde_json::Error>),
    /// The call could not be made, or no more was heard of it.
    #[error("{received}the call did not come to its end")]
    Call {
        /// What happened to it.
        #[source]
        source: InvokeError,
        /// What had come.
        received: Box<Received>,
    },
}

impl fmt::Debug for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, detail): (_, Option<(_, &dyn fmt::Debug)>) = match self {
            Self::Refused { failure, .. } => ("Refused", Some(("failure", failure))),
            Self::Reported { error, .. } => ("Reported", Some(("error", error))),
            Self::RunFailed { run, .. } => ("RunFailed", Some(("run", run))),
            Self::Incomplete { .. } => ("Incomplete", None),
            Self::Unfinished { .. } => ("Unfinished", None),
            Self::Paused(pause) => ("Paused", Some(("pause", pause))),
            Self::OtherKind { found, .. } => ("OtherKind", Some(("found", found))),
            Self::Unreadable { .. } => ("Unreadable", None),
            Self::InputsNotAnObject { .. } => ("InputsNotAnObject", None),
            Self::InputsNotJson(_) => ("InputsNotJson", None),
            Self::Call { source, .. } => ("Call", Some(("source", source))),
        };
        let mut error = f.debug_struct(name);
        error.field("text", &format_args!("{self}"));
        if let Some((name, detail)) = detail {
            error.field(name, detail);
        }
        if let Some(received) = self.received() {
            error.field("received", received);
        }
        error.finish()
    }
}

impl AppError {
    /// The HTTP status that Dify gave with the error.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { failure, .. } => failure.status,
            _ => self.reported().and_then(|error| u16::try_from(error.status?).ok()),
        }
    }

    /// Dify's name of the error, such as `invalid_param`. Names that a newer Dify adds come too.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { failure, .. } => failure.code.as_deref(),
            _ => self.reported().and_then(|error| error.code.as_deref()),
        }
    }

    /// What Dify or the daemon says, without what is around it.
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

    /// Whether the same call may succeed if made again: nothing about the call itself was found wrong. What an app does
    /// besides answering, it may do twice then.
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

    /// What had come of the answer.
    pub fn received(&self) -> Option<&Received> {
        match self {
            Self::Refused { received, .. }
            | Self::Reported { received, .. }
            | Self::RunFailed { received, .. }
            | Self::Incomplete { received }
            | Self::Unfinished { received }
            | Self::Unreadable { received, .. }
            | Self::Call { received, .. } => Some(received),
            Self::Paused(_)
            | Self::OtherKind { .. }
            | Self::InputsNotAnObject { .. }
            | Self::InputsNotJson(_) => None,
        }
    }

    /// Adds the text of a fold.
    pub(crate) fn with_text(mut self, text: String) -> Self {
        match &mut self {
            Self::Refused { received, .. }
            | Self::Reported { received, .. }
            | Self::RunFailed { received, .. }
            | Self::Incomplete { received }
            | Self::Unfinished { received }
            | Self::Unreadable { received, .. }
            | Self::Call { received, .. } => received.text = text,
            _ => {}
        }
        self
    }

    /// Adds what is known of the call to its error.
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

/// What had come of an answer when its call failed.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The app that was called.
    pub app_id: String,
    /// The interface it was called through; `None` for its parameters.
    pub called_as: Option<AppKind>,
    /// What the app is, as far as its events told.
    pub found: Option<AppKind>,
    /// How many events came.
    pub events: usize,
    /// The name of the last one.
    pub last_event: Option<String>,
    /// The text so far, of a folded answer. Empty for a stream, whose events were handed out.
    pub text: String,
    /// The conversation, in chat apps.
    pub conversation_id: Option<String>,
    /// The message, in chat and completion apps.
    pub message_id: Option<String>,
    /// The task that produced the answer.
    pub task_id: Option<String>,
    /// The run, in Workflows and Chatflows.
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
    /// Which app, to begin an error's text with.
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

/// An id in mid-sentence.
fn quoted(id: Option<&str>) -> String {
    id.map(|id| format!("`{id}` ")).unwrap_or_default()
}

/// What to do, at the end of a message.
struct Advice(Option<&'static str>);

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |advice| write!(f, " ({advice})"))
    }
}

/// An `error` event, as the end of a sentence.
struct Report<'a>(&'a ErrorEvent);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ErrorEvent { status, code, message, .. } = self.0;
        if let Some(status) = status {
            write!(f, ", {status}")?;
        }
        if let Some(code) = code {
            write!(f, " {code}")?;
        }
        if let Some(message) = message.as_deref().filter(|message| !message.is_empty()) {
            write!(f, ": {message}")?;
        }
        f.write_str(match code.as_deref() {
            Some("provider_not_initialize") => " (give the model's provider its credentials in Dify)",
            Some("provider_quota_exceeded") => " (the workspace's quota of this model is used up)",
            Some("model_currently_not_support") => " (the workspace may not use this model)",
            Some("completion_request_error") => " (the model's provider failed)",
            _ => "",
        })
    }
}

fn run_verdict(run: &Run) -> String {
    run.status.as_ref().map_or_else(
        || "failed".to_owned(),
        |status| match status.as_str() {
            "stopped" => "was stopped".to_owned(),
            other => other.to_owned(),
        },
    )
}

fn run_reason(run: &Run, reported: Option<&ErrorEvent>) -> String {
    match (&run.error, reported) {
        (Some(reason), _) if !reason.is_empty() => format!(": {reason}"),
        (_, Some(error)) => Report(error).to_string(),
        _ => String::new(),
    }
}
