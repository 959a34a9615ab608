//! The multiplexer's bookkeeping, without I/O or clock: lines and intents go in, bytes and requests come out.
//!
//! Everything here is plain state behind one short lock (see [`link`](crate::link)). The time is handed in; whoever is
//! to be woken is handed out, to be woken once the lock is free. Replies wait in queues of their own, each with its own
//! lock, so that reading one does not hold up the others.

mod calls;
mod deadlines;
mod inbound;
mod outbox;
mod sessions;
mod stats;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::Waker;
use std::time::Instant;

use dify_plugin_protocol::error;

use crate::config::Config;
use crate::connection::after;
use crate::error::{ConnectionError, InvokeError, SendError};
use crate::request::Payload;
use crate::session::SessionState;

pub(crate) use calls::{CallId, CallQueue};
pub(crate) use inbound::Inbound;
pub(crate) use sessions::{write_end, write_failure};
pub use stats::Stats;

use calls::Calls;
use deadlines::{Deadline, Deadlines};
use outbox::Outbox;
use sessions::Sessions;
use stats::Counters;

/// Whoever must be woken after the lock is free.
pub(crate) type Wakers = Vec<Waker>;

/// A request that was taken in and waits to be accepted.
pub(crate) struct Arrival {
    pub(crate) session: Arc<SessionState>,
    pub(crate) payload: Payload,
}

/// How far the connection has come.
enum Phase {
    Open,
    /// No more requests are taken; open sessions may finish.
    Draining(Arc<ConnectionError>),
    /// Nothing moves any more.
    Closed(Arc<ConnectionError>),
}

pub(crate) struct Core {
    config: Arc<Config>,
    phase: Phase,
    sessions: Sessions,
    calls: Calls,
    deadlines: Deadlines,
    outbox: Outbox,
    arrivals: VecDeque<Arrival>,
    counters: Counters,
    /// Bytes of requests and replies held for handlers that have not read them.
    held: Arc<AtomicUsize>,
    /// When sessions that are still open after a shutdown are failed.
    grace_ends: Option<Instant>,
    /// The driver, when it has gone to sleep.
    driver: Option<Waker>,
}

impl Core {
    pub(crate) fn new(config: Arc<Config>, held: Arc<AtomicUsize>) -> Self {
        Self {
            outbox: Outbox::new(config.output_bytes),
            config,
            phase: Phase::Open,
            sessions: Sessions::default(),
            calls: Calls::default(),
            deadlines: Deadlines::default(),
            arrivals: VecDeque::new(),
            counters: Counters::default(),
            held,
            grace_ends: None,
            driver: None,
        }
    }

    // What handlers do.

    /// Queues a whole line of `session`, or says `Full`.
    pub(crate) fn send(
        &mut self,
        session: &SessionState,
        line: &[u8],
        wakers: &mut Wakers,
    ) -> Result<(), Refusal> {
        self.may_send(session)?;
        if !self.outbox.has_room() {
            return Err(Refusal::Full);
        }
        self.outbox.push(line);
        self.wake_driver(wakers);
        Ok(())
    }

    /// Whether `session` may still say something.
    fn may_send(&self, session: &SessionState) -> Result<(), Refusal> {
        // The connection's end ends its sessions too, and tells more.
        if let Phase::Closed(cause) = &self.phase {
            return Err(Refusal::Failed(SendError::Closed(cause.clone())));
        }
        if session.has_ended() {
            return Err(Refusal::Failed(SendError::Ended));
        }
        Ok(())
    }

    /// Ends `session` with its last lines. Always finds a place for them: a session that waits to say its last word
    /// counts as open until it is said. `false` if it had ended before.
    pub(crate) fn end_session(&mut self, session: &SessionState, last: Vec<u8>, wakers: &mut Wakers) -> bool {
        let Some(ended) = self.sessions.remove(session) else { return false };
        self.deadlines.remove(Deadline::Session(session.serial), ended.due);
        for id in ended.calls {
            self.finish_call(id, Err(InvokeError::Ended), wakers);
        }
        session.mark_ended();
        if !matches!(self.phase, Phase::Closed(_)) {
            self.outbox.push_last(last);
        }
        // Even without output the driver must look: this may have been the session it waited for.
        self.wake_driver(wakers);
        true
    }

    /// Files a call of `session` before its line is written, so that no reply can come too early.
    pub(crate) fn start_call(
        &mut self,
        id: CallId,
        queue: Arc<CallQueue>,
        session: &SessionState,
        now: Instant,
        wakers: &mut Wakers,
    ) -> Result<(), InvokeError> {
        match &self.phase {
            Phase::Open => {}
            Phase::Draining(cause) if matches!(**cause, ConnectionError::Shutdown) => {}
            // Without input no reply can come: better to fail now than to wait for the clock.
            Phase::Draining(cause) | Phase::Closed(cause) => return Err(InvokeError::Closed(cause.clone())),
        }
        let Some(open) = self.sessions.get_mut(session) else { return Err(InvokeError::Ended) };
        open.calls.insert(id);
        let due = after(now, queue.idle);
        if self.deadlines.insert(Deadline::Call(id), due) {
            self.wake_driver(wakers);
        }
        self.calls.insert(id, queue, due);
        Ok(())
    }

    /// Forgets a call whose replies nobody wants any more.
    pub(crate) fn withdraw_call(&mut self, id: CallId) {
        if let Some(call) = self.calls.remove(id) {
            self.deadlines.remove(Deadline::Call(id), call.due);
            self.sessions.forget_call(call.queue.session, id);
        }
    }

    /// Takes a call out of the table and gives it its outcome.
    fn finish_call(&mut self, id: CallId, outcome: Result<(), InvokeError>, wakers: &mut Wakers) {
        if let Some(call) = self.calls.remove(id) {
            self.deadlines.remove(Deadline::Call(id), call.due);
            self.sessions.forget_call(call.queue.session, id);
            wakers.extend(call.queue.finish(outcome));
        }
    }

    // What the driver does.

    /// Takes all output there is into `into`, which is empty.
    pub(crate) fn take_output(&mut self, into: &mut Vec<u8>) {
        self.outbox.take(into, &self.config);
    }

    /// Whether senders that wait may try again.
    pub(crate) fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    pub(crate) fn next_arrival(&mut self) -> Option<Arrival> {
        self.arrivals.pop_front()
    }

    pub(crate) fn set_driver(&mut self, waker: &Waker) {
        match &mut self.driver {
            Some(driver) => driver.clone_from(waker),
            None => self.driver = Some(waker.clone()),
        }
    }

    pub(crate) fn wake_driver(&mut self, wakers: &mut Wakers) {
        wakers.extend(self.driver.take());
    }

    /// The earliest moment at which [`Core::expire`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    /// Fails every call that has been silent for too long, and ends every session that has been open for too long.
    pub(crate) fn expire(&mut self, now: Instant, wakers: &mut Wakers) {
        while let Some(deadline) = self.deadlines.pop_due(now) {
            match deadline {
                Deadline::Call(id) => self.expire_call(id, now, wakers),
                Deadline::Session(serial) => {
                    if let Some(session) = self.sessions.by_serial(serial) {
                        let last = self.words_at_deadline(&session.id, now);
                        self.end_session(&session, last, wakers);
                    }
                }
            }
        }
    }

    /// The last lines of a session that was open for too long.
    fn words_at_deadline(&self, id: &str, now: Instant) -> Vec<u8> {
        if self.grace_ends.is_some_and(|grace| grace <= now) {
            let message =
                "the plugin is shutting down, and the handler took longer than DIFY_PLUGIN_SHUTDOWN_GRACE";
            return sessions::last_words(id, error::CLOSED, message);
        }
        let seconds = self.config.handler_deadline.as_secs_f64();
        let message = format!(
            "the handler took longer than {seconds} s; raise DIFY_PLUGIN_HANDLER_DEADLINE if it must"
        );
        sessions::last_words(id, error::DEADLINE_EXCEEDED, &message)
    }

    fn expire_call(&mut self, id: CallId, now: Instant, wakers: &mut Wakers) {
        let Some(call) = self.calls.get_mut(id) else { return };
        // A reply only leaves its time behind; whether the call is really late is found out here.
        let due = after(call.queue.last_activity(), call.queue.idle);
        if due > now {
            call.due = due;
            self.deadlines.insert(Deadline::Call(id), due);
        } else {
            let timed_out = InvokeError::TimedOut { kind: call.queue.kind.clone(), after: call.queue.idle };
            self.finish_call(id, Err(timed_out), wakers);
        }
    }

    /// Takes no more requests and lets open sessions finish, until `grace` if there is one. Without input, open calls
    /// cannot be answered and fail.
    pub(crate) fn drain(&mut self, cause: Arc<ConnectionError>, grace: Option<Instant>, wakers: &mut Wakers) {
        if matches!(self.phase, Phase::Closed(_)) {
            return;
        }
        if !matches!(*cause, ConnectionError::Shutdown) {
            self.fail_all_calls(&cause, wakers);
        }
        if let Some(grace) = grace {
            for (serial, due) in self.sessions.shorten(grace) {
                self.deadlines.remove(Deadline::Session(serial), due);
                self.deadlines.insert(Deadline::Session(serial), grace);
            }
            self.grace_ends = Some(grace);
        }
        // The end of the input says more than our wish to stop: no reply can come any more.
        if !matches!(&self.phase, Phase::Draining(first) if !matches!(**first, ConnectionError::Shutdown)) {
            self.phase = Phase::Draining(cause);
        }
        self.wake_driver(wakers);
    }

    /// Ends everything at once: nobody reads what sessions say.
    pub(crate) fn close(&mut self, cause: Arc<ConnectionError>, wakers: &mut Wakers) {
        if matches!(self.phase, Phase::Closed(_)) {
            return;
        }
        self.fail_all_calls(&cause, wakers);
        // Dropping a connection that had come to its end is no cause of its own.
        self.phase = match std::mem::replace(&mut self.phase, Phase::Open) {
            Phase::Draining(first) if matches!(*cause, ConnectionError::Dropped) => Phase::Closed(first),
            _ => Phase::Closed(cause),
        };
        for session in self.sessions.drain() {
            session.mark_ended();
        }
        self.arrivals.clear();
        self.deadlines = Deadlines::default();
        self.outbox.clear();
        self.wake_driver(wakers);
    }

    fn fail_all_calls(&mut self, cause: &Arc<ConnectionError>, wakers: &mut Wakers) {
        for id in self.calls.ids() {
            self.finish_call(id, Err(InvokeError::Closed(cause.clone())), wakers);
        }
    }

    /// Why requests are no longer taken, if they are not.
    pub(crate) fn closed(&self) -> Option<Arc<ConnectionError>> {
        match &self.phase {
            Phase::Open => None,
            Phase::Draining(cause) | Phase::Closed(cause) => Some(cause.clone()),
        }
    }

    /// Why nothing moves any more, if so.
    pub(crate) fn unheard(&self) -> Option<Arc<ConnectionError>> {
        if let Phase::Closed(cause) = &self.phase { Some(cause.clone()) } else { None }
    }

    /// Whether nothing is left to wait for.
    pub(crate) fn is_over(&self) -> bool {
        match self.phase {
            Phase::Open => false,
            Phase::Draining(_) => {
                self.sessions.is_empty() && self.arrivals.is_empty() && !self.outbox.has_output()
            }
            Phase::Closed(_) => true,
        }
    }

    // Lines outside any session.

    /// Queues a line of event `error` if there is room; a flood of junk must not grow our memory.
    pub(crate) fn error_event(&mut self, text: &str, wakers: &mut Wakers) {
        if self.outbox.has_room() {
            self.outbox.write(|out| dify_plugin_protocol::message::write_error_line(out, text));
            self.wake_driver(wakers);
        } else {
            self.counters.dropped_lines += 1;
        }
    }

    /// Queues a log line if there is room; `false` if it was dropped.
    pub(crate) fn log(&mut self, log: &dify_plugin_protocol::LogData, wakers: &mut Wakers) -> bool {
        let room = self.outbox.has_room() && !matches!(self.phase, Phase::Closed(_));
        if room {
            self.outbox.write(|out| dify_plugin_protocol::message::write_log_line(out, log));
            self.wake_driver(wakers);
        } else {
            self.counters.dropped_logs += 1;
        }
        room
    }
}

/// Why a line was not queued.
pub(crate) enum Refusal {
    /// Too much output is waiting; try again when there is room.
    Full,
    Failed(SendError),
}
