//! The errors of a connection, of sending, and of reverse invocations.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use dify_plugin_protocol::InvokeType;

/// Why a connection broke, or could not be made.
///
/// An orderly end is not an error: see [`Connection::accept`](crate::Connection::accept). Cloning is cheap, so that one
/// cause reaches every call and every session that it ends.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The input ended inside a frame: the daemon died or was cut off.
    #[error("the plugin's input ended in the middle of a frame, after {bytes} bytes of it")]
    EndInsideFrame {
        /// How much of the frame had come; of one over the limit, the limit.
        bytes: usize,
    },
    /// The grace after [`Handle::shutdown`](crate::Handle::shutdown) was too short.
    #[error("the plugin shut down before it was done: {}", incomplete(*sessions, *unread))]
    ShutdownIncomplete {
        /// How many sessions were failed.
        sessions: usize,
        /// Whether the daemon left some of the output unread; the errors of those sessions may be among it.
        unread: bool,
    },
    /// The input and every session had ended, and the daemon did not read the rest of the output within
    /// [`Config::shutdown_grace`](crate::Config::shutdown_grace) from then.
    #[error(
        "the daemon closed the plugin's input, and within `shutdown_grace` did not read all that the plugin wrote"
    )]
    Unread,
    /// The daemon closed its end of the output.
    #[error("the daemon no longer reads the plugin's output")]
    OutputClosed,
    /// Reading the input failed.
    #[error("reading the plugin's input failed")]
    Read(#[source] Arc<io::Error>),
    /// Writing the output failed.
    #[error("writing the plugin's output failed")]
    Write(#[source] Arc<io::Error>),
    /// The process's own stdin and stdout could not be taken over.
    #[error("taking over stdin and stdout failed: {step}")]
    Stdio {
        /// The step that failed.
        step: &'static str,
        /// The error of the system.
        #[source]
        source: Arc<io::Error>,
    },
}

impl ConnectionError {
    /// Sorts an error of writing: the daemon closing its end is told apart from any other failure.
    pub(crate) fn writing(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::OutputClosed,
            _ => Self::Write(Arc::new(error)),
        }
    }
}

/// Why a message of a session could not be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The session has ended: it was finished or failed, or its deadline has passed.
    #[error("the session has ended; nothing can be sent in it any more")]
    Ended,
    /// The frame is longer than the daemon takes. If it were sent, the daemon would kill the process.
    #[error(
        "a message of {size} bytes is over the daemon's limit of {limit}; send less at a time, or a blob in chunks"
    )]
    TooLarge {
        /// The length of the whole frame, in bytes.
        size: usize,
        /// The longest frame the daemon takes, in bytes.
        limit: usize,
    },
    /// The message could not be serialised.
    #[error("the message could not be serialised to JSON")]
    Encode(#[source] serde_json::Error),
    /// The connection has ended, and with it the session. Without a cause if the end was orderly.
    #[error("the connection has ended")]
    Closed(#[source] Option<ConnectionError>),
}

/// Why a reverse invocation failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// Dify, or the daemon on its behalf, replied with an error. Its meaning depends on the call.
    #[error("Dify refused the call: {message}")]
    Refused {
        /// The daemon's text, of which at most 64 KiB are kept.
        message: String,
    },
    /// Replies came faster than they were read. Those that fitted into the queue were delivered before this.
    #[error("replies outran their queue of {limit} bytes; read faster, or raise `{field}`")]
    Overrun {
        /// The limit that was hit, in bytes.
        limit: usize,
        /// The field of [`Config`](crate::Config) that sets it.
        field: &'static str,
    },
    /// No reply came for too long. Either Dify is slow, or the session's caller has left: the daemon then stops replying.
    #[error(
        "no reply to the `{kind}` call for {} s; raise `invocation_timeout` or the call's own limit if Dify needs longer",
        after.as_secs_f64()
    )]
    TimedOut {
        /// The type of the call.
        kind: InvokeType,
        /// The idle limit, counted from the last reply.
        after: Duration,
    },
    /// A reply could not be read: it is malformed, or its frame is over the limit.
    #[error("a reply to the call could not be read: {reason}")]
    Malformed {
        /// What was wrong with it.
        reason: String,
    },
    /// The session has ended, and the daemon takes no calls in it any more.
    #[error("the session has ended; no calls can be made in it any more")]
    Ended,
    /// The frame of the call is longer than the daemon takes.
    #[error("a request of {size} bytes is over the daemon's limit of {limit}; send less")]
    TooLarge {
        /// The length of the whole frame, in bytes.
        size: usize,
        /// The longest frame the daemon takes, in bytes.
        limit: usize,
    },
    /// The request could not be serialised.
    #[error("the request could not be serialised to JSON")]
    Encode(#[source] Arc<serde_json::Error>),
    /// The connection ended before the call was answered. Without a cause if the end was orderly: the daemon closed the
    /// plugin's input, or the [`Connection`](crate::Connection) was dropped.
    #[error("the connection ended before the call was answered")]
    Closed(#[source] Option<ConnectionError>),
}

impl InvokeError {
    /// Returns whether the same call may succeed if made again: nothing was wrong with the call itself.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Overrun { .. } | Self::TimedOut { .. } | Self::Malformed { .. })
    }
}

impl From<SendError> for InvokeError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Ended => Self::Ended,
            SendError::TooLarge { size, limit } => Self::TooLarge { size, limit },
            SendError::Encode(error) => Self::Encode(Arc::new(error)),
            SendError::Closed(cause) => Self::Closed(cause),
        }
    }
}

fn incomplete(sessions: usize, unread: bool) -> String {
    let unread_output = "the daemon did not read all that the plugin wrote";
    match (sessions, unread) {
        (0, _) => format!("within `shutdown_grace`, {unread_output}"),
        (sessions, false) => format!("{sessions} sessions took longer than `shutdown_grace` and were failed"),
        (sessions, true) => format!(
            "{sessions} sessions took longer than `shutdown_grace` and were failed, and {unread_output}"
        ),
    }
}
