//! Figures for whoever operates a plugin.

use super::Core;

/// What a connection holds now, and what it has had to drop since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Sessions open now.
    pub open_sessions: usize,
    /// Reverse invocations under way now.
    pub open_calls: usize,
    /// Bytes held now of requests and replies that no handler has read, of what open sessions keep, and of errors that
    /// wait to be written. At most [`Config::total_queue_bytes`](crate::Config::total_queue_bytes).
    pub queued_bytes: usize,
    /// Bytes of output waiting now to be written.
    pub output_bytes: usize,
    /// Lines dropped because nothing else was left to do: `error` events for junk while the output was full, requests
    /// past every bound.
    pub dropped_lines: u64,
    /// Log lines dropped because the output was full.
    pub dropped_logs: u64,
    /// Replies to calls that nobody waits for: late ones, or ids that were never given out.
    pub unknown_ids: u64,
    /// Lines that could not be read.
    pub malformed_lines: u64,
    /// Requests refused at a limit.
    pub refused_requests: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) dropped_lines: u64,
    pub(super) dropped_logs: u64,
    pub(super) unknown_ids: u64,
    pub(super) malformed_lines: u64,
    pub(super) refused_requests: u64,
    /// Some request was dropped without an answer.
    pub(super) dropped_a_request: bool,
}

impl Core {
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            open_sessions: self.sessions.len(),
            open_calls: self.calls.len(),
            queued_bytes: self.quota.used(),
            output_bytes: self.outbox.len(),
            dropped_lines: self.counters.dropped_lines,
            dropped_logs: self.counters.dropped_logs,
            unknown_ids: self.counters.unknown_ids,
            malformed_lines: self.counters.malformed_lines,
            refused_requests: self.counters.refused_requests,
        }
    }
}
