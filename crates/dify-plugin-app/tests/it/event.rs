//! Events: what is borrowed, what is decoded, and what is not an event.

use dify_plugin_app::{AppError, AppEvent, Event, EventError};
use serde_json::value::RawValue;

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn event(json: &str) -> Event {
    Event::new(raw(json)).unwrap()
}

#[test]
fn a_plain_text_is_borrowed_and_an_escaped_one_is_decoded_once() {
    let plain = event(r#"{"answer":"quäck","conversation_id":"c","event":"message"}"#);
    let answer = plain.answer().unwrap();
    assert_eq!(answer, "quäck");
    assert!(plain.raw().as_bytes().as_ptr_range().contains(&answer.as_ptr()));
    let escaped = event(r#"{"answer":"\u003cb\u003e \"q\"\n","event":"agent_message"}"#);
    assert_eq!(escaped.answer(), Some("<b> \"q\"\n"));
    assert_eq!(escaped.answer().unwrap().as_ptr(), escaped.text().unwrap().as_ptr());
}

#[test]
fn only_chunks_are_answers() {
    assert_eq!(event(r#"{"event":"message_replace","answer":"all new"}"#).answer(), None);
    let chunk = event(r#"{"event":"text_chunk","data":{"text":"pi\u00e8ce"}}"#);
    assert_eq!((chunk.answer(), chunk.text()), (None, Some("pièce")));
    assert_eq!(event(r#"{"event":"node_started","data":{"text":"no"}}"#).text(), None);
}

#[test]
fn ids_are_found_anywhere_at_the_top_level_and_only_there() {
    let event = event(
        r#"{ "data": {"task_id":"no","event":"no"}, "task_id" : "t\u002d1", "workflow_run_id": null,
             "message_id":5, "conversation_id":"c-1" , "event" : "node\u005fstarted" }"#,
    );
    assert_eq!(event.name(), "node_started");
    assert_eq!(event.task_id(), Some("t-1"));
    assert_eq!(event.conversation_id(), Some("c-1"));
    assert_eq!((event.message_id(), event.workflow_run_id()), (None, None));
}

#[test]
fn json_without_a_name_is_not_an_event() {
    for json in ["{}", r#"{"event":null}"#, r#"{"event":5}"#, "[]", "\"event\"", "null"] {
        assert!(matches!(Event::new(raw(json)), Err(EventError::NotAnEvent { .. })), "{json}");
    }
}

#[test]
fn an_answer_of_another_type_is_ignored_and_deep_nesting_is_skipped() {
    for odd in ["null", "5", "[\"a\"]", "{\"a\":\"b\"}"] {
        assert_eq!(event(&format!(r#"{{"answer":{odd},"event":"message"}}"#)).answer(), None, "{odd}");
    }
    let deep = format!(r#"{{"x":{}{},"event":"message"}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let json = serde_json::from_str::<Box<RawValue>>(&deep).unwrap();
    assert_eq!(Event::new(json).unwrap().name(), "message");
}

#[test]
fn an_event_is_written_unchanged_and_printed_without_its_contents() {
    let json = r#"{"event":"message","answer":"secret", "x": 1.50}"#;
    let event = event(json);
    assert_eq!(format!("{event:?}"), format!("Event(message, <{} bytes>)", json.len()));
    assert_eq!(serde_json::to_string(&event).unwrap(), json);
    assert!(matches!(event.decode(), Ok(AppEvent::Message(_))));
    assert_eq!(event.into_raw().get(), json);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_result_names_its_field_and_no_value() {
    let broken = r#"{"event":"message_end","metadata":{"usage":{"total_tokens":"hunter2"}}}"#;
    let error = crate::daemon::call(&crate::daemon::whole(&[broken]), async |apps| {
        apps.chat("a").query("q").answer().await
    })
    .await
    .unwrap_err();
    assert!(matches!(error, AppError::Unreadable { .. }), "{error:?}");
    assert!(error.to_string().contains("metadata.usage.total_tokens"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
