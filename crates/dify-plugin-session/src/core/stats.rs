//! Figures for the operator of a plugin.

/// What a connection holds now, and what it has dropped since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Sessions open now.
    pub open_sessions: usize,
    /// Reverse invocations under way now.
    pub open_calls: usize,
    /// Bytes held now: requests of open sessions and what is kept of each, replies that no handler has read, and errors that
    /// wait to be written. At most [`Config::total_queue_bytes`](crate::Config::total_queue_bytes).
    pub queued_bytes: usize,
    /// Bytes of output waiting now to be written.
    pub output_bytes: usize,
    /// Frames dropped because every bound was reached: `error` events for junk while the output was full, and requests that
    /// could not even be refused.
    pub dropped_frames: u64,
    /// Log records dropped because the output was full.
    pub dropped_logs: u64,
    /// Replies to calls that nobody waits for: they came late, or their id was never given out.
    pub unknown_ids: u64,
    /// Frames that could not be read.
    pub malformed_frames: u64,
    /// Requests refused at a limit.
    pub refused_requests: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) dropped_frames: u64,
    pub(super) dropped_logs: u64,
    pub(super) unknown_ids: u64,
    pub(super) malformed_frames: u64,
    pub(super) refused_requests: u64,
    /// A request was dropped without an answer.
    pub(super) dropped_a_request: bool,
}
