//! Errors of a plugin, and of one of its sessions.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use dify_plugin_protocol::ErrorData;
use dify_plugin_protocol::limits::ERROR_ARGS;
use serde_json::json;

use crate::encode;

/// Why a plugin could not be started or called.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The program could not be started.
    #[error("cannot start `{program}` in `{directory}`")]
    Spawn {
        /// The program.
        program: String,
        /// Its working directory.
        directory: String,
        /// The error of the system.
        source: Arc<io::Error>,
    },
    /// The plugin exited before its first heartbeat.
    #[error("the plugin failed to start, it exited before its first heartbeat: {}{}{}", .0.brief(), stdout_part(&.0.junk), stderr_part(&.0.stderr))]
    FailedToStart(Arc<PluginExit>),
    /// The first heartbeat did not arrive in time, and the plugin was killed.
    #[error(
        "the plugin failed to start, it sent no heartbeat within {} s; a plugin writes \
         {{\"event\":\"heartbeat\"}} to stdout when it is ready{}{}", .limit.as_secs_f64(), stdout_part(.junk), stderr_part(.stderr)
    )]
    NotReady {
        /// The limit, [`HostConfig::ready_timeout`](crate::HostConfig::ready_timeout).
        limit: Duration,
        /// The beginning of the junk that it wrote to stdout, at most 1,024 bytes.
        junk: String,
        /// The end of its stderr, at most 1,024 bytes.
        stderr: String,
    },
    /// The plugin exited, or is being shut down.
    #[error("the plugin exited: {0}")]
    PluginExited(Arc<PluginExit>),
    /// A session with this id is already open.
    #[error("a session with the id `{0}` is already open; choose another id or leave it out")]
    SessionOpen(String),
}

/// How a plugin's process exited.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PluginExit {
    /// Why it exited.
    pub cause: ExitCause,
    /// The exit status, if the system reported one.
    pub status: Option<ExitStatus>,
    /// The beginning of the junk that it wrote to stdout before its first heartbeat, at most 1,024 bytes.
    pub junk: String,
    /// The end of its stderr, at most 1,024 bytes.
    pub stderr: String,
}

impl std::fmt::Display for PluginExit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.brief(), stderr_part(&self.stderr))
    }
}

impl PluginExit {
    /// Describes the exit without the plugin's stderr.
    pub fn brief(&self) -> String {
        match (&self.cause, self.status) {
            (ExitCause::Exited, Some(status)) => match status.code() {
                // The exit code of Rust's runtime after a panic in `main`.
                Some(101) => format!("it exited by itself ({status}, as a Rust program does after a panic)"),
                Some(_) => format!("it exited by itself ({status})"),
                None => by_signal(status),
            },
            (cause, _) => cause.to_string(),
        }
    }
}

impl std::error::Error for PluginExit {}

/// Describes an exit by a signal that the host did not send.
fn by_signal(status: ExitStatus) -> String {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    match signal {
        // The numbers are the same on every Unix.
        Some(9) => format!(
            "it was killed ({status}) by another process or by the system, for example for lack of memory"
        ),
        Some(4 | 6 | 8 | 11) => format!("it crashed ({status})"),
        _ => format!("it was ended by another process ({status})"),
    }
}

/// Why a plugin's process exited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExitCause {
    /// It exited by itself, or another process killed it.
    #[error("it exited by itself")]
    Exited,
    /// It was killed because it wrote a frame over the limit. The daemon does the same without saying why.
    #[error("it was killed because it wrote a frame of more than {limit} bytes; send less in one message")]
    FrameTooLong {
        /// The limit, [`HostConfig::frame_bytes`](crate::HostConfig::frame_bytes).
        limit: usize,
    },
    /// It was killed because it closed its stdout.
    #[error("it was killed because it closed its stdout")]
    StdoutClosed,
    /// It was killed because it closed its stdin.
    #[error("it was killed because it closed its stdin")]
    StdinClosed,
    /// It was killed because it wrote nothing for too long.
    #[error("it was killed because it was silent for {} s; a busy handler must not delay heartbeats", .limit.as_secs_f64())]
    Silent {
        /// The limit, [`HostConfig::silence_timeout`](crate::HostConfig::silence_timeout).
        limit: Duration,
    },
    /// [`Host::shutdown`](crate::Host::shutdown) ended it.
    #[error("it was shut down")]
    Shutdown,
    /// It was killed by [`Host::kill`](crate::Host::kill), or because the last handle was dropped.
    #[error("it was killed on request")]
    Killed,
}

fn stdout_part(junk: &str) -> String {
    if junk.is_empty() {
        String::new()
    } else {
        format!("; it wrote this to stdout, where only frames belong:\n{}", junk.trim_end())
    }
}

fn stderr_part(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!("; the end of its stderr:\n{}", stderr.trim_end()) }
}

/// Why a session failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SessionFailure {
    /// The plugin sent an error.
    #[error("{0}")]
    Plugin(ErrorData),
    /// The host closed the session because of a message that the daemon refuses too. The type of the error is the daemon's:
    /// `unmarshal_error`, `invoke_dify_error` or `unknown_stream_message_type` (`internal/core/io_tunnel/generic.go`).
    #[error("{0}")]
    Refused(ErrorData),
    /// The plugin sent a malformed error. The daemon silently drops such an error, and reports the `end` after it as success
    /// (`internal/core/io_tunnel/generic.go`).
    #[error(
        "the plugin's error is malformed: {reason}; the daemon would drop it and report success \
         (`args` must be an object of at most {ERROR_ARGS} entries, `error_type` and `message` must be strings): {data}"
    )]
    UnreadableError {
        /// What is wrong with it.
        reason: String,
        /// The beginning of the error, at most 1,024 bytes.
        data: String,
    },
    /// The plugin sent a message that the daemon would pass on or drop, and that leaves the caller with a broken result.
    #[error("{0}")]
    BadMessage(String),
    /// The session exceeded its time limit. The plugin is not notified, as at the daemon.
    #[error("the session exceeded its time limit of {} s", .limit.as_secs_f64())]
    TimedOut {
        /// The limit, [`HostConfig::session_timeout`](crate::HostConfig::session_timeout).
        limit: Duration,
    },
    /// The session's messages were not read fast enough.
    #[error(
        "unread messages exceeded the queue's limit of {limit} bytes; read them faster or raise the limit"
    )]
    Overrun {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The plugin exited while the session was open.
    #[error("the plugin exited while the session was open: {0}")]
    PluginExited(Arc<PluginExit>),
}

impl SessionFailure {
    /// Describes the failure without the plugin's stderr.
    pub fn brief(&self) -> String {
        match self {
            Self::PluginExited(exit) => {
                format!("the plugin exited while the session was open: {}", exit.brief())
            }
            other => other.to_string(),
        }
    }

    /// Returns the text that a caller of the daemon receives. For an error of the plugin or of the daemon that is the JSON of
    /// its fields (`pkg/entities/plugin_entities/event.go`, `internal/core/io_tunnel/generic.go`). It never holds the plugin's
    /// stderr, which the daemon shows to no caller.
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
