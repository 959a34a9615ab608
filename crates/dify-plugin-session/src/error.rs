//! What can go wrong, by whom it concerns.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use dify_plugin_protocol::InvokeType;

/// Why a connection ended, or could not begin. One cause is shared by all who wait and all who come later.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The daemon closed its end of our input. Nothing is wrong: open sessions may finish.
    #[error("the daemon closed the plugin's input")]
    EndOfInput,
    /// The input ended inside a line: the daemon died or was cut off.
    #[error("the plugin's input ended in the middle of a line, after {bytes} bytes of it")]
    EndInsideLine {
        /// How much of the line had come; of one over the limit, how much is taken.
        bytes: usize,
    },
    /// [`Handle::shutdown`](crate::Handle::shutdown) was called.
    #[error("the plugin is shutting down")]
    Shutdown,
    /// The grace after [`Handle::shutdown`](crate::Handle::shutdown) was too short.
    #[error("the plugin shut down before it was done: {}", incomplete(*sessions, *heard))]
    ShutdownIncomplete {
        /// Sessions that were failed.
        sessions: usize,
        /// Whether everything was written, the errors of those sessions among it.
        heard: bool,
    },
    /// The input had ended and every session too, and in
    /// [`Config::shutdown_grace`](crate::Config::shutdown_grace) from then the daemon did not read what they had said.
    #[error(
        "the daemon closed the plugin's input, and within DIFY_PLUGIN_SHUTDOWN_GRACE did not read all that the plugin wrote"
    )]
    Unread,
    /// The [`Connection`](crate::Connection) was dropped while sessions were open.
    #[error("the connection was dropped")]
    Dropped,
    /// Nobody reads our output any more.
    #[error("the daemon no longer reads the plugin's output")]
    OutputClosed,
    /// Reading failed.
    #[error("reading the plugin's input failed")]
    Read(#[source] io::Error),
    /// Writing failed.
    #[error("writing the plugin's output failed")]
    Write(#[source] io::Error),
    /// The process's own stdin and stdout could not be taken over.
    #[error("taking over stdin and stdout failed: {step}")]
    Stdio {
        /// What was being done.
        step: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ConnectionError {
    /// Whether this is an orderly end rather than a fault: the daemon closed our input, or we were asked to stop.
    pub fn is_orderly(&self) -> bool {
        matches!(self, Self::EndOfInput | Self::Shutdown)
    }
}

/// Why a message of a session could not be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The session has ended already: finished, failed, or past its deadline. The caller's fault, or its clock's.
    #[error("the session has ended; nothing can be sent in it any more")]
    Ended,
    /// The message is longer than the daemon takes; one more byte would make it kill the process.
    #[error(
        "a message of {size} bytes is over the daemon's limit of {limit}; send less at a time, or a blob in chunks"
    )]
    TooLarge {
        /// The whole line, in bytes.
        size: usize,
        /// What the daemon takes, in bytes.
        limit: usize,
    },
    /// The message could not be serialised.
    #[error("the message could not be serialised to JSON")]
    Encode(#[source] serde_json::Error),
    /// The connection is gone, and with it the session.
    #[error("the connection has ended")]
    Closed(#[source] Arc<ConnectionError>),
}

/// Why a reverse invocation failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// Dify, or the daemon for it, answered with an error. What it means depends on the call.
    #[error("Dify refused the call: {message}")]
    Refused {
        /// The daemon's text, unchanged.
        message: String,
    },
    /// Replies came faster than they were read. What fitted was delivered before this.
    #[error("replies outran their queue of {limit} bytes; read faster, or raise {setting}")]
    Overrun {
        /// The limit that was hit, in bytes.
        limit: usize,
        /// The environment variable that raises it.
        setting: &'static str,
    },
    /// Nothing came for too long. Either Dify is slow, or our caller is gone: the daemon then falls silent.
    #[error(
        "no answer to the `{kind}` call for {} s; raise MAX_INVOCATION_TIMEOUT or the call's own limit if Dify needs longer",
        after.as_secs_f64()
    )]
    TimedOut {
        /// What was called.
        kind: InvokeType,
        /// The idle limit that passed, counted from the last reply.
        after: Duration,
    },
    /// An answer came that could not be read. The daemon's fault, or a line over our limit.
    #[error("an answer to the call could not be read: {reason}")]
    Malformed {
        /// What was wrong with it.
        reason: String,
    },
    /// The session has ended; the daemon answers nothing in it any more.
    #[error("the session has ended; nothing can be asked in it any more")]
    Ended,
    /// The request is longer than the daemon takes.
    #[error("a request of {size} bytes is over the daemon's limit of {limit}; send less")]
    TooLarge {
        /// The whole line, in bytes.
        size: usize,
        /// What the daemon takes, in bytes.
        limit: usize,
    },
    /// The request could not be serialised.
    #[error("the request could not be serialised to JSON")]
    Encode(#[source] Arc<serde_json::Error>),
    /// The connection ended before the call was answered.
    #[error("the connection ended before the call was answered")]
    Closed(#[source] Arc<ConnectionError>),
}

impl InvokeError {
    /// Whether the same call may succeed if made again: nothing about the call itself was found wrong.
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

fn incomplete(sessions: usize, heard: bool) -> String {
    let unheard = "the daemon did not read all that the plugin wrote";
    match (sessions, heard) {
        (0, _) => format!("within DIFY_PLUGIN_SHUTDOWN_GRACE, {unheard}"),
        (sessions, heard) => {
            let more = if heard { String::new() } else { format!(", and {unheard}") };
            format!("{sessions} sessions took longer than DIFY_PLUGIN_SHUTDOWN_GRACE and were failed{more}")
        }
    }
}
