//! `Debug` never shows contents.

use std::fmt::Debug;

use dify_plugin_protocol::app::event::AppEvent;
use dify_plugin_protocol::app::parameters::AppParameters;
use dify_plugin_protocol::app::request::{AppRequest, FetchAppRequest, FileInput, FileType};
use dify_plugin_protocol::app::result::AppResult;
use dify_plugin_protocol::endpoint::{EndpointResponse, InvokeEndpoint};
use dify_plugin_protocol::frame::{Frame, FrameDecoder};
use dify_plugin_protocol::hex::encode_hex;
use dify_plugin_protocol::invoke::Failure;
use dify_plugin_protocol::tool::blob::BlobChunks;
use dify_plugin_protocol::tool::message::ToolMessage;
use dify_plugin_protocol::tool::request::{
    GetToolRuntimeParameters, InvokeTool, RuntimeParameters, ValidateResult, ValidateToolCredentials,
};
use dify_plugin_protocol::tool::value::{FileValue, ToolSelector};
use dify_plugin_protocol::{
    ErrorData, Incoming, LogData, LogLevel, Outgoing, ReverseRequest, ReverseResponse, SessionMessage,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::fixtures::rows;

const SECRET: &str = "hunter2";

/// Asserts that `Debug` does not show the secret, but all of `shown`.
#[track_caller]
fn hides(value: &dyn Debug, shown: &[&str]) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!text.contains("hunter2"), "{text}");
        // 0x68, 0x75, 0x6e: the secret as a list of bytes, and in hex.
        assert!(!text.contains("104, 117") && !text.contains("68756e"), "{text}");
        for part in shown {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

#[test]
fn envelopes() {
    let secret = format!(r#"{{"a":"{SECRET}"}}"#);
    let line = json!({"session_id": "s-1", "endpoint_id": "e-1", "context": {"c": SECRET},
        "event": "request", "data": {"x": SECRET}})
    .to_string();
    hides(&Incoming::parse(&line).unwrap(), &["Incoming", "s-1", "e-1", "Request", "bytes>"]);

    let line = json!({"session_id": "s-1", "event": "session", "data": {"x": SECRET}}).to_string();
    hides(&Outgoing::parse(&line).unwrap(), &["Outgoing", "s-1", "Session", "bytes>"]);

    let message = format!(r#"{{"type":"stream","data":{secret}}}"#);
    hides(&SessionMessage::parse(read(&message)).unwrap(), &["SessionMessage", "Stream", "<15 bytes>"]);

    let call = format!(r#"{{"type":"app","backwards_request_id":"r-1","request":{secret}}}"#);
    hides(&read::<ReverseRequest<'_>>(&call), &["ReverseRequest", "r-1", "App", "<15 bytes>"]);

    let answer = json!({"backwards_request_id": "r-1", "event": "error", "message": SECRET,
        "data": {"x": SECRET}})
    .to_string();
    hides(&ReverseResponse::parse(read(&answer)).unwrap(), &["ReverseResponse", "r-1", "Error", "<7 bytes>"]);

    hides(
        &LogData { level: LogLevel::Info, message: SECRET.to_owned(), timestamp: 1.5 },
        &["LogData", "Info", "<7 bytes>", "1.5"],
    );
    let error = ErrorData::new("UpstreamError", "no calls left").with_arg("token", SECRET);
    hides(&error, &["ErrorData", "UpstreamError", "no calls left", "token"]);
}

#[test]
fn frames() {
    let mut decoder = FrameDecoder::new(10);
    let mut lines = decoder.feed(b"hunter2\nhunter2hunter2\nhunter2");
    hides(&lines, &["Frames", "<30 bytes>"]);
    let whole = lines.next().unwrap();
    assert_eq!(whole, Frame::Whole(b"hunter2"));
    hides(&whole, &["Whole", "<7 bytes>"]);
    hides(&lines.next().unwrap(), &["TooLong", "<14 bytes>"]);
    assert!(lines.next().is_none());
    hides(&decoder, &["FrameDecoder", "limit", "10", "<7 bytes>"]);
}

/// Returns whether the value of this key is a name, which `Debug` may show.
fn is_name(key: &str) -> bool {
    key == "id"
        || key.ends_with("_id")
        || key.ends_with("type")
        || ["TYPE", "action", "event", "mode", "status", "form", "name", "provider", "tool", "tool_name"]
            .contains(&key)
        || ["code", "variable", "variable_name", "output_variable_name", "response_mode"].contains(&key)
        || ["dify_model_identity", "transfer_method", "transfer_methods", "currency"].contains(&key)
}

/// Replaces every text that is not a name by the secret.
fn with_secrets(value: &mut Value) {
    match value {
        Value::Object(object) => object.iter_mut().for_each(|(key, value)| {
            if !is_name(key) {
                with_secrets(value);
            }
        }),
        Value::Array(items) => items.iter_mut().for_each(with_secrets),
        Value::String(text) => {
            SECRET.clone_into(text);
        }
        _ => {}
    }
}

#[test]
fn payloads_with_a_secret_in_every_text() {
    let mut secrets = 0;
    for row in rows("every-field.jsonl") {
        let mut json: Value = read(row.json("json").unwrap());
        let known = json.clone();
        with_secrets(&mut json);
        if let Value::Object(object) = &mut json
            && row.text("type") != "EndpointResponse"
        {
            object.insert("a_new_field".to_owned(), json!({"deep": [SECRET]}));
        }
        let json = json.to_string();
        secrets += json.matches(SECRET).count();
        let new = &["a_new_field"][..];
        match row.text("type").as_str() {
            "AppEvent" => {
                let event = AppEvent::parse(&json).unwrap_or_else(|error| panic!("{row}: {error}"));
                assert!(!matches!(event, AppEvent::Unknown(_)), "{row}");
                hides(&event, new);
                let id = ["task_id", "id", "conversation_id"].iter().find_map(|key| known[key].as_str());
                hides(&event, id.as_slice());
            }
            "AppResult" => hides(&AppResult::parse(&json).unwrap(), new),
            "AppParameters" => hides(&read::<AppParameters>(&json), new),
            "AppRequest" => {
                hides(&read::<AppRequest>(&json), &["AppRequest", known["app_id"].as_str().unwrap()]);
                hides(&read::<AppRequest>(&json), new);
            }
            "FetchAppRequest" => hides(&read::<FetchAppRequest>(&json), new),
            "InvokeTool" => {
                hides(&read::<InvokeTool>(&json), &["InvokeTool", known["tool"].as_str().unwrap()]);
                hides(&read::<InvokeTool>(&json), new);
            }
            "ValidateToolCredentials" => hides(&read::<ValidateToolCredentials>(&json), new),
            "GetToolRuntimeParameters" => hides(&read::<GetToolRuntimeParameters>(&json), new),
            "ValidateResult" => hides(&read::<ValidateResult>(&json), new),
            "RuntimeParameters" => hides(&read::<RuntimeParameters>(&json), new),
            "ToolMessage" => hides(&read::<ToolMessage>(&json), &["ToolMessage", "body", "meta"]),
            "FileValue" => hides(&read::<FileValue>(&json), new),
            "ToolSelector" => hides(&read::<ToolSelector>(&json), new),
            "InvokeEndpoint" => hides(&read::<InvokeEndpoint<'_>>(&json), new),
            "EndpointResponse" => hides(&read::<EndpointResponse>(&json), &["EndpointResponse"]),
            other => panic!("{row}: no such type {other}"),
        }
    }
    assert!(secrets > 200, "only {secrets} secrets were hidden");
}

#[test]
fn unknown_values_and_helpers() {
    let unknown = json!({"event": "a_future_event", "x": SECRET}).to_string();
    hides(&AppEvent::parse(&unknown).unwrap(), &["a_future_event", "bytes>"]);
    hides(&AppResult::parse(&unknown).unwrap(), &["Unknown", "bytes>"]);
    for kind in ["a_future_type", "text", "file"] {
        let message = json!({"type": kind, "message": {"text": SECRET, "blob": SECRET},
            "meta": {"file": {"url": SECRET}, "n": 104}});
        hides(&read::<ToolMessage>(&message.to_string()), &["ToolMessage", "text", "blob", "file"]);
    }
    hides(&ToolMessage::variable("answer", SECRET), &["Variable", "answer"]);
    hides(&ToolMessage::blob(SECRET.as_bytes(), SECRET), &["Blob", "mime_type", "<12 bytes>"]);
    hides(&FileInput::remote_url(FileType::Image, SECRET), &["FileInput", "Image", "RemoteUrl", "<7 bytes>"]);

    let meta = Map::from_iter([("filename".to_owned(), SECRET.into())]);
    let mut chunks = BlobChunks::new("f-1", SECRET.as_bytes(), Some(&meta));
    hides(&chunks, &["BlobChunks", "f-1"]);
    hides(&chunks.next().unwrap(), &["BlobChunkRef", "f-1"]);

    let http =
        "POST /quack?key=hunter2 HTTP/1.1\r\nAuthorization: hunter2\r\nContent-Length: 7\r\n\r\nhunter2";
    let call = json!({"raw_http_request": encode_hex(http.as_bytes()), "settings": {"token": SECRET}});
    let (call, extra) = (call.to_string(), json!({"raw_http_request": "", "x": SECRET}).to_string());
    let call = read::<InvokeEndpoint<'_>>(&call);
    hides(&call, &["InvokeEndpoint", "token", "bytes>"]);
    hides(&read::<InvokeEndpoint<'_>>(&extra), &["\"x\""]);
    hides(&call.http_request().unwrap(), &["HttpRequest", "POST", "/quack", "Authorization", "<7 bytes>"]);
    let headers = [("Set-Cookie".to_owned(), SECRET.to_owned())].into();
    let response = EndpointResponse {
        status: Some(200),
        headers: Some(headers),
        result: Some(encode_hex(SECRET.as_bytes())),
    };
    hides(&response, &["200", "Set-Cookie", "<14 bytes>"]);

    // An error's message may be shown, the rest of its text may not.
    let text = r#"invoke app failed: request failed with status code: 400 and respond with: {"code":"invalid_param","message":"no such variable","params":"hunter2"}"#;
    hides(&Failure::parse(text), &["Failure", "invalid_param", "no such variable"]);
}
