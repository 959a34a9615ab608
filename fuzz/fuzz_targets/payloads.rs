//! One payload through the type that its first byte names, and app events through the app crate's own look at them.

#![no_main]

use dify_plugin_app::Event;
use dify_plugin_protocol::app::event::EventPeek;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

#[path = "../../crates/dify-plugin-protocol/tests/it/equal.rs"]
mod equal;
#[expect(dead_code, reason = "whole lines are the target `envelope`'s")]
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

/// Two ways to look at an event see the same.
fn event(text: &str) {
    let Ok(json) = serde_json::from_str::<Box<RawValue>>(text) else { return };
    let raw = json.get().to_owned();
    let (event, peek) = match (Event::new(json), EventPeek::parse(&raw)) {
        (Ok(event), Ok(peek)) => (event, peek),
        (Err(_), Err(_)) => return,
        (event, peek) => panic!("{event:?} {peek:?}"),
    };
    assert_eq!((event.name(), event.answer(), event.raw()), (&*peek.event, peek.answer_piece(), &*raw));
    assert_eq!(
        (event.conversation_id(), event.message_id(), event.task_id()),
        (peek.conversation_id.as_deref(), peek.message_id.as_deref(), peek.task_id.as_deref())
    );
    let _ = (event.text(), event.workflow_run_id(), format!("{event:?}"));
    if let Ok(decoded) = event.decode() {
        assert_eq!((decoded.name(), decoded.answer()), (event.name(), event.answer()));
    }
}
