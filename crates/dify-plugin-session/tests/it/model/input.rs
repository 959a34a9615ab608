//! What the daemon writes.

use super::heard::KNOWN;
use super::{LINE_BYTES, Model, Script};

/// One line, and what it is due.
pub(super) struct Line {
    text: Vec<u8>,
    /// The session that it asks for.
    request: Option<String>,
}

fn request(id: &str, data: &str) -> String {
    format!(
        r#"{{"session_id":"{id}","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,"event":"request","data":{{"action":"invoke_tool","type":"tool","user_id":"u"{data}"#
    )
}

fn reply(session: &str, rest: &str) -> String {
    format!(r#"{{"session_id":"{session}","context":null,"event":"backwards_response","data":{{{rest}"#)
}

impl Model {
    pub(super) fn write(&mut self, step: u8, script: &mut Script<'_>) {
        let choice = script.byte();
        let line = match step % 24 {
            0..3 => self.request(choice),
            3..6 => self.reply(choice, script.byte()),
            _ => Self::junk(choice, script),
        };
        let Some(line) = line else { return };
        // An id that was not answered yet comes again only while its session is open: no daemon does otherwise.
        if let Some(id) = &line.request {
            let is_awaited = self.held.iter().any(|held| held.request.as_ref() == Some(id));
            if is_awaited || !(self.heard.is_answered(id) || self.is_open(id)) {
                return;
            }
        }
        self.held.push(line);
        if !self.is_holding || self.held.len() == 8 {
            self.write_held(choice >= 128);
        }
    }

    /// A request, whole or broken, always such that its id can be told.
    fn request(&self, choice: u8) -> Option<Line> {
        let id = match choice % 8 {
            id @ 0..6 => format!("{KNOWN}{id}"),
            id => format!("unchecked-{id}"),
        };
        let text = match choice / 8 % 8 {
            0 => request(&id, r#","x":[1,2"#),
            1 => request(&id, &format!(r#","x":"{}"}}}}"#, "x".repeat(LINE_BYTES))),
            2 => request(&id, &format!(r#","x":"{}"}}}}"#, "x".repeat(LINE_BYTES / 2))),
            _ => request(&id, "}}"),
        };
        Some(Line { text: text.into_bytes(), request: id.starts_with(KNOWN).then_some(id) })
    }

    /// A reply to a call that was heard, or to one that nobody made.
    fn reply(&mut self, choice: u8, kind: u8) -> Option<Line> {
        let at = usize::from(choice % 8).checked_sub(1).filter(|at| *at < self.calls.len());
        let Some(call) = at.map(|at| &mut self.calls[at]) else {
            let text =
                reply("s", r#""backwards_request_id":"0123456789abcdef0123456789abcdef","event":"end"}}"#);
            return Some(Line { text: text.into_bytes(), request: None });
        };
        let id = self.heard.calls.get(&call.number)?;
        let rest = match kind % 16 {
            0..2 => {
                call.close();
                r#""end","message":"","data":null}}"#.to_owned()
            }
            2 => {
                call.refuse();
                r#""error","message":"no","data":null}}"#.to_owned()
            }
            3 => {
                call.close_with_error();
                r#""what"}}"#.to_owned()
            }
            // Cut off.
            4 => {
                call.close_with_error();
                r#""response","data":{"#.to_owned()
            }
            // Over the limit.
            5 => {
                call.close_with_error();
                format!(r#""response","data":"{}"}}}}"#, "x".repeat(LINE_BYTES))
            }
            kind => {
                let (number, padding) = (call.next_reply(), if kind > 12 { 200 } else { 0 });
                let padding = "x".repeat(padding);
                format!(r#""response","message":"stream","data":[{number},"{padding}"]}}}}"#)
            }
        };
        let text = reply(&call.session, &format!(r#""backwards_request_id":"{id}","event":{rest}"#));
        Some(Line { text: text.into_bytes(), request: None })
    }

    /// The script's own bytes, unless they speak of what is counted.
    fn junk(choice: u8, script: &mut Script<'_>) -> Option<Line> {
        let text = script.bytes(choice.into()).to_vec();
        let shown = String::from_utf8_lossy(&text);
        let speaks = shown.contains("nown") || shown.contains("\\u");
        (!speaks).then_some(Line { text, request: None })
    }

    /// Writes what was held back, in one piece or in two.
    pub(super) fn write_held(&mut self, in_two: bool) {
        let lines = std::mem::take(&mut self.held);
        if self.end.is_some() || self.is_written {
            return;
        }
        let mut bytes = Vec::new();
        for line in &lines {
            bytes.extend_from_slice(&line.text);
            bytes.push(b'\n');
            if let Some(id) = &line.request
                && !self.is_open(id)
            {
                self.heard.expect(id);
            }
        }
        let (first, second) = bytes.split_at(if in_two { bytes.len() / 2 } else { 0 });
        self.pipes.write_input(first);
        self.settle();
        self.pipes.write_input(second);
        self.settle();
        assert!(self.pipes.is_read() || self.end.is_some(), "the reader waits");
    }

    fn is_open(&self, id: &str) -> bool {
        self.handlers.iter().any(|handler| handler.session.id() == id && !handler.session.is_ended())
    }
}
