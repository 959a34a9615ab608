//! What happened: one line of the daemon's, read and applied.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use dify_plugin_protocol::frame::Line;
use dify_plugin_protocol::salvage::Salvage;
use dify_plugin_protocol::{
    ErrorData, Incoming, IncomingEvent, RequestHeader, ReverseEvent, ReverseResponse, error,
};

use serde::Deserialize;

use crate::error::InvokeError;
use crate::request::Payload;
use crate::session::SessionState;

use super::calls::CallId;
use super::deadlines::Deadline;
use super::sessions::write_failure;
use super::{Arrival, Core, Phase, Wakers};

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
    pub(crate) fn read(line: Line<'a>, limit: usize) -> Self {
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong(prefix) => {
                let whose = Salvage::from_line(prefix);
                let reason =
                    format!("a line over the limit of {limit} bytes; raise DIFY_PLUGIN_MAX_LINE_BYTES");
                return Self::Unreadable { whose, reason };
            }
            _ => return Self::Unreadable { whose: Salvage::default(), reason: "unknown framing".to_owned() },
        };
        match Self::read_whole(line) {
            Ok(inbound) => inbound,
            Err(reason) => {
                let reason = format!("a line of {} bytes: {reason}", line.len());
                Self::Unreadable { whose: Salvage::from_line(line), reason }
            }
        }
    }

    fn read_whole(line: &'a [u8]) -> Result<Self, String> {
        let text =
            std::str::from_utf8(line).map_err(|e| format!("invalid UTF-8 after byte {}", e.valid_up_to()))?;
        if let Some(reply) = as_written_by_the_daemon(text) {
            return Ok(Self::Reply(reply));
        }
        let incoming = Incoming::parse(text).map_err(|e| error::describe_json(&e))?;
        if incoming.session_id.len() > SESSION_ID_BYTES {
            return Err(format!(
                "a `session_id` of {} bytes; at most {SESSION_ID_BYTES} are taken",
                incoming.session_id.len()
            ));
        }
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

/// A reply in the very form the daemon writes, read in one pass instead of two. Replies are most of what comes; whatever
/// is not in that form takes the general way, and gets its error there.
fn as_written_by_the_daemon(text: &str) -> Option<ReverseResponse<'_>> {
    #[derive(Deserialize)]
    struct ReplyLine<'a> {
        #[serde(borrow, rename = "session_id")]
        _session_id: Cow<'a, str>,
        event: IncomingEvent,
        #[serde(borrow)]
        data: ReverseResponse<'a>,
    }

    /// In a reply the envelope before this is short, unless a caller's context is long.
    const LOOKED_AT: usize = 1024;
    let start = &text.as_bytes()[..text.len().min(LOOKED_AT)];
    if !text.starts_with('{') || memchr::memmem::find(start, br#""data":{"backwards_request_id":"#).is_none()
    {
        return None;
    }
    let line: ReplyLine<'_> = serde_json::from_str(text).ok()?;
    (line.event == IncomingEvent::BackwardsResponse).then_some(line.data)
}

impl Core {
    /// Applies a line that came at `now`.
    pub(crate) fn apply(
        &mut self,
        inbound: Inbound<'_>,
        now: Instant,
        link: &Arc<crate::link::Link>,
        wakers: &mut Wakers,
    ) {
        match inbound {
            Inbound::Reply(reply) => self.reply(&reply, now, wakers),
            Inbound::Request(incoming, header) => self.request(&incoming, &header, now, link, wakers),
            Inbound::Unreadable { whose, reason } => self.unreadable(&whose, &reason, wakers),
        }
    }

    fn reply(&mut self, reply: &ReverseResponse<'_>, now: Instant, wakers: &mut Wakers) {
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
                    Ok(reader) => wakers.extend(reader),
                    Err(overrun) => self.finish_call(id, Err(overrun), wakers),
                }
            }
            ReverseEvent::Error => {
                // The `end` that follows is still this call's; it stays in the table until then.
                call.failed = true;
                wakers.extend(
                    call.queue.finish(Err(InvokeError::Refused { message: reply.message.to_string() })),
                );
            }
            ReverseEvent::End => self.finish_call(id, Ok(()), wakers),
            ref unknown => {
                let reason = format!("unknown event `{unknown:.40}`");
                self.error_event(&format!("an answer to the call {id}: {reason}"), wakers);
                self.finish_call(id, Err(InvokeError::Malformed { reason }), wakers);
            }
        }
    }

    fn request(
        &mut self,
        incoming: &Incoming<'_>,
        header: &RequestHeader<'_>,
        now: Instant,
        link: &Arc<crate::link::Link>,
        wakers: &mut Wakers,
    ) {
        let id = &*incoming.session_id;
        if self.sessions.contains_id(id) {
            // An error in the session itself would end the first one at the daemon.
            self.counters.malformed_lines += 1;
            self.error_event(
                &format!("the session {id:.100} is open already; its second request was dropped"),
                wakers,
            );
            return;
        }
        if let Phase::Draining(cause) | Phase::Closed(cause) = &self.phase {
            let failure = ErrorData::new(error::CLOSED, format!("no more requests are taken: {cause}"));
            self.counters.refused_requests += 1;
            self.fail_unopened(id, &failure, wakers);
            return;
        }
        if self.is_full() {
            self.refuse(id, wakers);
            return;
        }
        let cost = incoming.data.get().len() + incoming.context.map_or(0, |context| context.get().len());
        if self.held.load(Ordering::Relaxed) + cost > self.config.total_queue_bytes
            && !self.sessions.is_empty()
        {
            self.refuse(id, wakers);
            return;
        }

        let due = crate::connection::after(now, self.config.handler_deadline);
        let state = Arc::new(SessionState::new(incoming, header, due, link.clone()));
        let payload = Payload::new(incoming.data.to_owned(), cost, self.held.clone());
        self.deadlines.insert(Deadline::Session(state.serial), due);
        self.sessions.insert(state.clone(), due);
        self.arrivals.push_back(Arrival { session: state, payload });
    }

    /// Whether as many sessions are open as may be, those included that have not been able to say their last word.
    fn is_full(&self) -> bool {
        self.sessions.len() + self.outbox.unsaid() >= self.config.max_sessions
    }

    /// Answers a request that never became a session.
    fn fail_unopened(&mut self, id: &str, failure: &ErrorData, wakers: &mut Wakers) {
        if !self.outbox.has_room() && self.is_full() {
            return self.refuse(id, wakers);
        }
        let mut lines = Vec::new();
        write_failure(&mut lines, id, failure);
        self.outbox.push_last(lines);
        self.wake_driver(wakers);
    }

    /// Refuses a request at a limit: now if there is room, else when there is; past that it is dropped and counted.
    fn refuse(&mut self, id: &str, wakers: &mut Wakers) {
        self.counters.refused_requests += 1;
        if self.outbox.refusals() < REMEMBERED_REFUSALS {
            self.outbox.push_refusal(Arc::from(id));
            self.wake_driver(wakers);
        } else {
            if self.counters.dropped_lines == 0 {
                tracing::warn!(
                    "requests are dropped unanswered: the daemon reads nothing and every queue is full"
                );
            }
            self.counters.dropped_lines += 1;
        }
    }

    /// Tells as many as can be told: the daemon, and the session or the call whose line it was.
    fn unreadable(&mut self, whose: &Salvage, reason: &str, wakers: &mut Wakers) {
        self.counters.malformed_lines += 1;
        self.error_event(reason, wakers);
        match (whose.event.as_deref(), &whose.session_id) {
            (Some("request"), Some(id)) if id.len() <= SESSION_ID_BYTES && !self.sessions.contains_id(id) => {
                self.fail_unopened(id, &ErrorData::new(error::INVALID_REQUEST, reason), wakers);
            }
            (Some("backwards_response"), session) => {
                let ids = match &whose.backwards_request_id {
                    Some(id) => CallId::parse(id).into_iter().collect(),
                    // Whose answer it was cannot be told: any open call of the session might wait for it in vain.
                    None => session
                        .as_deref()
                        .and_then(|id| self.sessions.by_id(id))
                        .map(|open| open.calls.iter().copied().collect())
                        .unwrap_or_default(),
                };
                let ids: Vec<CallId> = ids;
                for id in ids {
                    self.finish_call(id, Err(InvokeError::Malformed { reason: reason.to_owned() }), wakers);
                }
            }
            _ => {}
        }
    }
}
