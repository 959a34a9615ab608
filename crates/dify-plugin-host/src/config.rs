//! The limits of a host.

use std::time::Duration;

use dify_plugin_protocol::limits::DAEMON_FRAME_BYTES;

use crate::tap::Tap;

/// The limits under which a plugin runs. The defaults are those of the daemon.
///
/// ```
/// use std::time::Duration;
/// let mut config = dify_plugin_host::HostConfig::default();
/// config.session_timeout = Duration::from_secs(30);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HostConfig {
    /// How long a plugin may take to send its first heartbeat. Default: 120 s (`internal/core/local_runtime/instance.go`).
    pub ready_timeout: Duration,
    /// How long a plugin may write nothing to stdout and stderr before it is killed. Default: 120 s. The daemon checks every
    /// 30 s, so there it may live for up to 150 s (`internal/core/local_runtime/instance.go`).
    pub silence_timeout: Duration,
    /// How long the replies to a reverse invocation may take in total, counted from the first one, even while they keep
    /// arriving. The wait for the first reply has no limit of its own, as at the daemon. Default: 240 s
    /// (`pkg/utils/http_requests/http_warpper.go`, `DIFY_BACKWARDS_INVOCATION_READ_TIMEOUT`).
    pub reverse_call_timeout: Duration,
    /// How long a session may take. Default: 600 s (`internal/service/base_sse.go`,
    /// `PLUGIN_MAX_EXECUTION_TIMEOUT`).
    pub session_timeout: Duration,
    /// How long open sessions may continue at a shutdown, and then how long the plugin may take to exit once its stdin is
    /// closed. The daemon kills it immediately (`internal/core/local_runtime/instance.go`). Default: 3 s.
    pub shutdown_grace: Duration,
    /// The longest frame that the plugin may write, in bytes without the newline. A longer one kills the process. Default:
    /// 5,242,879 (`internal/core/local_runtime/instance.go`).
    pub frame_bytes: usize,
    /// The limit of one session's unread messages, in bytes. A session that exceeds it fails with
    /// [`SessionFailure::Overrun`](crate::SessionFailure::Overrun), and all others continue. (The daemon stops reading from
    /// the plugin instead.) One message always fits an empty queue. Default: 64 MiB.
    pub message_queue_bytes: usize,
    /// The limit of all sessions' unread messages together, in bytes. When it is exceeded, the session that receives the next
    /// message fails. Default: 512 MiB.
    pub total_queue_bytes: usize,
    /// Observes every frame, in both directions. Default: none.
    pub tap: Option<Tap>,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            ready_timeout: Duration::from_secs(120),
            silence_timeout: Duration::from_secs(120),
            reverse_call_timeout: Duration::from_secs(240),
            session_timeout: Duration::from_secs(600),
            shutdown_grace: Duration::from_secs(3),
            frame_bytes: DAEMON_FRAME_BYTES,
            message_queue_bytes: 64 * 1024 * 1024,
            total_queue_bytes: 512 * 1024 * 1024,
            tap: None,
        }
    }
}
