//! What every handle shares: the core behind its lock, and the places where senders wait for room.

use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use dify_plugin_protocol::{Incoming, LogData, MessageType, RequestHeader, ReverseResponse, message};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use crate::clock::{later, now};
use crate::config::Config;
use crate::core::{After, CallId, CallQueue, Core, Inbound, Quota, Refusal, SessionState, Share};
use crate::error::{ConnectionError, SendError};

/// How many waiting senders are woken when room appears. Each that gets its frame in wakes the next. So a hundred thousand
/// waiting senders do not all wake for room that only a few of them can use.
const WOKEN_AT_ONCE: usize = 32;

/// The longest frame that a sender keeps while it waits for room, in bytes.
const KEPT_FRAME_BYTES: usize = 4096;

pub(crate) struct Link {
    pub(crate) config: Arc<Config>,
    core: Mutex<Core>,
    /// Notified when the core has closed.
    closed: Notify,
    pub(crate) quota: Arc<Quota>,
    /// Where senders wait for room.
    room: Notify,
    /// How many of them there are. Only a hint for how many to wake.
    waiting: AtomicUsize,
    /// Dropped when the process's descriptors are given back: what then restores them.
    restore: Mutex<Option<Box<dyn Send>>>,
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
            restore: Mutex::new(None),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        // No foreign code runs under this lock: serialising happens before it is taken, and waking after. So nothing can
        // panic half-way, and a poisoned lock holds a sound core.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `act` under the lock, then what it leaves to be done.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Core, &mut After) -> R) -> R {
        let mut after = After::default();
        let result = act(&mut self.lock(), &mut after);
        self.run(&mut after);
        result
    }

    /// Runs `act` under the lock. It leaves nothing to be done, or notes it down in an [`After`] of the caller's.
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

    /// Applies a frame that came at `now`. Returns the session and its share of the quota if it was a request that opens one.
    pub(crate) fn take_in(
        &self,
        inbound: &Inbound<'_>,
        now: Instant,
        after: &mut After,
    ) -> Option<(Arc<SessionState>, Box<RawValue>, Share)> {
        match inbound {
            Inbound::Request(incoming, header) => return self.open(incoming, header, now, after),
            Inbound::Reply(reply) => self.reply(reply, now, after),
            Inbound::Unreadable { whose, reason } => {
                self.quietly(|core| core.unreadable(whose, reason, after));
            }
        }
        None
    }

    fn reply(&self, reply: &ReverseResponse<'_>, now: Instant, after: &mut After) {
        let Some((id, queue)) = self.quietly(|core| core.receiver(reply, after)) else { return };
        match queue.push(reply.data.unwrap_or(RawValue::NULL), now) {
            Ok(reader) => after.wake(reader),
            Err(overrun) => self.quietly(|core| core.finish_call(id, Err(overrun), after)),
        }
    }

    fn open(
        &self,
        incoming: &Incoming<'_>,
        header: &RequestHeader<'_>,
        now: Instant,
        after: &mut After,
    ) -> Option<(Arc<SessionState>, Box<RawValue>, Share)> {
        let kept = SessionState::kept_bytes(incoming, header);
        let bytes = kept + incoming.data.get().len();
        let mut share = self.quietly(|core| core.admit(&incoming.session_id, bytes, after))?;
        // Without the lock: making the span runs the subscriber, and the payload may be 64 MiB.
        let due = later(now, self.config.handler_deadline);
        let session = Arc::new(SessionState::new(incoming, header, share.split(kept), due));
        let payload = incoming.data.to_owned();
        self.quietly(|core| core.open(&session, after));
        Some((session, payload, share))
    }

    /// Serialises one message of `session` and queues its frame, waiting for room. If it starts a `call`, it is given up
    /// once that has failed.
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
                // Boxed, since otherwise every handler's future would carry the state that only waiting needs.
                Some(frame) => Box::pin(self.send_when_there_is_room(session, call, kind, data, frame)).await,
            }
        }
    }

    /// Serialises a message and queues its frame; returns the frame if there is no room.
    fn try_send<T: Serialize + ?Sized>(
        &self,
        session: &SessionState,
        call: Option<(CallId, &CallQueue)>,
        kind: &MessageType,
        data: &T,
    ) -> Result<Option<Vec<u8>>, SendError> {
        let mut frame = frame_buffer::take();
        let result = match message::write_session_frame(&mut frame, &session.id, kind, data) {
            Err(error) => Err(SendError::Encode(error)),
            Ok(()) if frame.len() - 1 > self.config.max_frame_bytes => {
                Err(SendError::TooLarge { size: frame.len() - 1, limit: self.config.max_frame_bytes })
            }
            Ok(()) => return self.queue(session, call, frame),
        };
        frame_buffer::give_back(frame);
        result.map(|()| None)
    }

    /// Queues a whole frame; returns it if there is no room.
    fn queue(
        &self,
        session: &SessionState,
        call: Option<(CallId, &CallQueue)>,
        frame: Vec<u8>,
    ) -> Result<Option<Vec<u8>>, SendError> {
        let started = call.map(|(id, _)| (id, now()));
        let result = match self.with(|core, after| core.send(session, started, &frame, after)) {
            Ok(()) => Ok(None),
            Err(Refusal::Failed(error)) => Err(error),
            Err(Refusal::Full) => return Ok(Some(frame)),
        };
        frame_buffer::give_back(frame);
        result
    }

    async fn send_when_there_is_room<T: Serialize + ?Sized>(
        &self,
        session: &SessionState,
        call: Option<(CallId, &CallQueue)>,
        kind: &MessageType,
        data: &T,
        frame: Vec<u8>,
    ) -> Result<(), SendError> {
        let _waiting = Waiting::new(&self.waiting);
        // Senders that wait may be many, and what they hold is in no budget: a long frame is serialised anew when there is
        // room.
        let mut frame = kept(frame);
        loop {
            // Listening begins before the check, or room that appears in between would be missed.
            let mut room = std::pin::pin!(self.room.notified());
            room.as_mut().enable();
            let sent = match frame.take() {
                Some(frame) => self.queue(session, call, frame),
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
                    // We may have been woken for room that we did not use; the next in line must not miss it.
                    self.room.notify_one();
                    return Err(error);
                }
                Ok(Some(unsent)) => frame = kept(unsent),
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

    /// Queues a log record; `false` if it was dropped.
    pub(crate) fn log(&self, log: &LogData) -> bool {
        let mut frame = frame_buffer::take();
        message::write_log_frame(&mut frame, log);
        let taken = self.with(|core, after| core.log(&frame, after));
        frame_buffer::give_back(frame);
        taken
    }

    /// Ends everything at once; the first end counts.
    pub(crate) fn close(&self, end: Result<(), ConnectionError>) {
        self.with(|core, after| core.close(end, after));
    }

    /// Returns the result of the connection, once it is closed.
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

    /// Lets some of the waiting senders try again. To be called when output was taken away.
    pub(crate) fn wake_senders(&self) {
        for _ in 0..self.waiting.load(Ordering::Relaxed).min(WOKEN_AT_ONCE) {
            self.room.notify_one();
        }
    }

    /// Keeps `undo` until the descriptors are given back; dropping it must restore them.
    #[cfg(all(unix, feature = "stdio"))]
    pub(crate) fn restore_with(&self, undo: impl Send + 'static) {
        *self.restore.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(undo));
    }

    /// Gives the process's descriptors back as they were, if the connection has taken them.
    pub(crate) fn restore(&self) {
        self.restore.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Returns the frame if it is short enough to be kept while its sender waits, with no more memory than its length.
fn kept(mut frame: Vec<u8>) -> Option<Vec<u8>> {
    if frame.len() > KEPT_FRAME_BYTES {
        frame_buffer::give_back(frame);
        return None;
    }
    frame.shrink_to_fit();
    Some(frame)
}

/// Counts one waiting sender, and uncounts it also when its future is dropped.
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

/// One buffer for each thread to serialise frames in: a message costs no allocation, and foreign code (`Serialize`) never
/// runs under the core's lock.
mod frame_buffer {
    use std::cell::Cell;

    /// Larger buffers are not kept, in bytes.
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
