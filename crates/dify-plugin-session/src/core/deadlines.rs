//! Deadlines as data: one ordered set and one timer, in place of a timer for each call and session.

use std::collections::BTreeSet;
use std::time::Instant;

use super::calls::CallId;

/// What has a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deadline {
    Call(CallId),
    /// By serial number.
    Session(u64),
    /// The whole connection, after a shutdown, or after the end of the input and of every session.
    Connection,
}

#[derive(Default)]
pub(super) struct Deadlines(BTreeSet<(Instant, Deadline)>);

impl Deadlines {
    /// Adds a deadline; `true` if it is now the earliest.
    pub(super) fn insert(&mut self, deadline: Deadline, due: Instant) -> bool {
        let earliest = self.first().is_none_or(|first| due < first);
        self.0.insert((due, deadline));
        earliest
    }

    pub(super) fn remove(&mut self, deadline: Deadline, due: Instant) {
        self.0.remove(&(due, deadline));
    }

    pub(super) fn first(&self) -> Option<Instant> {
        self.0.first().map(|(due, _)| *due)
    }

    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Deadline> {
        (self.first()? <= now).then(|| self.0.pop_first()).flatten().map(|(_, deadline)| deadline)
    }
}
