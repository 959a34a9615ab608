//! Open sessions: by the id the daemon gave them, and by a serial number of ours.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use dify_plugin_protocol::{ErrorData, MessageType, message};

use super::session::SessionState;

#[derive(Default)]
pub(super) struct Sessions {
    by_serial: HashMap<u64, OpenSession>,
    /// The ids are the daemon's choice, so this map keeps the standard, keyed hash.
    serials: HashMap<Arc<str>, u64>,
}

pub(super) struct OpenSession {
    pub(super) state: Arc<SessionState>,
    /// Its place among the deadlines.
    pub(super) due: Instant,
}

impl Sessions {
    pub(super) fn insert(&mut self, state: Arc<SessionState>, due: Instant) {
        self.serials.insert(state.id.clone(), state.serial);
        self.by_serial.insert(state.serial, OpenSession { state, due });
    }

    pub(super) fn remove(&mut self, session: &SessionState) -> Option<OpenSession> {
        let open = self.by_serial.remove(&session.serial)?;
        self.serials.remove(&session.id);
        if self.by_serial.is_empty() && self.by_serial.capacity() > 1024 {
            self.by_serial.shrink_to(1024);
            self.serials.shrink_to(1024);
        }
        Some(open)
    }

    pub(super) fn contains_id(&self, id: &str) -> bool {
        self.serials.contains_key(id)
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&OpenSession> {
        self.by_serial.get(self.serials.get(id)?)
    }

    pub(super) fn by_serial(&self, serial: u64) -> Option<Arc<SessionState>> {
        Some(self.by_serial.get(&serial)?.state.clone())
    }

    /// Moves later deadlines forward to `due`, and returns which sessions those were of and what they had been.
    pub(super) fn shorten(&mut self, due: Instant) -> Vec<(u64, Instant)> {
        let later = self.by_serial.iter_mut().filter(|(_, open)| open.due > due);
        later.map(|(serial, open)| (*serial, std::mem::replace(&mut open.due, due))).collect()
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Arc<SessionState>> + use<> {
        self.serials = HashMap::new();
        std::mem::take(&mut self.by_serial).into_values().map(|open| open.state)
    }

    pub(super) fn len(&self) -> usize {
        self.by_serial.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_serial.is_empty()
    }
}

/// The frames that end a session.
pub(crate) enum LastFrames {
    /// Success: `end`.
    End,
    /// Failure: the frames of `error` and `end`.
    Failure(Vec<u8>),
}

/// Makes the frames that end a session with an error.
pub(super) fn failure_frames(id: &str, error_type: &str, text: &str) -> Vec<u8> {
    let mut frames = Vec::new();
    write_failure(&mut frames, id, &ErrorData::new(error_type, text));
    frames
}

/// Appends an `error` frame and its `end`, as the official SDK writes them.
pub(crate) fn write_failure(frames: &mut Vec<u8>, id: &str, error: &ErrorData) {
    // An `ErrorData` is strings and JSON values: it can always be serialised into memory.
    let _ = message::write_session_frame(frames, id, &MessageType::Error, error);
    write_end(frames, id);
}

/// Appends an `end` frame.
pub(super) fn write_end(frames: &mut Vec<u8>, id: &str) {
    let _ = message::write_session_frame(frames, id, &MessageType::End, &serde_json::Map::new());
}
