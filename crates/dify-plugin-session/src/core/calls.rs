//! The table of reverse invocations under way: found by id in one step, whatever their number.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::time::Instant;

use super::reply_queue::CallQueue;

/// The id of a call: 32 lower-case hex digits on the wire, as in the official SDK.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallId {
    /// Not one `u128`, whose alignment of 16 bytes would make everything that holds an id larger.
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

    /// Reads an id that came back. An id in another form is not one of ours.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        let (high, low) = id.split_at_checked(16)?;
        // `from_str_radix` would take a sign.
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

/// Uses the bits of a call id as they are: the ids are random and our own, so hashing them again would only cost time. A peer
/// can look up any id, but cannot put one into the table, so it cannot make collisions.
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
    /// By the serial number of their session, so that a session that ends finds its calls. One set for all sessions is
    /// smaller than one in each.
    by_session: BTreeSet<(u64, CallId)>,
}

pub(super) struct Call {
    pub(super) queue: Arc<CallQueue>,
    /// Its place among the deadlines.
    pub(super) due: Instant,
    /// It has failed, and only the `end` that follows each error is still expected.
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
    /// Returns the calls of the session with this serial number.
    pub(super) fn of_session(&self, serial: u64) -> Vec<CallId> {
        let all = (serial, CallId::MIN)..=(serial, CallId::MAX);
        self.by_session.range(all).map(|(_, id)| *id).collect()
    }
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }
}
