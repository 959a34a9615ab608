//! Deadlines, shutdown and the end: how a connection stops.

use std::time::{Duration, Instant};

use dify_plugin_protocol::error;

use crate::clock::later;
use crate::error::{ConnectionError, InvokeError};

use super::after::After;
use super::calls::CallId;
use super::deadlines::{Deadline, Deadlines};
use super::multiplexer::{Core, Draining, Phase};
use super::sessions::{LastFrames, failure_frames};

/// How long the daemon has, after the grace of a shutdown, to read the last frames of the sessions that were failed.
const LAST_FRAMES_TIME: Duration = Duration::from_secs(1);

impl Core {
    /// Returns the earliest moment at which [`Core::expire`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    /// Fails each call that has been silent for too long, and ends each session that has been open for too long.
    pub(crate) fn expire(&mut self, now: Instant, after: &mut After) {
        while let Some(deadline) = self.deadlines.pop_due(now) {
            match deadline {
                Deadline::Call(id) => self.expire_call(id, now, after),
                Deadline::Session(serial) => {
                    if let Some(session) = self.sessions.by_serial(serial) {
                        let last = self.frames_at_deadline(&session.id, now);
                        self.end_session(&session, LastFrames::Failure(last), after);
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

    /// Makes the last frames of a session that was open for too long.
    fn frames_at_deadline(&mut self, id: &str, now: Instant) -> Vec<u8> {
        if self.grace_ends.is_some_and(|grace| grace <= now) {
            self.cut_short += 1;
            // What broke the input first stays the cause.
            if !matches!(
                self.phase,
                Phase::Draining(Draining::Broken(
                    ConnectionError::Read(_) | ConnectionError::EndInsideFrame { .. }
                ))
            ) {
                let incomplete =
                    ConnectionError::ShutdownIncomplete { sessions: self.cut_short, unread: false };
                self.phase = Phase::Draining(Draining::Broken(incomplete));
            }
            let message = "the plugin is shutting down, and the handler took longer than `shutdown_grace`";
            return failure_frames(id, error::CLOSED, message);
        }
        let seconds = self.config.handler_deadline.as_secs_f64();
        let message =
            format!("the handler took longer than {seconds} s; raise `handler_deadline` if it must");
        failure_frames(id, error::DEADLINE_EXCEEDED, &message)
    }

    fn expire_call(&mut self, id: CallId, now: Instant, after: &mut After) {
        let Some(call) = self.calls.get_mut(id) else { return };
        // A reply does not move the deadline in the ordered set, which would cost a search for each reply. It only leaves
        // its time in the queue, and whether the call is really late is found out here.
        let due = later(call.queue.last_activity(), call.queue.idle);
        if due > now {
            call.due = due;
            self.deadlines.insert(Deadline::Call(id), due);
        } else {
            let timed_out = InvokeError::TimedOut { kind: call.queue.kind.clone(), after: call.queue.idle };
            self.finish_call(id, Err(timed_out), after);
        }
    }

    /// Takes no more requests and lets open sessions finish, until `grace` if given. Without input, open calls cannot be
    /// answered and fail.
    pub(crate) fn drain(&mut self, cause: Draining, grace: Option<Instant>, after: &mut After) {
        if matches!(self.phase, Phase::Closed(_)) {
            return;
        }
        if !matches!(cause, Draining::Shutdown) {
            self.fail_all_calls(&cause.clone().into_result(), after);
        }
        if let Some(grace) = grace
            // A second shutdown cannot give more time.
            && self.grace_ends.is_none_or(|ends| grace < ends)
        {
            for (serial, due) in self.sessions.shorten(grace) {
                self.deadlines.remove(Deadline::Session(serial), due);
                self.deadlines.insert(Deadline::Session(serial), grace);
            }
            if let Some(before) = self.grace_ends.replace(grace) {
                self.deadlines.remove(Deadline::Connection, later(before, LAST_FRAMES_TIME));
            }
            self.deadlines.insert(Deadline::Connection, later(grace, LAST_FRAMES_TIME));
        }
        // The end of the input replaces a shutdown as the cause, since it also means that no reply can come. Nothing
        // replaces the end of the input.
        if matches!(self.phase, Phase::Open | Phase::Draining(Draining::Shutdown)) {
            self.phase = Phase::Draining(cause);
        }
        self.wake_driver(after);
    }

    /// Ends everything at once. Nothing is written any more.
    pub(crate) fn close(&mut self, end: Result<(), ConnectionError>, after: &mut After) {
        let end = match (std::mem::replace(&mut self.phase, Phase::Open), end) {
            // The first end counts.
            (closed @ Phase::Closed(_), _) => {
                self.phase = closed;
                return;
            }
            // An orderly close is not a cause of its own, but what the connection drained for may be one.
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

    /// Gives the daemon `shutdown_grace` to read what is left, once the input and every session have ended: a pipe that
    /// nobody reads must not keep the process alive. To be called before the clocks are looked at.
    pub(crate) fn limit_last_reads(&mut self, now: impl FnOnce() -> Instant) {
        if matches!(self.phase, Phase::Draining(_))
            && self.sessions.is_empty()
            && !self.is_closing
            // After a shutdown its own limit applies.
            && self.grace_ends.is_none()
        {
            self.is_closing = true;
            self.deadlines.insert(Deadline::Connection, later(now(), self.config.shutdown_grace));
        }
    }

    /// Closes the connection if nothing is left to wait for, given that everything taken from it is written.
    pub(crate) fn close_if_done(&mut self, after: &mut After) {
        if matches!(self.phase, Phase::Draining(_)) && self.sessions.is_empty() && !self.outbox.has_output() {
            self.close(Ok(()), after);
        }
    }

    /// Returns the result of the connection, once it is closed.
    pub(crate) fn end(&self) -> Option<Result<(), ConnectionError>> {
        if let Phase::Closed(end) = &self.phase { Some(end.clone()) } else { None }
    }
}
