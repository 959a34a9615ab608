//! The multiplexer's bookkeeping, without I/O or clock: lines and intents go in, bytes and requests come out.
//!
//! Everything here is plain state behind one short lock (see [`link`](crate::link)). The time is handed in; whoever is
//! to be woken is handed out, to be woken once the lock is free. Replies wait in queues of their own, each with its own
//! lock, so that reading one does not hold up the others.

mod after;
mod calls;
mod deadlines;
mod inbound;
mod outbox;
mod quota;
mod sessions;
mod stats;

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use dify_plugin_protocol::error;

use crate::config::Config;
use crate::connection::later;
use crate::error::{ConnectionError, InvokeError, SendError};
use crate::session::SessionState;
use crate::text::start;

pub(crate) use after::After;
pub(crate) use calls::{CallId, CallQueue};
pub(crate) use inbound::Inbound;
pub(crate) use quota::{Quota, Share};
pub(crate) use sessions::{LastWords, write_failure};
pub use stats::Stats;

use calls::Calls;
use deadlines::{Deadline, Deadlines};
use outbox::Outbox;
use sessions::Sessions;
use stats::Counters;

/// After a shutdown's grace: how long the daemon has to read what sessions said at their end.
const LAST_WORDS_TIME: Duration = Duration::from_secs(1);

/// Longest text of an `error` event, in bytes: they name what was wrong with a line, and never need more.
const ERROR_EVENT_BYTES: usize = 1024;

/// How far the connection has come.
enum Phase {
    Open,
    /// No more requests are taken; open sessions may finish.
    Draining(Draining),
    /// Nothing moves any more: the result of the connection.
    Closed(Result<(), ConnectionError>),
}

/// Why no more requests are taken.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Draining {
    /// We were asked to stop. Input and output still work, so replies still come.
    #[error("the plugin is shutting down")]
    Shutdown,
    #[error("the daemon closed the plugin's input")]
    EndOfInput,
    #[error(transparent)]
    Broken(ConnectionError),
}

impl Draining {
    fn into_result(self) -> Result<(), ConnectionError> {
        match self {
            Self::Shutdown | Self::EndOfInput => Ok(()),
            Self::Broken(error) => Err(error),
        }
    }
}

pub(crate) struct Core {
    config: Arc<Config>,
    phase: Phase,
    sessions: Sessions,
    calls: Calls,
    deadlines: Deadlines,
    outbox: Outbox,
    counters: Counters,
    quota: Arc<Quota>,
    /// When sessions that are still open after a shutdown are failed.
    grace_ends: Option<Instant>,
    /// The daemon's time to read the rest is running.
    is_closing: bool,
    /// How many that were.
    cut_short: usize,
    /// The driver, when it has gone to sleep.
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
            is_closing: false,
            cut_short: 0,
            driver: None,
        }
    }

    // What handlers do.

    /// Queues a whole line of `session`, or says `Full`. If it is to start a `call` that has failed in the meantime, it is
    /// not wanted any more, and the call's outcome says why.
    pub(crate) fn send(
        &mut self,
        session: &SessionState,
        call: Option<(CallId, Instant)>,
        line: &[u8],
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
            queue.touch(now);
        }
        self.outbox.push(line);
        self.wake_driver(after);
        Ok(())
    }

    /// Whether `session` may still say something.
    fn may_send(&self, session: &SessionState) -> Result<(), Refusal> {
        // The connection's end ends its sessions too, and tells more.
        if let Phase::Closed(end) = &self.phase {
            return Err(Refusal::Failed(SendError::Closed(end.clone().err())));
        }
        if session.has_ended() {
            return Err(Refusal::Failed(SendError::Ended));
        }
        Ok(())
    }

    /// Ends `session` with its last words. Always finds a place for them: a session that waits to say its last word
    /// counts as open until it is said. `false` if it had ended before.
    pub(crate) fn end_session(&mut self, session: &SessionState, last: LastWords, after: &mut After) -> bool {
        let Some(ended) = self.sessions.remove(session) else { return false };
        self.deadlines.remove(Deadline::Session(session.serial), ended.due);
        for id in self.calls.of_session(session.serial) {
            self.finish_call(id, Err(InvokeError::Ended), after);
        }
        if !matches!(self.phase, Phase::Closed(_)) {
            self.outbox.push_last(&session.id, last, self.outbox.has_room(), &self.quota);
        }
        session.mark_ended();
        after.ended.push(ended.state);
        // Even without output the driver must look: this may have been the session it waited for.
        self.wake_driver(after);
        true
    }

    /// Files a call of `session` before its line is written, so that no reply can come too early.
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
            // Without input no reply can come: better to fail now than to wait for the clock.
            Phase::Draining(cause) => return Err(InvokeError::Closed(cause.clone().into_result().err())),
            Phase::Closed(end) => return Err(InvokeError::Closed(end.clone().err())),
        }
        if session.has_ended() {
            return Err(InvokeError::Ended);
        }
        let due = later(now, queue.idle);
        if self.deadlines.insert(Deadline::Call(id), due) {
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
    fn finish_call(&mut self, id: CallId, outcome: Result<(), InvokeError>, after: &mut After) {
        if let Some(call) = self.calls.remove(id) {
            self.deadlines.remove(Deadline::Call(id), call.due);
            after.readers.extend(call.queue.finish(outcome));
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

    /// Notes whom to wake when there is something to do; gives whom that was before, to be dropped without the lock.
    pub(crate) fn set_driver(&mut self, waker: Waker) -> Option<Waker> {
        self.driver.replace(waker)
    }

    fn wake_driver(&mut self, after: &mut After) {
        if let Some(driver) = self.driver.take() {
            after.driver = Some(driver);
        }
    }

    /// The earliest moment at which [`Core::expire`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    /// Fails every call that has been silent for too long, and ends every session that has been open for too long.
    pub(crate) fn expire(&mut self, now: Instant, after: &mut After) {
        while let Some(deadline) = self.deadlines.pop_due(now) {
            match deadline {
                Deadline::Call(id) => self.expire_call(id, now, after),
                Deadline::Session(serial) => {
                    if let Some(session) = self.sessions.by_serial(serial) {
                        let last = self.words_at_deadline(&session.id, now);
                        self.end_session(&session, LastWords::Failure(last), after);
                    }
                }
                Deadline::Connection => {
                    let cause = match self.grace_ends {
                        Some(_) => {
                            ConnectionError::ShutdownIncomplete { sessions: self.cut_short, unread: true }
                        }
                        None => ConnectionError::Unread,
                    };
                    self.close(Err(cause), after);
                }
            }
        }
    }

    /// The last lines of a session that was open for too long.
    fn words_at_deadline(&mut self, id: &str, now: Instant) -> Vec<u8> {
        if self.grace_ends.is_some_and(|grace| grace <= now) {
            self.cut_short += 1;
            let incomplete = ConnectionError::ShutdownIncomplete { sessions: self.cut_short, unread: false };
            self.phase = Phase::Draining(Draining::Broken(incomplete));
            let message = "the plugin is shutting down, and the handler took longer than `shutdown_grace`";
            return sessions::last_words(id, error::CLOSED, message);
        }
        let seconds = self.config.handler_deadline.as_secs_f64();
        let message =
            format!("the handler took longer than {seconds} s; raise `handler_deadline` if it must");
        sessions::last_words(id, error::DEADLINE_EXCEEDED, &message)
    }

    fn expire_call(&mut self, id: CallId, now: Instant, after: &mut After) {
        let Some(call) = self.calls.get_mut(id) else { return };
        // A reply only leaves its time behind; whether the call is really late is found out here.
        let due = later(call.queue.last_activity(), call.queue.idle);
        if due > now {
            call.due = due;
            self.deadlines.insert(Deadline::Call(id), due);
        } else {
            let timed_out = InvokeError::TimedOut { kind: call.queue.kind.clone(), after: call.queue.idle };
            self.finish_call(id, Err(timed_out), after);
        }
    }

    /// Takes no more requests and lets open sessions finish, until `grace` if there is one. Without input, open calls
    /// cannot be answered and fail.
    pub(crate) fn drain(&mut self, cause: Draining, grace: Option<Instant>, after: &mut After) {
        if matches!(self.phase, Phase::Closed(_)) {
            return;
        }
        if !matches!(cause, Draining::Shutdown) {
            self.fail_all_calls(&cause.clone().into_result(), after);
        }
        if let Some(grace) = grace
            && self.grace_ends.is_none_or(|ends| grace < ends)
        {
            for (serial, due) in self.sessions.shorten(grace) {
                self.deadlines.remove(Deadline::Session(serial), due);
                self.deadlines.insert(Deadline::Session(serial), grace);
            }
            if let Some(before) = self.grace_ends.replace(grace) {
                self.deadlines.remove(Deadline::Connection, later(before, LAST_WORDS_TIME));
            }
            self.deadlines.insert(Deadline::Connection, later(grace, LAST_WORDS_TIME));
        }
        // The end of the input says more than our wish to stop: no reply can come any more.
        if matches!(self.phase, Phase::Open | Phase::Draining(Draining::Shutdown)) {
            self.phase = Phase::Draining(cause);
        }
        self.wake_driver(after);
    }

    /// Ends everything at once: nothing that sessions send is written any more.
    pub(crate) fn close(&mut self, end: Result<(), ConnectionError>, after: &mut After) {
        let end = match (std::mem::replace(&mut self.phase, Phase::Open), end) {
            // The first end counts.
            (closed @ Phase::Closed(_), _) => {
                self.phase = closed;
                return;
            }
            // Coming to an end is no cause of its own; what led there may be one.
            (Phase::Draining(first), Ok(())) => first.into_result(),
            (_, end) => end,
        };
        self.fail_all_calls(&end, after);
        self.phase = Phase::Closed(end);
        after.ended.extend(self.sessions.drain().inspect(|session| session.mark_ended()));
        self.deadlines = Deadlines::default();
        self.outbox.clear();
        after.closed = true;
        self.wake_driver(after);
    }

    fn fail_all_calls(&mut self, end: &Result<(), ConnectionError>, after: &mut After) {
        for id in self.calls.ids() {
            self.finish_call(id, Err(InvokeError::Closed(end.clone().err())), after);
        }
    }

    /// Once the input has ended and no session is open, the daemon has the grace to read what is left: a pipe that nobody
    /// reads must not keep the process. To be called before the clocks are looked at.
    pub(crate) fn watch_the_end(&mut self, now: impl FnOnce() -> Instant) {
        if matches!(self.phase, Phase::Draining(_))
            && self.sessions.is_empty()
            && !self.is_closing
            && self.grace_ends.is_none()
        {
            self.is_closing = true;
            self.deadlines.insert(Deadline::Connection, later(now(), self.config.shutdown_grace));
        }
    }

    /// The result of the connection, once it is closed.
    pub(crate) fn end(&self) -> Option<Result<(), ConnectionError>> {
        if let Phase::Closed(end) = &self.phase { Some(end.clone()) } else { None }
    }

    /// Closes the connection if nothing is left to wait for, given that all that was taken is written.
    pub(crate) fn close_if_done(&mut self, after: &mut After) {
        if matches!(self.phase, Phase::Draining(_)) && self.sessions.is_empty() && !self.outbox.has_output() {
            self.close(Ok(()), after);
        }
    }

    // Lines outside any session.

    /// Queues a line of event `error` if there is room; a flood of junk must not grow our memory.
    fn error_event(&mut self, text: &str, after: &mut After) {
        if self.outbox.has_room_for_strangers() {
            let text = start(text, ERROR_EVENT_BYTES.min(self.config.max_frame_bytes / 8));
            self.outbox.write(|out| dify_plugin_protocol::message::write_error_line(out, text));
            self.wake_driver(after);
        } else {
            self.counters.dropped_lines += 1;
        }
    }

    /// Queues a log line if there is room; `false` if it was dropped.
    pub(crate) fn log(&mut self, line: &[u8], after: &mut After) -> bool {
        let fits = line.len() <= self.config.max_frame_bytes;
        let is_heard = self.outbox.has_room_for_strangers() && !matches!(self.phase, Phase::Closed(_));
        if fits && is_heard {
            self.outbox.push(line);
            self.wake_driver(after);
        } else {
            self.counters.dropped_logs += 1;
        }
        fits && is_heard
    }
}

/// Why a line was not queued.
pub(crate) enum Refusal {
    /// Too much output is waiting; try again when there is room.
    Full,
    Failed(SendError),
}
