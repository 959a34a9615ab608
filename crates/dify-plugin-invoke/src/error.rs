//! Why a reverse invocation failed.

use std::time::Duration;

use dify_plugin_protocol::invoke::{Failure, FailureKind};
use dify_plugin_session::InvokeError;

/// Why a reverse invocation failed.
///
/// `Display` says what to do where that is known.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The daemon or Dify answered with an error.
    #[error(transparent)]
    Failed(Box<Failure>),
    /// The call ended on the plugin's side: it could not be sent, its replies stopped or overran their queue, or the
    /// session or the connection ended. Never [`InvokeError::Refused`], which becomes [`CallError::Failed`].
    #[error(transparent)]
    Session(InvokeError),
    /// A reply could not be read, or there were more replies than the call allows.
    #[error("the reply could not be read: {reason}")]
    Unreadable {
        /// What is wrong and where, without the values in the reply.
        reason: String,
    },
    /// The call ended without a reply.
    #[error("the call ended without a reply")]
    NoReply,
}

/// The clock that ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timeout {
    /// The plugin's: no reply arrived for this long. See [`Calls::idle_timeout`](crate::Calls::idle_timeout).
    Idle(Duration),
    /// The daemon's `DIFY_BACKWARDS_INVOCATION_READ_TIMEOUT`: reading the whole of Dify's response took longer, even if
    /// data kept arriving. Default: 240 s.
    DaemonRead,
}

impl CallError {
    /// Returns the error of the daemon or Dify, parsed.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// Returns which clock ended the call, if one did.
    pub fn timeout(&self) -> Option<Timeout> {
        match self {
            Self::Session(InvokeError::TimedOut { after, .. }) => Some(Timeout::Idle(*after)),
            Self::Failed(failure) if failure.kind == FailureKind::ReadTimeout => Some(Timeout::DaemonRead),
            _ => None,
        }
    }

    /// Returns whether the same call may succeed if it is repeated. Whatever Dify did for the first call, it may do again.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Failed(failure) => failure.is_retryable(),
            Self::Session(error) => error.is_retryable(),
            Self::NoReply => true,
            Self::Unreadable { .. } => false,
        }
    }
}

impl From<InvokeError> for CallError {
    fn from(error: InvokeError) -> Self {
        match error {
            InvokeError::Refused { message } => Self::Failed(Box::new(Failure::parse(&message))),
            other => Self::Session(other),
        }
    }
}
