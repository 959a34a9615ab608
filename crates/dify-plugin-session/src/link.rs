//! What every handle shares: the core behind its lock, and the places where senders wait for room.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::Notify;

use dify_plugin_protocol::{MessageType, message};

use crate::config::Config;
use crate::core::{Core, Refusal, Wakers};
use crate::error::{ConnectionError, SendError};
use crate::session::SessionState;

/// Senders let through at once when room appears. Each that gets through lets the next one try, so that a hundred
/// thousand waiting senders do not all wake for the room of a few.
const ADMITTED_AT_ONCE: usize = 32;

pub(crate) struct Link {
    pub(crate) config: Arc<Config>,
    core: Mutex<Core>,
    /// Told when the core has closed.
    closed: Condvar,
    /// Bytes of requests and replies held for handlers, for the queues to count in.
    pub(crate) held: Arc<AtomicUsize>,
    room: Notify,
    waiting: AtomicUsize,
}

impl Link {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        let config = Arc::new(config);
        let held = Arc::new(AtomicUsize::new(0));
        let core = Mutex::new(Core::new(config.clone(), held.clone()));
        Arc::new(Self {
            config,
            core,
            closed: Condvar::new(),
            held,
            room: Notify::new(),
            waiting: AtomicUsize::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        // No foreign code runs under this lock: serialising and waking happen outside.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `act` under the lock and wakes whom it says after.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Core, &mut Wakers) -> R) -> R {
        let mut wakers = Wakers::new();
        let result = act(&mut self.lock(), &mut wakers);
        for waker in wakers {
            waker.wake();
        }
        result
    }

    /// Runs `act` under the lock; it wakes nobody, or keeps whom to wake for later.
    pub(crate) fn quietly<R>(&self, act: impl FnOnce(&mut Core) -> R) -> R {
        act(&mut self.lock())
    }

    /// Serialises one message of `session` and queues it, waiting for room.
    pub(crate) async fn send<T: Serialize + ?Sized>(
        &self,
        session: &SessionState,
        kind: &MessageType,
        data: &T,
    ) -> Result<(), SendError> {
        let mut line = line_buffer::take();
        if let Err(error) = message::write_session_line(&mut line, &session.id, kind, data) {
            line_buffer::give_back(line);
            return Err(SendError::Encode(error));
        }
        let size = line.len() - 1;
        let limit = self.config.max_frame_bytes;
        let result = if size > limit {
            Err(SendError::TooLarge { size, limit })
        } else {
            match self.with(|core, wakers| core.send(session, &line, wakers)) {
                Ok(()) => Ok(()),
                Err(Refusal::Failed(error)) => Err(error),
                Err(Refusal::Full) => self.send_when_there_is_room(session, &line).await,
            }
        };
        line_buffer::give_back(line);
        result
    }

    async fn send_when_there_is_room(&self, session: &SessionState, line: &[u8]) -> Result<(), SendError> {
        let _waiting = Waiting::new(&self.waiting);
        loop {
            // Listening begins before the check, or room that appears in between would be missed.
            let mut room = std::pin::pin!(self.room.notified());
            room.as_mut().enable();
            match self.with(|core, wakers| core.send(session, line, wakers).map(|()| core.has_room())) {
                Ok(more) => {
                    if more {
                        self.room.notify_one();
                    }
                    return Ok(());
                }
                Err(Refusal::Failed(error)) => {
                    self.room.notify_one();
                    return Err(error);
                }
                Err(Refusal::Full) => {}
            }
            tokio::select! {
                () = room => {}
                () = session.cancellation.cancelled() => {}
            }
        }
    }

    /// Ends everything at once; the first cause counts.
    pub(crate) fn close(&self, cause: ConnectionError) {
        self.with(|core, wakers| core.close(Arc::new(cause), wakers));
        self.closed.notify_all();
        self.room.notify_waiters();
    }

    pub(crate) fn block_until_closed(&self) -> Arc<ConnectionError> {
        let mut core = self.lock();
        loop {
            if let Some(cause) = core.unheard() {
                return cause;
            }
            core = self.closed.wait(core).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// To be called when output was taken away: lets some of the waiting senders try again.
    pub(crate) fn admit(&self) {
        for _ in 0..self.waiting.load(Ordering::Relaxed).min(ADMITTED_AT_ONCE) {
            self.room.notify_one();
        }
    }
}

/// Counts one waiting sender, also when its future is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One buffer a thread to serialise lines in, so that a message costs no allocation and user code (`Serialize`) never
/// runs under the core's lock.
mod line_buffer {
    use std::cell::Cell;

    /// Larger ones are not kept.
    const KEPT_BYTES: usize = 64 * 1024;

    thread_local! {
        static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }

    pub(super) fn take() -> Vec<u8> {
        BUFFER.take()
    }

    pub(super) fn give_back(mut buffer: Vec<u8>) {
        if buffer.capacity() <= KEPT_BYTES {
            buffer.clear();
            BUFFER.set(buffer);
        }
    }
}
