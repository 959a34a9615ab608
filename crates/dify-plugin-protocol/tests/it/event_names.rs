//! Unknown, malformed and nameless events.

use dify_plugin_protocol::app::event::{AppEvent, EventError};

#[test]
fn a_malformed_body_names_the_event_and_the_field_but_no_value() {
    let json = r#"{"event":"node_finished","data":{"id":"n","index":"hunter2"}}"#;
    let error = AppEvent::parse(json).unwrap_err();
    let EventError::Body { event, path, reason } = &error else { panic!("{error}") };
    assert_eq!((event.as_str(), path.as_str()), ("node_finished", "data.index"));
    assert!(!reason.contains("hunter2"), "{reason}");
}

#[test]
fn an_unknown_event_keeps_its_json() {
    let json = r#"{"event":"a_future_event","big":12345678901234567890,"data":{"x":1.50}}"#;
    let event = AppEvent::parse(json).unwrap();
    assert_eq!(event.name(), "a_future_event");
    assert_eq!(serde_json::to_string(&event).unwrap(), json);
}

#[test]
fn anything_but_an_event_is_an_error() {
    for json in ["", "[]", r#"["zzz"]"#, "{}", r#"{"event":null}"#, r#"{"event":"ping""#] {
        assert!(matches!(AppEvent::parse(json), Err(EventError::NotAnEvent { .. })), "{json}");
    }
    let deep = format!(r#"{{"event":"message","x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert!(matches!(AppEvent::parse(&deep), Err(EventError::Body { .. })));
}

#[test]
fn the_name_is_written_and_not_kept_as_extra() {
    let event = AppEvent::parse(r#"{"answer":"a","event":"agent_message","new":1}"#).unwrap();
    let AppEvent::AgentMessage(message) = &event else { panic!("{event:?}") };
    assert_eq!(serde_json::to_string(&message.extra).unwrap(), r#"{"new":1}"#);
    assert_eq!(serde_json::to_string(&event).unwrap(), r#"{"event":"agent_message","answer":"a","new":1}"#);
}
