//! The core: sessions, calls, deadlines and output, and what handlers do with them.

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use crate::clock::later;
use crate::config::Config;
use crate::error::{ConnectionError, InvokeError, SendError};

use super::after::After;
use super::calls::{CallId, Calls};
use super::deadlines::{Deadline, Deadlines};
use super::outbox::Outbox;
use super::quota::Quota;
use super::reply_queue::CallQueue;
use super::session::SessionState;
use super::sessions::{LastFrames, Sessions};
use super::stats::{Counters, Stats};

/// Longest text of an `error` event, in bytes. They name what was wrong with a frame, and never need more.
const ERROR_EVENT_BYTES: usize = 1024;

/// How far the connection has come.
pub(super) enum Phase {
    Open,
    /// No more requests are taken; open sessions may finish.
    Draining(Draining),
    /// Nothing moves any more. Holds the result of the connection.
    Closed(Result<(), ConnectionError>),
}

/// Why no more requests are taken.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Draining {
    /// A shutdown was asked for. Input and output still work, so replies still come.
    #[error("the plugin is shutting down")]
    Shutdown,
    #[error("the daemon closed the plugin's input")]
    EndOfInput,
    #[error(transparent)]
    Broken(ConnectionError),
}

impl Draining {
    pub(super) fn into_result(self) -> Result<(), ConnectionError> {
        match self {
            Self::Shutdown | Self::EndOfInput => Ok(()),
            Self::Broken(error) => Err(error),
        }
    }
}

/// Why a frame was not queued.
pub(crate) enum Refusal {
    /// Too much output is waiting; try again when there is room.
    Full,
    Failed(SendError),
}

pub(crate) struct Core {
    pub(super) config: Arc<Config>,
    pub(super) phase: Phase,
    pub(super) sessions: Sessions,
    pub(super) calls: Calls,
    pub(super) deadlines: Deadlines,
    pub(super) outbox: Outbox,
    pub(super) counters: Counters,
    pub(super) quota: Arc<Quota>,
    /// When sessions that are still open after a shutdown are failed.
    pub(super) grace_ends: Option<Instant>,
    /// How many sessions were failed then.
    pub(super) cut_short: usize,
    /// The time that the daemon has to read the rest of the output is running.
    pub(super) is_closing: bool,
    /// The driver, while it sleeps. Taken when it is woken, so that a thousand senders wake it once.
    driver: Option<Waker>,
}

impl Core {
    pub(crate) fn new(config: Arc<Config>, quota: Arc<Quota>) -> Self {
        Self {
            outbox: Outbox::new(config.output_bytes),
            config,
            phase: Phase::Open,
            sessions: Sessions::default(),
            calls: Calls::default(),
            deadlines: Deadlines::default(),
            counters: Counters::default(),
            quota,
            grace_ends: None,
            cut_short: 0,
            is_closing: false,
            driver: None,
        }
    }

    // What handlers do.

    /// Queues a whole frame of `session`. If it starts a `call` that has failed in the meantime, nothing is queued: the
    /// call's outcome says why.
    pub(crate) fn send(
        &mut self,
        session: &SessionState,
        call: Option<(CallId, Instant)>,
        frame: &[u8],
        after: &mut After,
    ) -> Result<(), Refusal> {
        self.may_send(session)?;
        let queue = match call {
            Some((id, now)) => match self.calls.get(id) {
                Some(call) => Some((&call.queue, now)),
                None => return Ok(()),
            },
            None => None,
        };
        if !self.outbox.has_room() {
            return Err(Refusal::Full);
        }
        if let Some((queue, now)) = queue {
            // The time the sender waited for room is not the daemon's silence.
            queue.touch(now);
        }
        self.outbox.push(frame);
        self.wake_driver(after);
        Ok(())
    }

    /// Whether `session` may still send.
    fn may_send(&self, session: &SessionState) -> Result<(), Refusal> {
        // First, because the end of the connection ends its sessions too, and says more than that.
        if let Phase::Closed(end) = &self.phase {
            return Err(Refusal::Failed(SendError::Closed(end.clone().err())));
        }
        if session.has_ended() {
            return Err(Refusal::Failed(SendError::Ended));
        }
        Ok(())
    }

    /// Ends `session` with its last frames; `false` if it had ended before.
    ///
    /// There is always a place for them: a session whose last frames wait for room still counts as open, so their number is
    /// bounded by the sessions that are allowed.
    pub(crate) fn end_session(
        &mut self,
        session: &SessionState,
        last: LastFrames,
        after: &mut After,
    ) -> bool {
        let Some(ended) = self.sessions.remove(session) else { return false };
        self.deadlines.remove(Deadline::Session(session.serial), ended.due);
        for id in self.calls.of_session(session.serial) {
            self.finish_call(id, Err(InvokeError::Ended), after);
        }
        if !matches!(self.phase, Phase::Closed(_)) {
            self.outbox.push_last(&session.id, last, self.outbox.has_room(), &self.quota);
        }
        // Under the same lock as the final frame was queued: no frame of the session can come after it.
        session.mark_ended();
        after.ended.push(ended.state);
        // Without output too: this may have been the last session that a draining connection waited for.
        self.wake_driver(after);
        true
    }

    /// Registers a call of `session`. Must come before its frame is queued: the daemon may answer at once, and a reply to an
    /// unknown call is dropped.
    pub(crate) fn start_call(
        &mut self,
        id: CallId,
        queue: Arc<CallQueue>,
        session: &SessionState,
        now: Instant,
        after: &mut After,
    ) -> Result<(), InvokeError> {
        match &self.phase {
            Phase::Open | Phase::Draining(Draining::Shutdown) => {}
            // Without input no reply can come: better to fail now than after the idle limit.
            Phase::Draining(cause) => return Err(InvokeError::Closed(cause.clone().into_result().err())),
            Phase::Closed(end) => return Err(InvokeError::Closed(end.clone().err())),
        }
        if session.has_ended() {
            return Err(InvokeError::Ended);
        }
        let due = later(now, queue.idle);
        if self.deadlines.insert(Deadline::Call(id), due) {
            // The driver's timer is set to a later moment.
            self.wake_driver(after);
        }
        self.calls.insert(id, queue, due);
        Ok(())
    }

    /// Forgets a call whose replies nobody wants any more.
    pub(crate) fn withdraw_call(&mut self, id: CallId) {
        if let Some(call) = self.calls.remove(id) {
            self.deadlines.remove(Deadline::Call(id), call.due);
        }
    }

    /// Takes a call out of the table and gives it its outcome.
    pub(crate) fn finish_call(&mut self, id: CallId, outcome: Result<(), InvokeError>, after: &mut After) {
        if let Some(call) = self.calls.remove(id) {
            self.deadlines.remove(Deadline::Call(id), call.due);
            after.wake(call.queue.finish(outcome));
        }
    }

    // What the driver does.

    /// Moves all output there is into `into`, which is empty.
    pub(crate) fn take_output(&mut self, into: &mut Vec<u8>) {
        self.outbox.take(into, &self.config);
    }

    /// Whether senders that wait for room may try again.
    pub(crate) fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    /// Sets who is woken when there is something to do. Returns the waker that was set before: dropping it may run foreign
    /// code, so the caller does that without the lock.
    pub(crate) fn set_driver(&mut self, waker: Waker) -> Option<Waker> {
        self.driver.replace(waker)
    }

    pub(super) fn wake_driver(&mut self, after: &mut After) {
        // If one is noted down already, it is the same task.
        if after.driver.is_none() {
            after.driver = self.driver.take();
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            open_sessions: self.sessions.len(),
            open_calls: self.calls.len(),
            queued_bytes: self.quota.used(),
            output_bytes: self.outbox.len(),
            dropped_frames: self.counters.dropped_frames,
            dropped_logs: self.counters.dropped_logs,
            unknown_ids: self.counters.unknown_ids,
            malformed_frames: self.counters.malformed_frames,
            refused_requests: self.counters.refused_requests,
        }
    }

    // Frames outside any session.

    /// Queues an `error` event if there is room. A daemon that sends junk must not make our memory grow.
    pub(super) fn error_event(&mut self, text: &str, after: &mut After) {
        if self.outbox.has_room_outside_sessions() {
            let most = ERROR_EVENT_BYTES.min(self.config.max_frame_bytes / 8);
            let text = &text[..text.floor_char_boundary(most)];
            self.outbox.write(|out| dify_plugin_protocol::message::write_error_frame(out, text));
            self.wake_driver(after);
        } else {
            self.counters.dropped_frames += 1;
        }
    }

    /// Queues a log record if there is room; `false` if it was dropped.
    pub(crate) fn log(&mut self, frame: &[u8], after: &mut After) -> bool {
        let taken = frame.len() <= self.config.max_frame_bytes
            && self.outbox.has_room_outside_sessions()
            && !matches!(self.phase, Phase::Closed(_));
        if taken {
            self.outbox.push(frame);
            self.wake_driver(after);
        } else {
            self.counters.dropped_logs += 1;
        }
        taken
    }
}
