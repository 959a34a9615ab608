//! Lines waiting to be written.

use std::collections::VecDeque;
use std::sync::Arc;

use dify_plugin_protocol::error;

use crate::config::Config;

use super::quota::{Quota, Share};
use super::sessions::{LastWords, last_words, write_end};

/// Whole lines only, in order. Bounded: ordinary lines need room, and those that may not be lost (a session's last) wait
/// beside it, each in the place of the session that it ends.
pub(super) struct Outbox {
    bytes: Vec<u8>,
    room: usize,
    /// Last lines of sessions, which came when there was no room.
    last: VecDeque<Waiting>,
    /// Sessions that were never opened, past the cap: refused when there is room.
    refused: VecDeque<Arc<str>>,
}

/// A session that waits to say its last word.
enum Waiting {
    End(Arc<str>),
    Failure {
        lines: Vec<u8>,
        _share: Share,
    },
    /// A failure whose text would have been too much to keep.
    FailureWithoutText(Arc<str>),
}

impl Outbox {
    pub(super) fn new(room: usize) -> Self {
        Self { bytes: Vec::new(), room, last: VecDeque::new(), refused: VecDeque::new() }
    }

    /// Whether a session's line may be pushed. One line of any legal size always fits below the mark.
    pub(super) fn has_room(&self) -> bool {
        self.bytes.len() < self.room
    }

    /// Whether a line that belongs to no session may be pushed: half of the room is kept for sessions, or a daemon that
    /// sends junk, or a handler that logs much, could keep them from being heard.
    pub(super) fn has_room_for_strangers(&self) -> bool {
        self.bytes.len() < self.room.div_ceil(2)
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

    /// Takes a session's last words, now if there `is_room`, else when there is. Text that can't be kept until then, for
    /// lack of `quota`, is left out.
    pub(super) fn push_last(&mut self, id: &Arc<str>, words: LastWords, is_room: bool, quota: &Arc<Quota>) {
        match words {
            LastWords::End if is_room => write_end(&mut self.bytes, id),
            LastWords::End => self.last.push_back(Waiting::End(id.clone())),
            LastWords::Failure(lines) if is_room => self.bytes.extend_from_slice(&lines),
            LastWords::Failure(lines) => self.last.push_back(match quota.share(lines.len()) {
                Some(share) => Waiting::Failure { lines, _share: share },
                None => Waiting::FailureWithoutText(id.clone()),
            }),
        }
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
        let waiting = self.last.iter().map(|waiting| match waiting {
            Waiting::Failure { lines, .. } => lines.len(),
            Waiting::End(id) | Waiting::FailureWithoutText(id) => id.len(),
        });
        self.bytes.len() + waiting.sum::<usize>() + self.refused.iter().map(|id| id.len()).sum::<usize>()
    }

    /// Moves the output into `into`, and then as much as fits of what had to wait for room; a quarter of the room is
    /// always theirs, so that busy sessions can't keep the others waiting.
    pub(super) fn take(&mut self, into: &mut Vec<u8>, config: &Config) {
        std::mem::swap(&mut self.bytes, into);
        let enough = |taken: usize| self.room.max(taken + 1 + self.room / 4);
        let limit = enough(into.len());
        while into.len() < limit {
            match self.last.pop_front() {
                None => break,
                Some(Waiting::End(id)) => write_end(into, &id),
                Some(Waiting::Failure { lines, .. }) => into.extend_from_slice(&lines),
                Some(Waiting::FailureWithoutText(id)) => {
                    refuse(into, &id, config, "; the error's own text was dropped")
                }
            }
        }
        let limit = enough(into.len());
        while into.len() < limit {
            let Some(id) = self.refused.pop_front() else { break };
            refuse(into, &id, config, "");
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

fn refuse(lines: &mut Vec<u8>, id: &str, config: &Config, more: &str) {
    let message = format!(
        "the plugin is full: `max_sessions` allows {} open sessions, `total_queue_bytes` {} bytes{more}",
        config.max_sessions, config.total_queue_bytes
    );
    lines.extend_from_slice(&last_words(id, error::SESSION_LIMIT_EXCEEDED, &message));
}
