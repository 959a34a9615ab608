//! What the host's tasks and handles share.

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

/// Reverse calls that run at once; past it the reader waits for one to end, as the daemon's does past its pool of
/// 10,000 (`internal/types/app/default.go`, `ROUTINE_POOL_SIZE`).
const REVERSE_CALLS: usize = 100_000;

/// How much of the end of stderr is kept, in bytes (`internal/core/local_runtime/instance.go`).
const STDERR_TAIL_BYTES: usize = 1024;

/// How much of what is no message is kept until the plugin is ready, in bytes.
const EARLY_JUNK_BYTES: usize = 1024;

pub(crate) struct Shared {
    pub(crate) config: HostConfig,
    /// What the manifest allows; `None` where there is no manifest and nothing is checked.
    pub(crate) permission: Option<Permission>,
    pub(crate) platform: Box<dyn Platform>,
    pub(crate) sessions: Sessions,
    pub(crate) outbox: Outbox,
    pub(crate) counters: Counters,
    pub(crate) reverse_calls: Arc<Semaphore>,
    /// Turns true at the first heartbeat.
    pub(crate) ready: watch::Sender<bool>,
    /// Set once, when the process is gone and nothing more comes from it.
    pub(crate) exit: watch::Sender<Option<Arc<PluginExit>>>,
    pub(crate) kill: Kill,
    events: broadcast::Sender<HostEvent>,
    stderr: Mutex<Vec<u8>>,
    /// What was on stdout before the first heartbeat that is no message.
    early_junk: Mutex<String>,
    started: Instant,
    /// When the last sign of life came, in milliseconds after `started`.
    last_sign_ms: AtomicU64,
}

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) queued_bytes: AtomicUsize,
    pub(crate) frames: AtomicU64,
    pub(crate) heartbeats: AtomicU64,
    pub(crate) junk_frames: AtomicU64,
    pub(crate) unknown_sessions: AtomicU64,
    pub(crate) reverse_calls: AtomicU64,
}

/// The order to end the process, and why. The first reason counts.
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

    /// Names the cause of an end that is going to come by itself, such as that after stdin was closed.
    pub(crate) fn expect(&self, cause: ExitCause) {
        let _ = self.cause.set(cause);
    }

    /// Whether the end was ordered or is expected.
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

    /// Tells the watchers, if there are any.
    pub(crate) fn tell(&self, event: HostEvent) {
        let _ = self.events.send(event);
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<HostEvent> {
        self.events.subscribe()
    }

    /// Takes a sign of life: any line that isn't blank, on stdout or stderr
    /// (`internal/core/local_runtime/notifier_lifecycle.go`).
    pub(crate) fn sign_of_life(&self) {
        let since = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_sign_ms.store(since, Ordering::Relaxed);
    }

    /// When the plugin's silence becomes too long, as things stand.
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
        // The first character may have been cut.
        String::from_utf8_lossy(&tail).trim_start_matches('\u{fffd}').trim_end().to_owned()
    }

    /// Keeps a line that is no message, if the plugin isn't ready yet: it may be all there is to tell why.
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

    /// Ends a session by what its plugin did: `None` is success.
    pub(crate) fn finish(&self, session: &Session, failure: Option<SessionFailure>) {
        if self.sessions.remove(&session.info.session_id).is_none() {
            return;
        }
        let end = failure.clone().map_or(SessionEnd::Done, SessionEnd::Failed);
        session.finish(failure);
        self.closed(session, Closed::Silently, end);
    }

    /// Ends a session from the reader's side: it left (`None`), or its time was up.
    pub(crate) fn forget(&self, session: &Session, timed_out: Option<SessionFailure>) {
        if self.sessions.remove(&session.info.session_id).is_none() {
            return;
        }
        let how = if timed_out.is_some() { Closed::TimedOut } else { Closed::Silently };
        self.closed(session, how, timed_out.map_or(SessionEnd::Forgotten, SessionEnd::Failed));
    }

    fn closed(&self, session: &Session, how: Closed, end: SessionEnd) {
        session.close(how);
        self.tell(HostEvent::SessionClosed { session_id: Arc::clone(&session.info.session_id), end });
    }

    /// Records the end of the process, then fails whoever waits: no session that sees it can miss the reason.
    pub(crate) fn gone(&self, exit: PluginExit) {
        let exit = Arc::new(exit);
        self.exit.send_replace(Some(Arc::clone(&exit)));
        self.outbox.close();
        for session in self.sessions.take_all() {
            let failure = SessionFailure::PluginExited(Arc::clone(&exit));
            session.finish(Some(failure.clone()));
            self.closed(&session, Closed::Silently, SessionEnd::Failed(failure));
        }
        self.tell(HostEvent::Exited(exit));
    }
}
