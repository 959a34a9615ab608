//! State that a host's tasks and handles share.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use dify_plugin_manifest::Permission;
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::HostConfig;
use crate::error::{ExitCause, PluginExit, SessionFailure};
use crate::event::{HostEvent, SessionEnd};
use crate::outbox::Outbox;
use crate::platform::Platform;
use crate::session::{Closed, Session, Sessions};

/// The limit of concurrent reverse calls. At the limit the reader waits for one to end, as the daemon's does at the limit of
/// its pool, 10,000 (`internal/types/app/default.go`, `ROUTINE_POOL_SIZE`).
const REVERSE_CALLS: usize = 100_000;

/// How much of the end of stderr is kept for errors, in bytes (`internal/core/local_runtime/instance.go`).
const STDERR_TAIL_BYTES: usize = 1024;

/// How much of the junk on stdout is kept until the plugin is ready, in bytes.
const EARLY_JUNK_BYTES: usize = 1024;

pub(crate) struct Shared {
    pub(crate) config: HostConfig,
    /// The permissions of the manifest. `None` if there is no manifest; then nothing is checked.
    pub(crate) permission: Option<Permission>,
    pub(crate) platform: Box<dyn Platform>,
    pub(crate) sessions: Sessions,
    pub(crate) outbox: Outbox,
    pub(crate) counters: Counters,
    pub(crate) reverse_calls: Arc<Semaphore>,
    /// Set to true by the first heartbeat.
    pub(crate) ready: watch::Sender<bool>,
    /// Set once, after the process exited and all of its output was read.
    pub(crate) exit: watch::Sender<Option<Arc<PluginExit>>>,
    pub(crate) kill: Kill,
    events: broadcast::Sender<HostEvent>,
    stderr: Mutex<Vec<u8>>,
    /// Junk that was on stdout before the first heartbeat.
    early_junk: Mutex<String>,
    started: Instant,
    /// When the plugin last wrote something, in milliseconds after `started`.
    last_sign_ms: AtomicU64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) queued_bytes: AtomicUsize,
    pub(crate) frames: AtomicU64,
    pub(crate) heartbeats: AtomicU64,
    pub(crate) junk_frames: AtomicU64,
    pub(crate) unknown_sessions: AtomicU64,
    pub(crate) reverse_calls: AtomicU64,
}

/// The order to kill the process, and its cause. The first cause is kept.
#[derive(Debug, Default)]
pub(crate) struct Kill {
    cause: OnceLock<ExitCause>,
    ordered: CancellationToken,
}

impl Kill {
    pub(crate) fn order(&self, cause: ExitCause) {
        let _ = self.cause.set(cause);
        self.ordered.cancel();
    }

    /// Records the cause of an exit that is about to happen without a kill, such as after stdin is closed.
    pub(crate) fn expect(&self, cause: ExitCause) {
        let _ = self.cause.set(cause);
    }

    /// Whether an exit was ordered or is expected.
    pub(crate) fn is_near(&self) -> bool {
        self.cause.get().is_some()
    }

    pub(crate) async fn ordered(&self) {
        self.ordered.cancelled().await;
    }

    pub(crate) fn cause(&self) -> ExitCause {
        self.cause.get().copied().unwrap_or(ExitCause::Exited)
    }
}

impl Shared {
    pub(crate) fn new(
        config: HostConfig,
        permission: Option<Permission>,
        platform: impl Platform,
        events: broadcast::Sender<HostEvent>,
    ) -> Self {
        Self {
            config,
            permission,
            platform: Box::new(platform),
            sessions: Sessions::default(),
            outbox: Outbox::default(),
            counters: Counters::default(),
            reverse_calls: Arc::new(Semaphore::new(REVERSE_CALLS)),
            ready: watch::Sender::new(false),
            exit: watch::Sender::new(None),
            kill: Kill::default(),
            events,
            stderr: Mutex::default(),
            early_junk: Mutex::default(),
            started: Instant::now(),
            last_sign_ms: AtomicU64::new(0),
        }
    }

    /// Sends an event to all receivers, if there are any.
    pub(crate) fn publish(&self, event: HostEvent) {
        let _ = self.events.send(event);
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<HostEvent> {
        self.events.subscribe()
    }

    /// Records a sign of life: any line that isn't blank, on stdout or stderr
    /// (`internal/core/local_runtime/notifier_lifecycle.go`).
    pub(crate) fn sign_of_life(&self) {
        let since = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_sign_ms.store(since, Ordering::Relaxed);
    }

    /// Returns when the plugin has been silent for too long, if it writes nothing until then.
    pub(crate) fn silent_until(&self) -> Instant {
        let last = Duration::from_millis(self.last_sign_ms.load(Ordering::Relaxed));
        self.started + last + self.config.silence_timeout
    }

    pub(crate) fn keep_stderr(&self, line: &[u8]) {
        let mut tail = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let line = &line[line.len().saturating_sub(STDERR_TAIL_BYTES)..];
        tail.extend_from_slice(line);
        tail.push(b'\n');
        let over = tail.len().saturating_sub(STDERR_TAIL_BYTES);
        tail.drain(..over);
    }

    pub(crate) fn stderr_tail(&self) -> String {
        let tail = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        // The cut may be inside a character.
        String::from_utf8_lossy(&tail).trim_start_matches('\u{fffd}').trim_end().to_owned()
    }

    /// Keeps junk if the plugin isn't ready yet: it may be the only hint why.
    pub(crate) fn keep_early_junk(&self, line: &str) {
        if *self.ready.borrow() {
            return;
        }
        let mut junk = self.early_junk.lock().unwrap_or_else(PoisonError::into_inner);
        let room = EARLY_JUNK_BYTES.saturating_sub(junk.len() + 1);
        let end = line.floor_char_boundary(room);
        if end > 0 {
            junk.push_str(&line[..end]);
            junk.push('\n');
        }
    }

    pub(crate) fn early_junk(&self) -> String {
        self.early_junk.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn exited(&self) -> Option<Arc<PluginExit>> {
        self.exit.borrow().clone()
    }

    /// Ends a session because of its plugin. `None` is success.
    pub(crate) fn finish(&self, session: &Session, failure: Option<SessionFailure>) {
        if self.sessions.remove(&session.info.session_id).is_none() {
            return;
        }
        let end = failure.clone().map_or(SessionEnd::Done, SessionEnd::Failed);
        session.finish(failure);
        self.closed(session, Closed::Silently, end);
    }

    /// Ends a session from the reader's side: it was dropped (`None`), or it exceeded its time limit.
    pub(crate) fn abandon(&self, session: &Session, timed_out: Option<SessionFailure>) {
        if self.sessions.remove(&session.info.session_id).is_none() {
            return;
        }
        let how = if timed_out.is_some() { Closed::TimedOut } else { Closed::Silently };
        self.closed(session, how, timed_out.map_or(SessionEnd::Abandoned, SessionEnd::Failed));
    }

    fn closed(&self, session: &Session, how: Closed, end: SessionEnd) {
        session.close(how);
        self.publish(HostEvent::SessionClosed { session_id: Arc::clone(&session.info.session_id), end });
    }

    /// Records the exit, then fails the open sessions. In this order, a session that fails to write finds the exit recorded.
    pub(crate) fn record_exit(&self, exit: PluginExit) {
        let exit = Arc::new(exit);
        self.exit.send_replace(Some(Arc::clone(&exit)));
        self.outbox.close();
        for session in self.sessions.take_all() {
            let failure = SessionFailure::PluginExited(Arc::clone(&exit));
            session.finish(Some(failure.clone()));
            self.closed(&session, Closed::Silently, SessionEnd::Failed(failure));
        }
        self.publish(HostEvent::Exited(exit));
    }
}
