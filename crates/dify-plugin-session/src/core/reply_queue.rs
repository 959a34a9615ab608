//! The replies to one call that have not been read, and its outcome.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use dify_plugin_protocol::InvokeType;
use serde_json::value::RawValue;

use crate::config::Config;
use crate::error::InvokeError;

use super::quota::Share;

/// What a queued reply costs beside its text, in bytes: its place in the queue and its allocation.
const REPLY_OVERHEAD: usize = 48;

/// How much is kept of the text of an error from Dify, in bytes.
const REFUSAL_BYTES: usize = 64 * 1024;

/// A queue between the driver, which pushes, and the handler that made the call.
///
/// It has its own lock: a handler that reads its replies never waits for the core, nor for another call. Where both locks
/// are held, the core's is taken first.
pub(crate) struct CallQueue {
    pub(crate) kind: InvokeType,
    /// Silence after which the call fails.
    pub(crate) idle: Duration,
    /// The serial number of its session.
    pub(crate) session: u64,
    limit: usize,
    total_limit: usize,
    state: Mutex<State>,
}

struct State {
    replies: VecDeque<Box<RawValue>>,
    /// What the replies and the text of the outcome take of the quota.
    held: Share,
    last_activity: Instant,
    outcome: Option<Result<(), InvokeError>>,
    /// The outcome has been handed out.
    outcome_read: bool,
    /// Nobody will read any more.
    discarded: bool,
    /// The handler that waits for a reply or for the outcome.
    reader: Option<Waker>,
}

impl CallQueue {
    pub(crate) fn new(
        kind: InvokeType,
        idle: Duration,
        session: u64,
        now: Instant,
        config: &Config,
        held: Share,
    ) -> Self {
        Self {
            kind,
            idle,
            session,
            limit: config.reply_queue_bytes,
            total_limit: config.total_queue_bytes,
            state: Mutex::new(State {
                replies: VecDeque::new(),
                held,
                last_activity: now,
                outcome: None,
                outcome_read: false,
                discarded: false,
                reader: None,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under this lock can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn last_activity(&self) -> Instant {
        self.state().last_activity
    }

    /// Restarts the idle clock.
    pub(super) fn touch(&self, now: Instant) {
        self.state().last_activity = now;
    }

    /// Queues a reply and returns the reader to be woken. To be called by the driver only, without the core's lock.
    ///
    /// # Errors
    ///
    /// If there is no room; the call is to fail. Its own limit lets one reply of any size into an empty queue.
    pub(crate) fn push(&self, reply: &RawValue, now: Instant) -> Result<Option<Waker>, InvokeError> {
        let cost = reply.get().len() + REPLY_OVERHEAD;
        if !self.reserve(cost, now)? {
            return Ok(None);
        }
        // Copied without any lock: who ends the session meanwhile holds the core's lock and waits for this one. And a copy of
        // the reply alone, since a slice would keep the whole read buffer alive.
        let reply = reply.to_owned();
        let mut state = self.state();
        // The call may have ended or been dropped while we copied; then nothing may follow what its reader has seen.
        if state.outcome.is_some() || state.discarded {
            state.held.shrink(cost);
            return Ok(None);
        }
        state.replies.push_back(reply);
        Ok(state.reader.take())
    }

    /// Reserves `cost` bytes for a reply that came at `now`; `false` if nobody waits for it any more.
    fn reserve(&self, cost: usize, now: Instant) -> Result<bool, InvokeError> {
        let mut state = self.state();
        state.last_activity = now;
        if state.outcome.is_some() || state.discarded {
            return Ok(false);
        }
        if !state.replies.is_empty() && state.held.bytes() + cost > self.limit {
            return Err(InvokeError::Overrun { limit: self.limit, field: "reply_queue_bytes" });
        }
        if !state.held.grow(cost) {
            return Err(self.out_of_quota());
        }
        Ok(true)
    }

    fn out_of_quota(&self) -> InvokeError {
        InvokeError::Overrun { limit: self.total_limit, field: "total_queue_bytes" }
    }

    /// Sets the outcome to an error from Dify, of whose text only the beginning is kept.
    pub(super) fn refuse(&self, message: &str) -> Option<Waker> {
        let mut text = message[..message.floor_char_boundary(REFUSAL_BYTES)].to_owned();
        if text.len() < message.len() {
            text.push_str(&format!("… (cut: there were {} bytes)", message.len()));
        }
        let fits = {
            let mut state = self.state();
            if state.discarded {
                // Nobody will read the text, so it takes no memory that others could use.
                text = String::new();
            }
            state.held.grow(text.len())
        };
        self.finish(Err(if fits { InvokeError::Refused { message: text } } else { self.out_of_quota() }))
    }

    /// Sets the outcome, to be read after the replies that came before it, and returns the reader to be woken. Only the
    /// first outcome counts.
    pub(super) fn finish(&self, outcome: Result<(), InvokeError>) -> Option<Waker> {
        let mut state = self.state();
        state.outcome.get_or_insert(outcome);
        state.reader.take()
    }

    /// Returns the next reply, then the outcome once, then `None`.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Box<RawValue>, InvokeError>>> {
        self.poll(cx, |state| {
            if let Some(reply) = state.replies.pop_front() {
                state.held.shrink(reply.get().len() + REPLY_OVERHEAD);
                if state.replies.is_empty() && state.replies.capacity() > 64 {
                    state.replies = VecDeque::new();
                }
                return Some(Some(Ok(reply)));
            }
            match &state.outcome {
                Some(Err(error)) if !state.outcome_read => {
                    let error = error.clone();
                    state.outcome_read = true;
                    Some(Some(Err(error)))
                }
                Some(_) => Some(None),
                None => None,
            }
        })
    }

    /// Ready once the call has its outcome.
    pub(crate) fn poll_finished(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll(cx, |state| state.outcome.as_ref().map(drop))
    }

    /// Asks `look` under the lock, and registers the reader if it found nothing.
    fn poll<T>(&self, cx: &Context<'_>, look: impl Fn(&mut State) -> Option<T>) -> Poll<T> {
        if let Some(found) = look(&mut self.state()) {
            return Poll::Ready(found);
        }
        // Cloning or dropping a waker may run foreign code, which may come back for this lock. So the new one is cloned
        // before the lock is taken again, and the old one dropped after it.
        let waker = cx.waker().clone();
        let mut state = self.state();
        if let Some(found) = look(&mut state) {
            return Poll::Ready(found);
        }
        let old = state.reader.replace(waker);
        drop(state);
        drop(old);
        Poll::Pending
    }

    /// Frees what nobody will read. The call itself may have to stay known for a while.
    pub(crate) fn discard(&self) {
        let mut state = self.state();
        state.discarded = true;
        let (replies, held) = (std::mem::take(&mut state.replies), state.held.bytes());
        state.held.shrink(held);
        drop(state);
        drop(replies);
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.state().outcome.is_some()
    }
}
