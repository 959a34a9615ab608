//! What the daemon hears, and what it may make of it.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// Ids whose every request is the model's own, so that it knows how many answers they are due.
pub(super) const KNOWN: &str = "known-";

/// Longest line that the plugin may write, in bytes.
pub(super) const FRAME_BYTES: usize = 8192;

#[derive(Default)]
pub(super) struct Heard {
    unfinished: Vec<u8>,
    sessions: HashMap<String, Answers>,
    /// The numbers of the answers that came.
    pub(super) answers: HashSet<u64>,
    /// The ids of the calls that were made, by number.
    pub(super) calls: HashMap<u64, String>,
}

#[derive(Default)]
struct Answers {
    due: usize,
    ended: usize,
    /// An error came, and its `end` must follow.
    failed: bool,
    last: u64,
}

impl Heard {
    /// A request was sent that is to be answered.
    pub(super) fn expect(&mut self, id: &str) {
        self.sessions.entry(id.to_owned()).or_default().due += 1;
    }

    /// Whether every request of this id has been answered to its end.
    pub(super) fn is_answered(&self, id: &str) -> bool {
        self.sessions.get(id).is_none_or(|session| session.due == session.ended)
    }

    pub(super) fn all_answered(&self) -> bool {
        self.sessions.keys().filter(|id| id.starts_with(KNOWN)).all(|id| self.is_answered(id))
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.unfinished.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.unfinished);
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            assert!(line.len() <= FRAME_BYTES, "a line of {} bytes", line.len());
            let json: Value = serde_json::from_slice(line).expect("a line that is no JSON");
            match json["event"].as_str() {
                Some("session") => self.message(&json),
                Some("error") => {
                    assert!(json["session_id"].is_null() && json["data"]["error"].is_string(), "{json}")
                }
                Some("log") => assert!(json["data"]["message"].is_string(), "{json}"),
                _ => panic!("an event of no kind: {json}"),
            }
        }
        self.unfinished = bytes[whole..].to_vec();
    }

    fn message(&mut self, json: &Value) {
        let id = json["session_id"].as_str().expect("a session without id");
        let (kind, data) = (json["data"]["type"].as_str(), &json["data"]["data"]);
        let session = self.sessions.entry(id.to_owned()).or_default();
        assert!(
            !id.starts_with(KNOWN) || session.ended < session.due,
            "after its end, or without a request: {json}"
        );
        assert!(!session.failed || kind == Some("end"), "after an error: {json}");
        match kind {
            Some("stream") => {
                let number = data["answer"].as_u64().expect("an answer that nobody gave");
                assert!(self.answers.insert(number), "twice: {json}");
                assert!(session.last < number, "out of order: {json}");
                session.last = number;
            }
            Some("invoke") => {
                let number = data["request"]["call"].as_u64().expect("a call that nobody made");
                let call = data["backwards_request_id"].as_str().expect("a call without id").to_owned();
                assert!(self.calls.insert(number, call).is_none(), "twice: {json}");
            }
            Some("error") => {
                assert!(data["error_type"].is_string() && data["message"].is_string(), "{json}");
                session.failed = true;
            }
            Some("end") => {
                session.failed = false;
                session.ended += 1;
            }
            _ => panic!("a message of no kind: {json}"),
        }
    }
}
