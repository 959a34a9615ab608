//! Output that was taken from the core and has not been written yet.

use dify_plugin_protocol::message::write_heartbeat_frame;

use crate::link::Link;

/// A buffer larger than this is freed once it is empty, in bytes.
const KEPT_BYTES: usize = 1024 * 1024;

/// Whole frames, of which the first may be half-written.
#[derive(Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    written: usize,
    /// Where the heartbeat ends that has not been written yet.
    heartbeat_end: usize,
}

impl Output {
    /// Returns what to write next, or nothing if no output is left. Takes all there is from the core, but only once the last
    /// is written: until then it stays in the outbox, whose room makes senders wait.
    pub(crate) fn unwritten(&mut self, link: &Link) -> &[u8] {
        if self.written == self.bytes.len() {
            self.written = 0;
            self.heartbeat_end = 0;
            self.bytes.clear();
            if self.bytes.capacity() > KEPT_BYTES {
                self.bytes = Vec::new();
            }
            link.quietly(|core| core.take_output(&mut self.bytes));
            if !self.bytes.is_empty() {
                link.wake_senders();
            }
        }
        &self.bytes[self.written..]
    }

    pub(crate) fn advance(&mut self, written: usize) {
        self.written += written;
    }

    /// Puts a heartbeat before everything else, but after a frame that is half-written. Does nothing if one still waits.
    pub(crate) fn insert_heartbeat(&mut self) {
        if self.heartbeat_is_waiting() {
            return;
        }
        let at_a_boundary = self.written == 0 || self.bytes[self.written - 1] == b'\n';
        let at = if at_a_boundary {
            self.written
        } else {
            let rest = self.bytes[self.written..].iter().position(|byte| *byte == b'\n');
            rest.map_or(self.bytes.len(), |newline| self.written + newline + 1)
        };
        let mut heartbeat = Vec::new();
        write_heartbeat_frame(&mut heartbeat);
        self.heartbeat_end = at + heartbeat.len();
        self.bytes.splice(at..at, heartbeat);
    }

    pub(crate) fn heartbeat_is_waiting(&self) -> bool {
        self.written < self.heartbeat_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_goes_after_a_half_written_frame_and_before_the_rest() {
        let mut output = Output { bytes: b"{1}\n{2}\n{3}\n".to_vec(), written: 5, heartbeat_end: 0 };
        output.insert_heartbeat();
        output.insert_heartbeat();
        let text = String::from_utf8(output.bytes.clone()).unwrap();
        assert_eq!(text, "{1}\n{2}\n{\"event\":\"heartbeat\",\"session_id\":null,\"data\":{}}\n{3}\n");
        output.advance(3);
        assert!(output.heartbeat_is_waiting());
        output.advance(100 - 48);
        assert!(!output.heartbeat_is_waiting());
    }

    #[test]
    fn between_two_frames_a_heartbeat_goes_at_once() {
        let mut output = Output { bytes: b"{1}\n{2}\n".to_vec(), written: 4, heartbeat_end: 0 };
        output.insert_heartbeat();
        assert!(output.bytes[4..].starts_with(b"{\"event\":\"heartbeat\""));
    }
}
