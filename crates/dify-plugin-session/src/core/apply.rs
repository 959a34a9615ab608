//! What a frame of the daemon's changes.

use std::sync::Arc;

use dify_plugin_protocol::salvage::Salvage;
use dify_plugin_protocol::{ErrorData, ReverseEvent, ReverseResponse, error};

use crate::error::InvokeError;

use super::after::After;
use super::calls::CallId;
use super::deadlines::Deadline;
use super::inbound::SESSION_ID_BYTES;
use super::multiplexer::{Core, Phase};
use super::quota::Share;
use super::reply_queue::CallQueue;
use super::session::SessionState;
use super::sessions::{LastFrames, write_failure};

/// Requests past the session limit whose ids are remembered, to be refused when there is room.
const REMEMBERED_REFUSALS: usize = 100_000;

impl Core {
    /// Looks up whose reply this is. `None` if there is nothing more to do: no call waits for it, or it was an outcome, which
    /// is applied at once.
    ///
    /// The reply itself is pushed by the caller after the lock is free. It may be 64 MiB long, and nobody should wait while
    /// it is copied. Only the driver pushes, so the replies of a call stay in order.
    pub(crate) fn receiver(
        &mut self,
        reply: &ReverseResponse<'_>,
        after: &mut After,
    ) -> Option<(CallId, Arc<CallQueue>)> {
        let found =
            CallId::parse(&reply.backwards_request_id).and_then(|id| Some((id, self.calls.get_mut(id)?)));
        let Some((id, call)) = found else {
            self.counters.unknown_ids += 1;
            return None;
        };
        match reply.event {
            ReverseEvent::Response | ReverseEvent::Error if call.failed => self.counters.unknown_ids += 1,
            ReverseEvent::Response => return Some((id, call.queue.clone())),
            ReverseEvent::Error => {
                // The daemon sends an `end` after each error, which belongs to this call too. So the call stays in the
                // table until then.
                call.failed = true;
                after.wake(call.queue.refuse(&reply.message));
            }
            ReverseEvent::End => self.finish_call(id, Ok(()), after),
            ref unknown => {
                let reason = format!("unknown event `{unknown:.40}`");
                self.error_event(&format!("a reply to the call {id}: {reason}"), after);
                self.finish_call(id, Err(InvokeError::Malformed { reason }), after);
            }
        }
        None
    }

    /// Decides whether a request may open a session, and if so returns its share of the memory. Otherwise the request is
    /// answered with an error.
    pub(crate) fn admit(&mut self, id: &str, bytes: usize, after: &mut After) -> Option<Share> {
        if self.sessions.contains_id(id) {
            // Not a failure with that session's id: at the daemon it would end the session that is open.
            self.counters.malformed_frames += 1;
            let reason = format!("the session {id:.100} is open already; its second request was dropped");
            self.error_event(&reason, after);
            return None;
        }
        if let Phase::Closed(_) = &self.phase {
            return None;
        }
        if let Phase::Draining(cause) = &self.phase {
            let failure = ErrorData::new(error::CLOSED, format!("no more requests are taken: {cause}"));
            self.counters.refused_requests += 1;
            self.fail_unopened(id, &failure, after);
            return None;
        }
        let share = if self.is_full() { None } else { self.quota.share(bytes) };
        if share.is_none() {
            self.counters.refused_requests += 1;
            self.refuse(id, after);
        }
        share
    }

    /// Opens a session that was admitted. The lock was free in between, but only the driver admits: at most a shutdown or the
    /// end of the connection can have happened.
    pub(crate) fn open(&mut self, session: &Arc<SessionState>, after: &mut After) {
        if let Phase::Closed(_) = self.phase {
            session.mark_ended();
            after.ended.push(session.clone());
            return;
        }
        let due = self.grace_ends.map_or(session.due, |grace| session.due.min(grace));
        self.deadlines.insert(Deadline::Session(session.serial), due);
        self.sessions.insert(session.clone(), due);
    }

    /// Whether as many sessions are open as are allowed, including those whose last frames still wait for room.
    fn is_full(&self) -> bool {
        self.sessions.len() + self.outbox.waiting_ends() >= self.config.max_sessions
    }

    /// Answers a request that never became a session.
    fn fail_unopened(&mut self, id: &str, failure: &ErrorData, after: &mut After) {
        let is_room = self.outbox.has_room_outside_sessions();
        if !is_room && self.is_full() {
            return self.refuse(id, after);
        }
        let mut frames = Vec::new();
        write_failure(&mut frames, id, failure);
        self.outbox.push_last(&Arc::from(id), LastFrames::Failure(frames), is_room, &self.quota);
        self.wake_driver(after);
    }

    /// Refuses a request at a limit, as soon as there is room for the refusal. Past [`REMEMBERED_REFUSALS`] it is dropped and
    /// counted.
    fn refuse(&mut self, id: &str, after: &mut After) {
        if self.outbox.refusals() < REMEMBERED_REFUSALS {
            self.outbox.push_refusal(Arc::from(id));
            self.wake_driver(after);
        } else {
            after.first_request_dropped |= !std::mem::replace(&mut self.counters.dropped_a_request, true);
            self.counters.dropped_frames += 1;
        }
    }

    /// Reports a frame that could not be read: to the daemon, and to the session or call it belonged to as far as that can
    /// be told.
    pub(crate) fn unreadable(&mut self, whose: &Salvage, reason: &str, after: &mut After) {
        self.counters.malformed_frames += 1;
        self.error_event(reason, after);
        match (whose.event.as_deref(), &whose.session_id) {
            (Some("request"), Some(id)) if id.len() <= SESSION_ID_BYTES && !self.sessions.contains_id(id) => {
                self.fail_unopened(id, &ErrorData::new(error::INVALID_REQUEST, reason), after);
            }
            (Some("backwards_response"), session) => match (&whose.backwards_request_id, session) {
                (Some(id), _) => match CallId::parse(id).filter(|id| self.calls.get(*id).is_some()) {
                    Some(id) => self.fail_broken_call(id, reason, after),
                    None => self.counters.unknown_ids += 1,
                },
                (None, Some(session)) => self.fail_all_calls_of(session, reason, after),
                (None, None) => {}
            },
            // The frame is broken before the field that says what it is. For a session that is not open it can only be a
            // request, and for one that is, hardly anything but a reply.
            (None, Some(id)) if whose.is_cut_off && id.len() <= SESSION_ID_BYTES => {
                if self.sessions.contains_id(id) {
                    self.fail_all_calls_of(id, reason, after);
                } else {
                    self.fail_unopened(id, &ErrorData::new(error::INVALID_REQUEST, reason), after);
                }
            }
            _ => {}
        }
    }

    /// Fails all open calls of a session that got an unreadable reply without a call id: any of them might otherwise wait for
    /// it in vain.
    fn fail_all_calls_of(&mut self, session: &str, reason: &str, after: &mut After) {
        let Some(open) = self.sessions.by_id(session) else { return };
        for id in self.calls.of_session(open.state.serial) {
            self.fail_broken_call(id, reason, after);
        }
    }

    fn fail_broken_call(&mut self, id: CallId, reason: &str, after: &mut After) {
        self.finish_call(id, Err(InvokeError::Malformed { reason: reason.to_owned() }), after);
    }
}
