//! Why Dify refused to run an app.

use dify_plugin_protocol::invoke::{Failure, FailureKind, FailureStage};

use crate::kind::AppKind;

/// A known reason why Dify refused to run an app, or to return its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The workspace has no app with this id.
    AppNotFound,
    /// The app is of a kind that cannot be called, or was never published.
    WrongMode,
    /// A chat app was called without a query.
    MissingQuery,
    /// An Agent was called in blocking mode.
    AgentNeedsStreaming,
    /// An input that the app requires is missing.
    MissingInput(String),
    /// The conversation does not exist, or belongs to another app or end user. Dify refuses such a call without a reason;
    /// this is how such a refusal is read if the call had a conversation id.
    ConversationNotFound,
    /// Dify gave no reason.
    Unexplained,
    /// Dify has no end user for the session's user. Before Dify 1.15 only.
    UserNotFound,
    /// A Text Generator was called. Those calls fail with an internal error in the Dify releases known so far.
    CompletionBroken,
    /// Dify returned no parameters. The daemon does not pass on why.
    NoParameters,
}

impl Refusal {
    /// Reads the reason from Dify's message. `called_as` is `None` for a call that fetches parameters.
    pub(crate) fn of(failure: &Failure, called_as: Option<AppKind>, conversation_sent: bool) -> Option<Self> {
        let (kind, before_reply) = (&failure.kind, failure.stage == FailureStage::BeforeReply);
        match (kind, called_as) {
            (FailureKind::NoData, None) => return Some(Self::NoParameters),
            (FailureKind::InternalError, Some(AppKind::Completion)) if before_reply => {
                return Some(Self::CompletionBroken);
            }
            (FailureKind::Refused, _) => {}
            _ => return None,
        }
        Some(match failure.message.as_str() {
            "app not found" => Self::AppNotFound,
            "unexpected app type" => Self::WrongMode,
            "missing query" => Self::MissingQuery,
            "Agent Chat App does not support blocking mode" => Self::AgentNeedsStreaming,
            "user not found" => Self::UserNotFound,
            "" if failure.code.as_deref() != Some("invalid_param") => return None,
            "" if conversation_sent => Self::ConversationNotFound,
            "" => Self::Unexplained,
            message => Self::MissingInput(message.strip_suffix(" is required in input form")?.to_owned()),
        })
    }

    /// Returns what to do about it.
    pub(crate) fn advice(&self, called_as: Option<AppKind>) -> Option<&'static str> {
        Some(match self {
            Self::AppNotFound => {
                "use the id from the URL of the app's page in Dify's console; the app must be in the plugin's workspace"
            }
            Self::WrongMode => "the app may never have been published",
            Self::MissingQuery if called_as == Some(AppKind::Chat) => "set one with `query`",
            Self::MissingQuery => "this is a chat app: call it with `chat(id)` and `query`",
            Self::AgentNeedsStreaming => "use `answer()` instead of `blocking()`",
            Self::MissingInput(_) => "set it with `input`; `fetch(id)` returns the inputs of the app",
            Self::ConversationNotFound => {
                "a conversation id is valid only for the same app and the same end user, and before Dify 1.15 each call \
                 could be a new end user; a call without `conversation` starts a new one"
            }
            Self::Unexplained => "Dify gave no reason; older releases refuse an unpublished app this way",
            Self::UserNotFound => return None,
            Self::CompletionBroken => {
                "calls to Text Generator apps fail in all Dify releases known so far; use a Chatbot or a Workflow instead"
            }
            Self::NoParameters => "the app does not exist in this workspace, or was never published",
        })
    }
}
