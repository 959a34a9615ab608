//! A payload through its type and back.

use std::fmt::Debug;

use dify_plugin_protocol::app::event::AppEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a type made of a payload.
pub(crate) struct Typed {
    /// Written back.
    pub(crate) json: Value,
    /// The keys that the type did not know, at whatever depth.
    pub(crate) extra: Vec<String>,
}

pub(crate) fn read<'a, T: Deserialize<'a> + Serialize + Debug>(json: &'a str) -> Result<Typed, String> {
    serde_json::from_str::<T>(json).map_err(|error| error.to_string()).map(|value| typed(&value))
}

/// An event, which must be a known one.
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

/// Every type prints its `extra` in `Debug`, so that one text tells of all levels. Within strings `"` is escaped there, so
/// text from outside can't look like it.
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
