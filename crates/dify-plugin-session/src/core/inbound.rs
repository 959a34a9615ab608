//! What happened: one line of the daemon's, read and applied.

use std::sync::Arc;
use std::time::Instant;

use dify_plugin_protocol::daemon_frame::DaemonFrame;
use dify_plugin_protocol::frame::Frame;
use dify_plugin_protocol::salvage::Salvage;
use dify_plugin_protocol::{
    ErrorData, Incoming, IncomingEvent, RequestHeader, ReverseEvent, ReverseResponse, error,
};

use crate::error::InvokeError;
use crate::session::SessionState;

use super::calls::CallId;
use super::deadlines::Deadline;
use super::quota::Share;
use super::sessions::{LastWords, write_failure};
use super::{After, Core, Phase};

/// Requests past the session cap that are remembered, by id, to be refused.
const REMEMBERED_REFUSALS: usize = 100_000;

/// Longest session id taken, in bytes. The daemon's are UUIDs; the id is all we keep of a refused request.
const SESSION_ID_BYTES: usize = 256;

/// A line, read as far as the multiplexer needs it. Reading needs no lock; [`Core::apply`] does.
pub(crate) enum Inbound<'a> {
    Request(Incoming<'a>, RequestHeader<'a>),
    Reply(ReverseResponse<'a>),
    Unreadable { whose: Salvage, reason: String },
}

impl<'a> Inbound<'a> {
    pub(crate) fn read(line: Frame<'a>, limit: usize) -> Self {
        let line = match line {
            Frame::Whole(line) => line,
            Frame::TooLong(prefix) => {
                let whose = Salvage::from_frame(prefix);
                let reason = format!("a frame over the limit of {limit} bytes; raise `max_line_bytes`");
                return Self::Unreadable { whose, reason };
            }
            _ => return Self::Unreadable { whose: Salvage::default(), reason: "unknown framing".to_owned() },
        };
        match Self::read_whole(line) {
            Ok(inbound) => inbound,
            Err(reason) => {
                let reason = format!("a line of {} bytes: {reason}", line.len());
                Self::Unreadable { whose: Salvage::from_frame(line), reason }
            }
        }
    }

    fn read_whole(line: &'a [u8]) -> Result<Self, String> {
        let text =
            std::str::from_utf8(line).map_err(|e| format!("invalid UTF-8 after byte {}", e.valid_up_to()))?;
        // Whatever is not in the daemon's own form takes the general way, and gets its error there.
        let inbound = match DaemonFrame::read(text) {
            Some(DaemonFrame::Request(incoming, header)) => Self::Request(incoming, header),
            Some(DaemonFrame::Reply(reply)) => Self::Reply(reply),
            None => Self::read_any_form(text)?,
        };
        match &inbound {
            Self::Request(incoming, _) if incoming.session_id.len() > SESSION_ID_BYTES => Err(format!(
                "a `session_id` of {} bytes; at most {SESSION_ID_BYTES} are taken",
                incoming.session_id.len()
            )),
            _ => Ok(inbound),
        }
    }

    fn read_any_form(text: &'a str) -> Result<Self, String> {
        let incoming = Incoming::parse(text).map_err(|e| error::describe_json(&e))?;
        match incoming.event {
            IncomingEvent::BackwardsResponse => {
                let reply = ReverseResponse::parse(incoming.data)
                    .map_err(|e| format!("in `data`: {}", error::describe_json(&e)))?;
                Ok(Self::Reply(reply))
            }
            IncomingEvent::Request => {
                let header = RequestHeader::parse(incoming.data)
                    .map_err(|e| format!("in `data`: {}", error::describe_json(&e)))?;
                Ok(Self::Request(incoming, header))
            }
            ref unknown => Err(format!("unknown event `{unknown:.40}`")),
        }
    }
}

impl Core {
    /// Applies a line that came at `now`, if it is no request.
    pub(crate) fn apply(&mut self, inbound: &Inbound<'_>, now: Instant, after: &mut After) {
        match inbound {
            Inbound::Request(..) => {}
            Inbound::Reply(reply) => self.reply(reply, now, after),
            Inbound::Unreadable { whose, reason } => self.unreadable(whose, reason, after),
        }
    }

    fn reply(&mut self, reply: &ReverseResponse<'_>, now: Instant, after: &mut After) {
        let found =
            CallId::parse(&reply.backwards_request_id).and_then(|id| Some((id, self.calls.get_mut(id)?)));
        let Some((id, call)) = found else {
            self.counters.unknown_ids += 1;
            return;
        };
        match reply.event {
            ReverseEvent::Response if call.failed => self.counters.unknown_ids += 1,
            ReverseEvent::Response => {
                match call.queue.push(reply.data.unwrap_or(serde_json::value::RawValue::NULL), now) {
                    Ok(reader) => after.readers.extend(reader),
                    Err(overrun) => self.finish_call(id, Err(overrun), after),
                }
            }
            ReverseEvent::Error => {
                // The `end` that follows is still this call's; it stays in the table until then.
                call.failed = true;
                after.readers.extend(call.queue.refuse(&reply.message));
            }
            ReverseEvent::End => self.finish_call(id, Ok(()), after),
            ref unknown => {
                let reason = format!("unknown event `{unknown:.40}`");
                self.error_event(&format!("an answer to the call {id}: {reason}"), after);
                self.finish_call(id, Err(InvokeError::Malformed { reason }), after);
            }
        }
    }

    /// Decides whether a request may open a session, and if so gives its share of the memory. Otherwise it is answered.
    pub(crate) fn admit(&mut self, id: &str, bytes: usize, after: &mut After) -> Option<Share> {
        if self.sessions.contains_id(id) {
            // An error in the session itself would end the first one at the daemon.
            self.counters.malformed_lines += 1;
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

    /// Opens a session that was admitted. Only the driver admits, so nothing but the connection's end can have come in
    /// between.
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

    /// Whether as many sessions are open as may be, those included that have not been able to say their last word.
    fn is_full(&self) -> bool {
        self.sessions.len() + self.outbox.unsaid() >= self.config.max_sessions
    }

    /// Answers a request that never became a session.
    fn fail_unopened(&mut self, id: &str, failure: &ErrorData, after: &mut After) {
        let is_room = self.outbox.has_room_for_strangers();
        if !is_room && self.is_full() {
            return self.refuse(id, after);
        }
        let mut lines = Vec::new();
        write_failure(&mut lines, id, failure);
        self.outbox.push_last(&Arc::from(id), LastWords::Failure(lines), is_room, &self.quota);
        self.wake_driver(after);
    }

    /// Refuses a request at a limit, when there is room to say so; past that it is dropped and counted.
    fn refuse(&mut self, id: &str, after: &mut After) {
        if self.outbox.refusals() < REMEMBERED_REFUSALS {
            self.outbox.push_refusal(Arc::from(id));
            self.wake_driver(after);
        } else {
            after.first_request_dropped |= !std::mem::replace(&mut self.counters.dropped_a_request, true);
            self.counters.dropped_lines += 1;
        }
    }

    /// Tells as many as can be told: the daemon, and the session or the call whose line it was.
    fn unreadable(&mut self, whose: &Salvage, reason: &str, after: &mut After) {
        self.counters.malformed_lines += 1;
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
            // The fault came before it could be seen what the line is. Of a session that is not open, it can only be a
            // request; of one that is, hardly anything but an answer.
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

    /// Whose answer could not be read cannot be told: any open call of the session might wait for it in vain.
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
