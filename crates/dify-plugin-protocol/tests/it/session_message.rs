//! Frames of session messages.

use dify_plugin_protocol::MessageType;
use dify_plugin_protocol::message::write_session_frame;
use serde_json::value::RawValue;

#[test]
fn newlines_in_raw_json_become_spaces() {
    let raw = RawValue::from_string("{\n  \"a\": \"x\\n\"\r\n}".to_owned()).unwrap();
    let mut out = Vec::new();
    write_session_frame(&mut out, "s\"1", &MessageType::Stream, &raw).unwrap();
    assert_eq!(memchr::memchr_iter(b'\n', &out).count(), 1);
    let line: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(line["session_id"], "s\"1");
    assert_eq!(line["data"]["data"]["a"], "x\n");
}

#[test]
fn a_payload_that_cannot_be_serialized_leaves_the_buffer_unchanged() {
    let bad = std::collections::HashMap::from([(vec![1u8], 1)]);
    let mut out = b"before".to_vec();
    assert!(write_session_frame(&mut out, "s", &MessageType::Stream, &bad).is_err());
    assert_eq!(out, b"before");
}
