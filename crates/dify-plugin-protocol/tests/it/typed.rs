//! Parsing a payload into its type and serializing it again.

use std::fmt::Debug;

use dify_plugin_protocol::app::event::AppEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A payload after it was read into its type.
pub(crate) struct Typed {
    /// The payload, serialized again.
    pub(crate) json: Value,
    /// The keys that the type does not know, at any depth.
    pub(crate) extra: Vec<String>,
}

pub(crate) fn read<'a, T: Deserialize<'a> + Serialize + Debug>(json: &'a str) -> Result<Typed, String> {
    serde_json::from_str::<T>(json).map_err(|error| error.to_string()).map(|value| typed(&value))
}

/// Reads an event, which must be known.
pub(crate) fn event(json: &str) -> Result<Typed, String> {
    match AppEvent::parse(json) {
        Ok(AppEvent::Unknown(event)) => Err(format!("unknown event {}", event.name)),
        Ok(event) => Ok(typed(&event)),
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) fn typed<T: Serialize + Debug>(value: &T) -> Typed {
    let json = serde_json::to_value(value).expect("a wire type can be written");
    Typed { json, extra: extra_keys(&format!("{value:?}")) }
}

/// Finds unknown keys at all levels in the `Debug` output, in which every type shows its `extra`. Strings cannot look like
/// it, since `"` is escaped in them.
fn extra_keys(debug: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for (at, start) in debug.match_indices("extra: {") {
        let mut rest = debug[at + start.len()..].char_indices().peekable();
        let text = &debug[at + start.len()..];
        let mut depth = 1;
        while let Some((index, char)) = rest.next() {
            match char {
                '{' | '[' | '(' => depth += 1,
                '}' | ']' | ')' => depth -= 1,
                '"' => {
                    let mut end = index;
                    while let Some((at, char)) = rest.next() {
                        end = at;
                        match char {
                            '\\' => drop(rest.next()),
                            '"' => break,
                            _ => {}
                        }
                    }
                    if depth == 1 && text[end + 1..].starts_with(": ") {
                        keys.push(text[index + 1..end].to_owned());
                    }
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    keys
}

#[test]
fn extra_keys_are_found_at_every_level_and_not_in_strings() {
    let json = r#"{"event":"message_end","id":"extra: {\"no\": 1}","metadata":{"a":{"b":[1]},"usage":{"c":"}\\\"","d":2}},"e":null}"#;
    let mut extra = event(json).unwrap().extra;
    extra.sort();
    assert_eq!(extra, ["a", "c", "d", "e"]);
}
