//! Lines waiting to be written.

use std::collections::VecDeque;
use std::sync::Arc;

use dify_plugin_protocol::error;

use crate::config::Config;

use super::sessions::last_words;

/// Whole lines only, in order. Bounded: ordinary lines need room, and those that may not be lost (a session's last) wait
/// beside it, each in the place of the session that it ends.
pub(super) struct Outbox {
    bytes: Vec<u8>,
    room: usize,
    /// Last lines of sessions, which came when there was no room.
    last: VecDeque<Vec<u8>>,
    /// Sessions that were never opened, past the cap: refused when there is room.
    refused: VecDeque<Arc<str>>,
}

impl Outbox {
    pub(super) fn new(room: usize) -> Self {
        Self { bytes: Vec::new(), room, last: VecDeque::new(), refused: VecDeque::new() }
    }

    /// Whether a line may be pushed. One line of any legal size always fits below the mark.
    pub(super) fn has_room(&self) -> bool {
        self.bytes.len() < self.room && self.last.is_empty() && self.refused.is_empty()
    }

    pub(super) fn has_output(&self) -> bool {
        !self.bytes.is_empty() || !self.last.is_empty() || !self.refused.is_empty()
    }

    pub(super) fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
    }

    pub(super) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
    }

    pub(super) fn push_last(&mut self, lines: Vec<u8>) {
        if self.has_room() { self.bytes.extend_from_slice(&lines) } else { self.last.push_back(lines) }
    }

    /// Remembers to refuse a request, by its id alone.
    pub(super) fn push_refusal(&mut self, id: Arc<str>) {
        self.refused.push_back(id);
    }

    /// Sessions that are over for their handlers but have not been able to say so.
    pub(super) fn unsaid(&self) -> usize {
        self.last.len()
    }

    pub(super) fn refusals(&self) -> usize {
        self.refused.len()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() + self.last.iter().map(Vec::len).sum::<usize>()
    }

    /// Moves the output into `into`, and then as much as fits of what had to wait for room.
    pub(super) fn take(&mut self, into: &mut Vec<u8>, config: &Config) {
        std::mem::swap(&mut self.bytes, into);
        while into.len() < self.room {
            let Some(lines) = self.last.pop_front() else { break };
            into.extend_from_slice(&lines);
        }
        while into.len() < self.room {
            let Some(id) = self.refused.pop_front() else { break };
            let message = format!(
                "the plugin is full: MAX_WORKER allows {} open sessions, DIFY_PLUGIN_TOTAL_QUEUE_BYTES {} bytes",
                config.max_sessions, config.total_queue_bytes
            );
            into.extend_from_slice(&last_words(&id, error::SESSION_LIMIT_EXCEEDED, &message));
        }
        if self.last.is_empty() {
            self.last.shrink_to(64);
        }
        if self.refused.is_empty() {
            self.refused.shrink_to(64);
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes = Vec::new();
        self.last.clear();
        self.refused.clear();
    }
}
