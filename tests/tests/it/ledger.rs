//! How each of many sessions ended.

use std::collections::HashMap;

use serde_json::Value;

/// The sessions that have ended, with their errors. A message after the end, or a second error, is detected.
#[derive(Default)]
pub(crate) struct Ledger {
    errors: HashMap<String, Value>,
    ended: HashMap<String, Option<Value>>,
}

impl Ledger {
    /// Records a message of a session.
    pub(crate) fn note(&mut self, message: &Value) {
        assert_eq!(message["event"], "session", "{message:.500}");
        let session = message["session_id"].as_str().expect("a session message names its session");
        assert!(!self.ended.contains_key(session), "after its end: {message:.500}");
        match message["data"]["type"].as_str() {
            Some("error") => {
                let error = message["data"]["data"].clone();
                assert_eq!(self.errors.insert(session.to_owned(), error), None, "a second error: {message}");
            }
            Some("end") => {
                let error = self.errors.remove(session);
                self.ended.insert(session.to_owned(), error);
            }
            _ => {}
        }
    }

    /// Returns how many have ended.
    pub(crate) fn ended(&self) -> usize {
        self.ended.len()
    }

    /// Returns the errors of the sessions that ended with one.
    pub(crate) fn errors(&self) -> impl Iterator<Item = &Value> {
        self.ended.values().flatten()
    }
}
