//! Reverse invocations under way: found by id in one step, each with a queue of its own.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use dify_plugin_protocol::InvokeType;
use serde_json::value::RawValue;

use crate::config::Config;
use crate::error::InvokeError;
use crate::text::start;

use super::quota::Share;

/// The id of a call: on the wire 32 lower-case hex digits, as the official SDK's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallId {
    /// Not one `u128`, which would be aligned to 16 bytes and make whatever holds it larger.
    high: u64,
    low: u64,
}

impl CallId {
    const MIN: Self = Self { high: 0, low: 0 };
    const MAX: Self = Self { high: u64::MAX, low: u64::MAX };

    pub(crate) fn random() -> Self {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        Self { high, low }
    }

    /// Reads an id that came back. One that is not of our form was never given out.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        let (high, low) = id.split_at_checked(16)?;
        // `from_str_radix` alone would take a sign.
        let word = |digits: &str| match digits.as_bytes() {
            [b'+', ..] => None,
            _ => u64::from_str_radix(digits, 16).ok(),
        };
        (low.len() == 16).then_some(Self { high: word(high)?, low: word(low)? })
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.high, self.low)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Call ids are random and our own; hashing them again would only cost time. A peer can ask for any id, but never put
/// one into the table.
#[derive(Default)]
pub(super) struct RandomAlready(u64);

impl Hasher for RandomAlready {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }
    fn write_u64(&mut self, word: u64) {
        self.0 ^= word;
    }
}

/// The calls that may still get replies.
#[derive(Default)]
pub(super) struct Calls {
    by_id: HashMap<CallId, Call, BuildHasherDefault<RandomAlready>>,
    /// By the serial number of their session. One set for all is smaller than one in each session.
    by_session: BTreeSet<(u64, CallId)>,
}

pub(super) struct Call {
    pub(super) queue: Arc<CallQueue>,
    /// Its place among the deadlines.
    pub(super) due: Instant,
    /// It has failed, and only the `end` that follows every error is still expected.
    pub(super) failed: bool,
}

impl Calls {
    pub(super) fn insert(&mut self, id: CallId, queue: Arc<CallQueue>, due: Instant) {
        self.by_session.insert((queue.session, id));
        self.by_id.insert(id, Call { queue, due, failed: false });
    }
    pub(super) fn get(&self, id: CallId) -> Option<&Call> {
        self.by_id.get(&id)
    }
    pub(super) fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.by_id.get_mut(&id)
    }
    pub(super) fn remove(&mut self, id: CallId) -> Option<Call> {
        let call = self.by_id.remove(&id)?;
        self.by_session.remove(&(call.queue.session, id));
        if self.by_id.is_empty() && self.by_id.capacity() > 1024 {
            self.by_id.shrink_to(1024);
        }
        Some(call)
    }
    pub(super) fn ids(&self) -> Vec<CallId> {
        self.by_id.keys().copied().collect()
    }
    /// Those that the session with this serial number has made.
    pub(super) fn of_session(&self, serial: u64) -> Vec<CallId> {
        let all = (serial, CallId::MIN)..=(serial, CallId::MAX);
        self.by_session.range(all).map(|(_, id)| *id).collect()
    }
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }
}

/// The replies to one call that have not been read, and its outcome.
pub(crate) struct CallQueue {
    pub(crate) kind: InvokeType,
    /// Silence after which the call fails.
    pub(crate) idle: Duration,
    /// The serial number of its session.
    pub(crate) session: u64,
    limit: usize,
    total_limit: usize,
    state: Mutex<QueueState>,
}

struct QueueState {
    replies: VecDeque<Box<RawValue>>,
    /// What the replies and the outcome's text take of all that may be held.
    held: Share,
    last_activity: Instant,
    outcome: Option<Result<(), InvokeError>>,
    /// The outcome has been handed out.
    told: bool,
    reader: Option<Waker>,
}

/// What a queued reply costs beside its text: its place in the queue and its allocation.
const REPLY_OVERHEAD: usize = 48;

/// How much is kept of the text of an error that came from Dify, in bytes.
const REFUSAL_BYTES: usize = 64 * 1024;

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
            state: Mutex::new(QueueState {
                replies: VecDeque::new(),
                held,
                last_activity: now,
                outcome: None,
                told: false,
                reader: None,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        // Nothing that runs under this lock can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn last_activity(&self) -> Instant {
        self.state().last_activity
    }

    /// Starts the idle clock anew.
    pub(super) fn touch(&self, now: Instant) {
        self.state().last_activity = now;
    }

    /// Queues a reply and gives the reader to be woken.
    ///
    /// # Errors
    ///
    /// If there is no room: the call is to fail. Its own limit lets one reply of any size into an empty queue.
    pub(super) fn push(&self, reply: &RawValue, now: Instant) -> Result<Option<Waker>, InvokeError> {
        let cost = reply.get().len() + REPLY_OVERHEAD;
        let mut state = self.state();
        state.last_activity = now;
        if state.outcome.is_some() {
            return Ok(None);
        }
        if !state.replies.is_empty() && state.held.bytes() + cost > self.limit {
            return Err(InvokeError::Overrun { limit: self.limit, field: "reply_queue_bytes" });
        }
        if !state.held.grow(cost) {
            return Err(self.out_of_quota());
        }
        // A copy of the reply alone: a slice would keep the whole read buffer alive.
        state.replies.push_back(reply.to_owned());
        Ok(state.reader.take())
    }

    fn out_of_quota(&self) -> InvokeError {
        InvokeError::Overrun { limit: self.total_limit, field: "total_queue_bytes" }
    }

    /// Sets the outcome to what Dify said, as far as it can be kept.
    pub(super) fn refuse(&self, message: &str) -> Option<Waker> {
        let mut text = start(message, REFUSAL_BYTES).to_owned();
        if text.len() < message.len() {
            text.push_str(&format!("… (cut: there were {} bytes)", message.len()));
        }
        let fits = self.state().held.grow(text.len());
        self.finish(Err(if fits { InvokeError::Refused { message: text } } else { self.out_of_quota() }))
    }

    /// Sets the outcome, to be told after the replies that came before it. The first one counts.
    pub(super) fn finish(&self, outcome: Result<(), InvokeError>) -> Option<Waker> {
        let mut state = self.state();
        state.outcome.get_or_insert(outcome);
        state.reader.take()
    }

    /// The next reply, then the outcome once, then `None`.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Box<RawValue>, InvokeError>>> {
        let mut state = self.state();
        if let Some(reply) = state.replies.pop_front() {
            state.held.shrink(reply.get().len() + REPLY_OVERHEAD);
            if state.replies.is_empty() && state.replies.capacity() > 64 {
                state.replies = VecDeque::new();
            }
            return Poll::Ready(Some(Ok(reply)));
        }
        match &state.outcome {
            Some(Err(error)) if !state.told => {
                let error = error.clone();
                state.told = true;
                Poll::Ready(Some(Err(error)))
            }
            Some(_) => Poll::Ready(None),
            None => {
                state.wake_later(cx);
                Poll::Pending
            }
        }
    }

    /// Lets go of what nobody will read; the call itself may have to stay known for a while.
    pub(crate) fn discard(&self) {
        let mut state = self.state();
        let (replies, held) = (std::mem::take(&mut state.replies), state.held.bytes());
        state.held.shrink(held);
        drop(state);
        drop(replies);
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.state().outcome.is_some()
    }

    /// Ready once the call has its outcome.
    pub(crate) fn poll_finished(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.outcome.is_some() {
            return Poll::Ready(());
        }
        state.wake_later(cx);
        Poll::Pending
    }
}

impl QueueState {
    fn wake_later(&mut self, cx: &Context<'_>) {
        match &mut self.reader {
            Some(reader) => reader.clone_from(cx.waker()),
            None => self.reader = Some(cx.waker().clone()),
        }
    }
}
