//! What can go wrong: with the plugin as a whole, and with one session of it.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use dify_plugin_protocol::ErrorData;
use dify_plugin_protocol::limits::ERROR_ARGS;
use serde_json::json;

use crate::encode;

/// Why a plugin could not be started or asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The program could not be started.
    #[error("cannot start `{program}` in `{directory}`")]
    Spawn {
        /// The program, as given.
        program: String,
        /// The directory it was to run in.
        directory: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The plugin was gone before its first heartbeat.
    #[error("plugin failed to start, it ended before its first heartbeat: {}{}{}", .0.brief(), printed(&.0.junk), words(&.0.stderr))]
    FailedToStart(Arc<PluginExit>),
    /// The first heartbeat did not come in time; the plugin was killed.
    #[error(
        "failed to start plugin as no heartbeat received within {} s; a plugin writes \
         {{\"event\":\"heartbeat\"}} on stdout when it is ready{}{}", .limit.as_secs_f64(), printed(.junk), words(.stderr)
    )]
    NotReady {
        /// The limit, [`HostConfig::ready_timeout`](crate::HostConfig::ready_timeout).
        limit: Duration,
        /// The beginning of what it wrote on stdout that the daemon passes over, at most 1,024 bytes.
        junk: String,
        /// The end of what it wrote on stderr, at most 1,024 bytes.
        stderr: String,
    },
    /// The plugin is gone; start another.
    #[error("the plugin is gone: {0}")]
    PluginExited(Arc<PluginExit>),
    /// A session with this id is open.
    #[error("a session with the id `{0}` is open; choose another id or none")]
    SessionOpen(String),
}

/// How a plugin's process came to its end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PluginExit {
    /// Why it ended.
    pub cause: ExitCause,
    /// What the process left, where the system told.
    pub status: Option<ExitStatus>,
    /// The beginning of what it wrote on stdout before its first heartbeat that the daemon passes over, at most 1,024
    /// bytes. Shown only where that heartbeat never came.
    pub junk: String,
    /// The end of what it wrote on stderr, at most 1,024 bytes.
    pub stderr: String,
}

impl std::fmt::Display for PluginExit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.brief(), words(&self.stderr))
    }
}

impl PluginExit {
    /// How it ended, without what it wrote on stderr.
    pub fn brief(&self) -> String {
        match (&self.cause, self.status) {
            (ExitCause::Exited, Some(status)) => match status.code() {
                // What Rust's runtime leaves after a panic of `main`.
                Some(101) => format!("it exited by itself ({status}, as a Rust program does that panicked)"),
                Some(_) => format!("it exited by itself ({status})"),
                None => by_signal(status),
            },
            (cause, _) => cause.to_string(),
        }
    }
}

impl std::error::Error for PluginExit {}

/// An end without an exit code, which the host didn't bring about.
fn by_signal(status: ExitStatus) -> String {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    match signal {
        // The numbers are the same on every Unix.
        Some(9) => format!("it was killed ({status}), by somebody or by the system, as when memory runs out"),
        Some(4 | 6 | 8 | 11) => format!("it crashed ({status})"),
        _ => format!("it was ended by somebody else ({status})"),
    }
}

/// Why a plugin's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExitCause {
    /// It exited, or somebody else killed it.
    #[error("it exited by itself")]
    Exited,
    /// It wrote a line longer than the limit and was killed for it. The daemon does the same, without a word.
    #[error("it was killed for a line of more than {limit} bytes on stdout; send less in one message")]
    FrameTooLong {
        /// The limit, [`HostConfig::frame_bytes`](crate::HostConfig::frame_bytes).
        limit: usize,
    },
    /// It closed its stdout and was killed for it.
    #[error("it was killed after its stdout was closed")]
    StdoutClosed,
    /// It closed its stdin and was killed for it.
    #[error("it was killed after it closed its stdin")]
    StdinClosed,
    /// It wrote nothing for too long and was killed for it.
    #[error("it was killed after it was silent for {} s; heartbeats must not depend on request work", .limit.as_secs_f64())]
    Silent {
        /// The limit, [`HostConfig::silence_timeout`](crate::HostConfig::silence_timeout).
        limit: Duration,
    },
    /// It had been asked to end, by [`Host::shutdown`](crate::Host::shutdown).
    #[error("it was shut down")]
    Shutdown,
    /// The host killed it because it was told to, or because its last handle was dropped.
    #[error("it was killed on request")]
    Killed,
}

fn printed(junk: &str) -> String {
    if junk.is_empty() {
        String::new()
    } else {
        format!("; what it wrote on stdout, where nothing but messages belongs:\n{}", junk.trim_end())
    }
}

fn words(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!("; the end of its stderr:\n{}", stderr.trim_end()) }
}

/// How a session failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SessionFailure {
    /// The plugin answered with an error.
    #[error("{0}")]
    Plugin(ErrorData),
    /// The host closed the session over something the plugin wrote, in the daemon's words: `unmarshal_error`,
    /// `invoke_dify_error`, `unknown_stream_message_type` (`internal/core/io_tunnel/generic.go`).
    #[error("{0}")]
    Refused(ErrorData),
    /// The plugin answered with an error that cannot be read. The daemon drops such an error without a word, and the
    /// `end` after it then reads as success (`internal/core/io_tunnel/generic.go`).
    #[error(
        "the plugin's error cannot be read: {reason}; the daemon would drop it and report success \
         (`args` is an object of at most {ERROR_ARGS} entries, `error_type` and `message` are strings). It was: {data}"
    )]
    UnreadableError {
        /// What is wrong with it.
        reason: String,
        /// The error as it came, at most 1,024 bytes of it.
        data: String,
    },
    /// An answer that the daemon would let pass, or drop, leaving the caller with a broken result.
    #[error("{0}")]
    BadMessage(String),
    /// The session took longer than it may; the plugin was told nothing, as the daemon tells it nothing.
    #[error("killed by timeout ({} s)", .limit.as_secs_f64())]
    TimedOut {
        /// The limit, [`HostConfig::session_timeout`](crate::HostConfig::session_timeout).
        limit: Duration,
    },
    /// Messages were not read fast enough.
    #[error("answers outran their queue of {limit} bytes; read them faster or raise the limit")]
    Overrun {
        /// The limit that was met, in bytes.
        limit: usize,
    },
    /// The plugin's process ended while the session was open.
    #[error("the plugin ended while the session was open: {0}")]
    PluginExited(Arc<PluginExit>),
}

impl SessionFailure {
    /// How it failed, without what a plugin that is gone wrote on stderr.
    pub fn brief(&self) -> String {
        match self {
            Self::PluginExited(exit) => {
                format!("the plugin ended while the session was open: {}", exit.brief())
            }
            other => other.to_string(),
        }
    }

    /// The text that a caller of the daemon gets: of an error of the plugin, or one in the daemon's words, the JSON of
    /// its fields (`pkg/entities/plugin_entities/event.go`, `internal/core/io_tunnel/generic.go`). Never what the plugin
    /// wrote on stderr, which the daemon shows to no caller.
    pub fn daemon_text(&self) -> String {
        match self {
            Self::Plugin(ErrorData { error_type, message, args }) => {
                encode::text(&json!({"args": args, "error_type": error_type, "message": message}))
            }
            Self::Refused(ErrorData { error_type, message, .. }) => {
                encode::text(&json!({"error_type": error_type, "message": message}))
            }
            Self::TimedOut { .. } => "killed by timeout".to_owned(),
            other => other.brief(),
        }
    }
}
