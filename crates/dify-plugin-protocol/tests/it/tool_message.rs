//! Tool messages as the official SDK writes them.

use dify_plugin_protocol::error::describe_json;
use dify_plugin_protocol::tool::message::{LogMessage, ToolMessage, ToolMessageBody};
use serde_json::json;

#[test]
fn each_message_is_written_as_the_sdk_writes_it() {
    for (message, expected) in [
        (ToolMessage::text("a"), json!({"type": "text", "message": {"text": "a"}, "meta": null})),
        (
            ToolMessage::json(json!([1])),
            json!({"type": "json", "message": {"json_object": [1]}, "meta": null}),
        ),
        (ToolMessage::link("u"), json!({"type": "link", "message": {"text": "u"}, "meta": null})),
        (ToolMessage::image("u"), json!({"type": "image", "message": {"text": "u"}, "meta": null})),
        (ToolMessage::image_link("u"), json!({"type": "image_link", "message": {"text": "u"}, "meta": null})),
        (
            ToolMessage::binary_link("u"),
            json!({"type": "binary_link", "message": {"text": "u"}, "meta": null}),
        ),
        (
            ToolMessage::variable("n", 3),
            json!({"type": "variable", "meta": null,
                "message": {"variable_name": "n", "variable_value": 3, "stream": false}}),
        ),
        (
            ToolMessage::variable_chunk("n", "ab"),
            json!({"type": "variable", "meta": null,
                "message": {"variable_name": "n", "variable_value": "ab", "stream": true}}),
        ),
        (
            ToolMessage::blob(b"quack", "text/plain"),
            json!({"type": "blob", "message": {"blob": "cXVhY2s="}, "meta": {"mime_type": "text/plain"}}),
        ),
        (
            ToolMessage::log(LogMessage::start("1", "step")),
            json!({"type": "log", "meta": null,
                "message": {"id": "1", "label": "step", "status": "start", "data": {}}}),
        ),
        (
            ToolMessage::retriever_resources(Vec::new(), "c"),
            json!({"type": "retriever_resources", "meta": null,
                "message": {"retriever_resources": [], "context": "c"}}),
        ),
        (
            ToolMessage::file(json!({"id": 1})),
            json!({"type": "file", "message": null, "meta": {"file": {"id": 1}}}),
        ),
    ] {
        assert_eq!(serde_json::to_value(&message).unwrap(), expected);
        assert_eq!(serde_json::from_value::<ToolMessage>(expected).unwrap(), message);
    }
}

#[test]
fn unknown_types_and_known_types_without_a_message_are_kept() {
    for json in [
        json!({"type": "hologram", "message": {"x": 1}, "meta": {}}),
        json!({"type": "text", "message": null}),
    ] {
        let message: ToolMessage = serde_json::from_value(json.clone()).unwrap();
        assert!(matches!(message.body, ToolMessageBody::Other { .. }));
        let written = serde_json::to_value(&message).unwrap();
        assert_eq!((&written["type"], &written["message"]), (&json["type"], &json["message"]));
    }
}

#[test]
fn anything_but_a_message_is_an_error_without_values() {
    for json in [
        json!({"message": {}}),
        json!({"type": "text", "message": "hunter2"}),
        json!({"type": "text", "message": {"text": ["hunter2"]}}),
        json!({"type": "text", "meta": ["hunter2"]}),
        json!(["text", {"text": "hunter2"}, null]),
    ] {
        let error = serde_json::from_value::<ToolMessage>(json.clone()).unwrap_err();
        let text = describe_json(&error);
        assert!(!text.contains("hunter2"), "{text}");
    }
}
