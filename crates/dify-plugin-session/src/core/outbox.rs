//! Frames that wait to be written.

use std::collections::VecDeque;
use std::sync::Arc;

use dify_plugin_protocol::error;

use crate::config::Config;

use super::quota::{Quota, Share};
use super::sessions::{LastFrames, failure_frames, write_end};

/// Whole frames, in order.
///
/// Bounded: an ordinary frame needs room. The last frames of a session may not be lost, so they wait beside the buffer if
/// there is none, each in the place of the session that it ends.
pub(super) struct Outbox {
    bytes: Vec<u8>,
    room: usize,
    /// Last frames of sessions that ended when there was no room.
    last: VecDeque<WaitingEnd>,
    /// Ids of requests past a limit, which are refused when there is room.
    refused: VecDeque<Arc<str>>,
}

/// A session whose last frames wait for room.
enum WaitingEnd {
    End(Arc<str>),
    Failure {
        frames: Vec<u8>,
        _share: Share,
    },
    /// A failure whose text did not fit into the quota.
    FailureWithoutText(Arc<str>),
}

impl Outbox {
    pub(super) fn new(room: usize) -> Self {
        Self { bytes: Vec::new(), room, last: VecDeque::new(), refused: VecDeque::new() }
    }

    /// Whether a session may push a frame. Below the mark, one frame of any legal size is taken.
    pub(super) fn has_room(&self) -> bool {
        self.bytes.len() < self.room
    }

    /// Whether a frame outside any session may be pushed. Half of the room is kept for sessions: otherwise a daemon that
    /// sends junk, or a handler that logs much, could keep them from sending.
    pub(super) fn has_room_outside_sessions(&self) -> bool {
        self.bytes.len() < self.room.div_ceil(2)
    }

    pub(super) fn has_output(&self) -> bool {
        !self.bytes.is_empty() || !self.last.is_empty() || !self.refused.is_empty()
    }

    pub(super) fn push(&mut self, frame: &[u8]) {
        self.bytes.extend_from_slice(frame);
    }

    pub(super) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
    }

    /// Takes the last frames of a session: now if there `is_room`, else when there is. Their text is dropped if it must wait
    /// and the `quota` has no room for it.
    pub(super) fn push_last(&mut self, id: &Arc<str>, last: LastFrames, is_room: bool, quota: &Arc<Quota>) {
        match last {
            LastFrames::End if is_room => write_end(&mut self.bytes, id),
            LastFrames::End => self.last.push_back(WaitingEnd::End(id.clone())),
            LastFrames::Failure(frames) if is_room => self.bytes.extend_from_slice(&frames),
            LastFrames::Failure(frames) => self.last.push_back(match quota.share(frames.len()) {
                Some(share) => WaitingEnd::Failure { frames, _share: share },
                None => WaitingEnd::FailureWithoutText(id.clone()),
            }),
        }
    }

    /// Remembers to refuse a request, by its id alone.
    pub(super) fn push_refusal(&mut self, id: Arc<str>) {
        self.refused.push_back(id);
    }

    /// Returns how many sessions have ended and wait for room for their last frames.
    pub(super) fn waiting_ends(&self) -> usize {
        self.last.len()
    }

    pub(super) fn refusals(&self) -> usize {
        self.refused.len()
    }

    pub(super) fn len(&self) -> usize {
        let waiting = self.last.iter().map(|waiting| match waiting {
            WaitingEnd::Failure { frames, .. } => frames.len(),
            WaitingEnd::End(id) | WaitingEnd::FailureWithoutText(id) => id.len(),
        });
        self.bytes.len() + waiting.sum::<usize>() + self.refused.iter().map(|id| id.len()).sum::<usize>()
    }

    /// Moves the output into `into`, then as much as fits of what had to wait for room. A quarter of the room is always
    /// given to those, so that busy sessions cannot keep them waiting forever.
    pub(super) fn take(&mut self, into: &mut Vec<u8>, config: &Config) {
        std::mem::swap(&mut self.bytes, into);
        let enough = |taken: usize| self.room.max(taken + 1 + self.room / 4);
        let limit = enough(into.len());
        while into.len() < limit {
            match self.last.pop_front() {
                None => break,
                Some(WaitingEnd::End(id)) => write_end(into, &id),
                Some(WaitingEnd::Failure { frames, .. }) => into.extend_from_slice(&frames),
                Some(WaitingEnd::FailureWithoutText(id)) => {
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

/// Appends the frames that refuse a request at a limit.
fn refuse(frames: &mut Vec<u8>, id: &str, config: &Config, more: &str) {
    let message = format!(
        "the plugin is full: `max_sessions` allows {} open sessions, `total_queue_bytes` {} bytes{more}",
        config.max_sessions, config.total_queue_bytes
    );
    frames.extend_from_slice(&failure_frames(id, error::SESSION_LIMIT_EXCEEDED, &message));
}
