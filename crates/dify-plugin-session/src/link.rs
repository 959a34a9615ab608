//! What every handle shares: the core behind its lock, and the places where senders wait for room.

use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;
use tokio::sync::Notify;

use dify_plugin_protocol::{Incoming, LogData, MessageType, RequestHeader, message};

use crate::config::Config;
use crate::connection::now;
use crate::core::{After, CallId, CallQueue, Core, Inbound, Quota, Refusal};
use crate::error::{ConnectionError, SendError};
use crate::request::Request;
use crate::session::SessionState;

/// Senders let through at once when room appears. Each that gets through lets the next one try, so that a hundred
/// thousand waiting senders do not all wake for the room of a few.
const ADMITTED_AT_ONCE: usize = 32;

/// The longest line that a sender keeps while it waits for room, in bytes.
const KEPT_LINE_BYTES: usize = 4096;

pub(crate) struct Link {
    pub(crate) config: Arc<Config>,
    core: Mutex<Core>,
    /// Told when the core has closed.
    closed: Notify,
    pub(crate) quota: Arc<Quota>,
    room: Notify,
    waiting: AtomicUsize,
}

impl Link {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        let config = Arc::new(config.at_least_workable());
        let quota = Quota::new(config.total_queue_bytes);
        let core = Mutex::new(Core::new(config.clone(), quota.clone()));
        Arc::new(Self {
            config,
            core,
            closed: Notify::new(),
            quota,
            room: Notify::new(),
            waiting: AtomicUsize::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        // No code of others runs under this lock: serialising happens before, the rest after.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `act` under the lock, and what it leaves to be done after.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Core, &mut After) -> R) -> R {
        let mut after = After::default();
        let result = act(&mut self.lock(), &mut after);
        self.run(&mut after);
        result
    }

    /// Runs `act` under the lock; it leaves nothing to be done, or keeps it for later.
    pub(crate) fn quietly<R>(&self, act: impl FnOnce(&mut Core) -> R) -> R {
        act(&mut self.lock())
    }

    /// Does what was left to be done.
    pub(crate) fn run(&self, after: &mut After) {
        if after.run() {
            self.closed.notify_waiters();
            self.room.notify_waiters();
        }
    }

    /// Applies a line that came at `now`; gives the request, if it is one that may be taken in.
    pub(crate) fn take_in(
        self: &Arc<Self>,
        inbound: &Inbound<'_>,
        now: Instant,
        after: &mut After,
    ) -> Option<Request> {
        if let Inbound::Request(incoming, header) = inbound {
            return self.open(incoming, header, now, after);
        }
        self.quietly(|core| core.apply(inbound, now, after));
        None
    }

    fn open(
        self: &Arc<Self>,
        incoming: &Incoming<'_>,
        header: &RequestHeader<'_>,
        now: Instant,
        after: &mut After,
    ) -> Option<Request> {
        let kept = SessionState::kept_bytes(incoming, header);
        let bytes = kept + incoming.data.get().len();
        let mut share = self.quietly(|core| core.admit(&incoming.session_id, bytes, after))?;
        let session = Arc::new(SessionState::new(incoming, header, share.split(kept), now, self.clone()));
        self.quietly(|core| core.open(&session, after));
        Some(Request::new(session, incoming.data.to_owned(), share))
    }

    /// Serialises one message of `session` and queues it, waiting for room; if it is to start a `call`, only as long as
    /// that has not failed.
    #[expect(clippy::manual_async_fn, reason = "that keeps the arguments twice, in every handler that sends")]
    pub(crate) fn send<T: Serialize + ?Sized>(
        &self,
        session: &SessionState,
        call: Option<(CallId, &CallQueue)>,
        kind: &MessageType,
        data: &T,
    ) -> impl Future<Output = Result<(), SendError>> {
        async move {
            match self.try_send(session, call, kind, data)? {
                None => Ok(()),
                // Boxed, or every handler's future would carry what only waiting needs.
                Some(line) => Box::pin(self.send_when_there_is_room(session, call, kind, data, line)).await,
            }
        }
    }

    /// Serialises a message and queues it; gives the line back if there is no room.
    fn try_send<T: Serialize + ?Sized>(
        &self,
        session: &SessionState,
        call: Option<(CallId, &CallQueue)>,
        kind: &MessageType,
        data: &T,
    ) -> Result<Option<Vec<u8>>, SendError> {
        let mut line = line_buffer::take();
        let result = match message::write_session_line(&mut line, &session.id, kind, data) {
            Err(error) => Err(SendError::Encode(error)),
            Ok(()) if line.len() - 1 > self.config.max_frame_bytes => {
                Err(SendError::TooLarge { size: line.len() - 1, limit: self.config.max_frame_bytes })
            }
            Ok(()) => return self.queue(session, call, line),
        };
        line_buffer::give_back(line);
        result.map(|()| None)
    }

    /// Queues a whole line; gives it back if there is no room.
    fn queue(
        &self,
        session: &SessionState,
        call: Option<(CallId, &CallQueue)>,
        line: Vec<u8>,
    ) -> Result<Option<Vec<u8>>, SendError> {
        let started = call.map(|(id, _)| (id, now()));
        let result = match self.with(|core, after| core.send(session, started, &line, after)) {
            Ok(()) => Ok(None),
            Err(Refusal::Failed(error)) => Err(error),
            Err(Refusal::Full) => return Ok(Some(line)),
        };
        line_buffer::give_back(line);
        result
    }

    async fn send_when_there_is_room<T: Serialize + ?Sized>(
        &self,
        session: &SessionState,
        call: Option<(CallId, &CallQueue)>,
        kind: &MessageType,
        data: &T,
        line: Vec<u8>,
    ) -> Result<(), SendError> {
        let _waiting = Waiting::new(&self.waiting);
        // Those that wait may be many, and are in no budget: a long line is made anew when there is room.
        let mut line = kept(line);
        loop {
            // Listening begins before the check, or room that appears in between would be missed.
            let mut room = std::pin::pin!(self.room.notified());
            room.as_mut().enable();
            let sent = match line.take() {
                Some(line) => self.queue(session, call, line),
                None => self.try_send(session, call, kind, data),
            };
            match sent {
                Ok(None) => {
                    if self.quietly(|core| core.has_room()) {
                        self.room.notify_one();
                    }
                    return Ok(());
                }
                Err(error) => {
                    self.room.notify_one();
                    return Err(error);
                }
                Ok(Some(unsent)) => line = kept(unsent),
            }
            let call_failed = async {
                match call {
                    Some((_, queue)) => poll_fn(|cx| queue.poll_finished(cx)).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = room => {}
                () = session.ended() => {}
                () = call_failed => {}
            }
        }
    }

    /// Queues a log line; `false` if it was dropped.
    pub(crate) fn log(&self, log: &LogData) -> bool {
        let mut line = line_buffer::take();
        message::write_log_line(&mut line, log);
        let is_heard = self.with(|core, after| core.log(&line, after));
        line_buffer::give_back(line);
        is_heard
    }

    /// Ends everything at once; the first end counts.
    pub(crate) fn close(&self, end: Result<(), ConnectionError>) {
        self.with(|core, after| core.close(end, after));
    }

    /// The result of the connection, once it is closed.
    pub(crate) fn end(&self) -> Option<Result<(), ConnectionError>> {
        self.quietly(|core| core.end())
    }

    /// Waits until the connection is closed.
    pub(crate) async fn closed(&self) -> Result<(), ConnectionError> {
        loop {
            // Listening begins before the check, or an end in between would be missed.
            let mut closed = std::pin::pin!(self.closed.notified());
            closed.as_mut().enable();
            if let Some(end) = self.end() {
                return end;
            }
            closed.await;
        }
    }

    /// To be called when output was taken away: lets some of the waiting senders try again.
    pub(crate) fn admit(&self) {
        for _ in 0..self.waiting.load(Ordering::Relaxed).min(ADMITTED_AT_ONCE) {
            self.room.notify_one();
        }
    }
}

/// A line that waits for room, if it is short enough to be kept; it takes no more than its length then.
fn kept(mut line: Vec<u8>) -> Option<Vec<u8>> {
    if line.len() > KEPT_LINE_BYTES {
        line_buffer::give_back(line);
        return None;
    }
    line.shrink_to_fit();
    Some(line)
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
