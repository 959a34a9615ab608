//! Server-sent events, of which Dify uses little: `data:` lines, `event: ping`, and an empty line after each event.

use std::collections::VecDeque;

/// Collects the data of events from bytes that are cut anywhere.
#[derive(Debug)]
pub(super) struct EventReader {
    /// The most that one event may have, in bytes.
    limit: usize,
    /// The beginning of a line that is not complete.
    line: Vec<u8>,
    /// The data of an event that is not complete. Several lines of data are joined by `\n`.
    data: Option<Vec<u8>>,
}

/// An event is longer than the limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    /// How much of it arrived, in bytes.
    pub(super) bytes: usize,
}

impl EventReader {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, line: Vec::new(), data: None }
    }

    /// Reads `bytes` and adds the data of the events that they complete to `events`.
    ///
    /// # Errors
    ///
    /// Fails if an event is too long. Those before it have been added; no more can be read.
    pub(super) fn feed(&mut self, bytes: &[u8], events: &mut VecDeque<Vec<u8>>) -> Result<(), TooLong> {
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let bytes = self.data.as_ref().map_or(0, Vec::len) + self.line.len() + part.len();
            if bytes > self.limit {
                return Err(TooLong { bytes });
            }
            self.line.extend_from_slice(part);
            if !self.line.starts_with(b"data:") {
                // A comment or another field: keep only enough to tell it from data.
                self.line.truncate(b"data:".len());
            }
            if part.ends_with(b"\n") {
                events.extend(self.end_line());
            }
        }
        Ok(())
    }

    /// Returns the data of an event that the stream ended before an empty line did.
    pub(super) fn rest(mut self) -> Option<Vec<u8>> {
        self.end_line().or(self.data)
    }

    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_ascii_end();
        if line.is_empty() {
            return self.data.take();
        }
        if let Some(value) = line.strip_prefix(b"data:") {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_owned()),
            }
        }
        None
    }
}
