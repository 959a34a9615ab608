//! Parses one payload as the type that its first byte selects, or as an event of the app crate.

#![no_main]

use dify_plugin_app::Event;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

#[path = "../../crates/dify-plugin-protocol/tests/it/equal.rs"]
mod equal;
#[expect(dead_code, reason = "whole frames belong to the target `envelope`")]
#[path = "../../crates/dify-plugin-protocol/tests/it/round_trip.rs"]
mod round_trip;

fuzz_target!(|data: &[u8]| {
    let [selector, text @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    match round_trip::TYPES.get(usize::from(*selector)) {
        Some((name, check)) => {
            if let Err(difference) = check(text) {
                panic!("{name}: {difference}");
            }
        }
        None => event(text),
    }
});

/// Checks the fields that an event finds in its first scan against those of a `Value`.
fn event(text: &str) {
    let Ok(json) = serde_json::from_str::<Box<RawValue>>(text) else { return };
    let raw = json.get().to_owned();
    let Ok(event) = Event::new(json) else { return };
    assert_eq!(event.raw(), raw);
    let _ = format!("{event:?} {:?} {:?} {:?}", event.answer(), event.text(), event.decode());
    // Deeper than a `Value` may be, or with a number that it cannot hold.
    let Ok(value) = serde_json::from_str::<Value>(&raw) else { return };
    assert_eq!(Some(event.name()), value["event"].as_str());
    for (key, found) in [
        ("conversation_id", event.conversation_id()),
        ("message_id", event.message_id()),
        ("task_id", event.task_id()),
        ("workflow_run_id", event.workflow_run_id()),
    ] {
        assert_eq!(found, value[key].as_str(), "{key}");
    }
    if let Some(answer) = event.answer() {
        assert_eq!(Some(answer), value["answer"].as_str());
    }
}
