//! The table of reverse invocations, and the texts with which the daemon fails them.

use dify_plugin_protocol::invoke::{
    Failure, FailureKind, FailureStage, InvokeSpec, InvokeType, PermissionKey,
};

#[test]
fn every_known_type_has_its_row_in_order() {
    let rows: Vec<_> = InvokeSpec::all().iter().map(|spec| spec.invoke_type.as_str()).collect();
    assert_eq!(rows, InvokeType::KNOWN);
    for spec in InvokeSpec::all() {
        let found = spec.invoke_type.spec().unwrap();
        assert_eq!(found.invoke_type, spec.invoke_type);
        assert_eq!(spec.permission.is_none(), spec.invoke_type == InvokeType::UploadFile);
        assert_eq!(spec.error_prefix.is_empty(), spec.invoke_type == InvokeType::Storage);
    }
    assert!(InvokeType::from("encrypt").spec().is_none());
    let streams: Vec<_> =
        InvokeSpec::all().iter().filter(|s| s.is_stream()).map(|s| s.invoke_type.as_str()).collect();
    assert_eq!(streams, ["app", "tool", "llm", "llm_structured_output", "tts"]);
}

#[test]
fn every_permission_has_a_manifest_key_and_its_denial_is_parsed() {
    for (name, key) in [
        ("app", "app.enabled"),
        ("tool", "tool.enabled"),
        ("llm", "model.llm"),
        ("text-embedding", "model.text_embedding"),
        ("rerank", "model.rerank"),
        ("tts", "model.tts"),
        ("speech2text", "model.speech2text"),
        ("moderation", "model.moderation"),
        ("node", "node.enabled"),
        ("storage", "storage.enabled"),
        ("quacking", "quacking"),
    ] {
        let permission = PermissionKey::from(name);
        assert_eq!(permission.manifest_key(), key);
        let failure = Failure::parse(&permission.denial());
        assert_eq!(failure.kind, FailureKind::PermissionDenied(permission), "{name}");
        assert!(failure.to_string().contains(&format!("enable `{key}`")), "{failure}");
        assert_eq!(failure.to_string().contains("and `model.enabled`"), key.starts_with("model."));
    }
    assert_eq!(
        PermissionKey::TextEmbedding.denial(),
        "permission denied, you need to enable text-embedding access in plugin manifest"
    );
}

#[test]
fn the_prefix_tells_when_a_call_failed() {
    for spec in InvokeSpec::all().iter().filter(|spec| !spec.error_prefix.is_empty()) {
        let failure = Failure::parse(&format!("{}something new", spec.error_prefix));
        assert_eq!((failure.stage, failure.message.as_str()), (FailureStage::BeforeReply, "something new"));
        if let Some(prefix) = spec.stream_error_prefix {
            let failure = Failure::parse(&format!("{prefix}something new"));
            assert_eq!((failure.stage, failure.message.as_str()), (FailureStage::Streaming, "something new"));
        }
    }
    assert_eq!(Failure::parse("save data failed: full").stage, FailureStage::Daemon);
}

fn response(status: &str, body: &str) -> Failure {
    Failure::parse(&format!(
        "invoke llm model failed: request failed with status code: {status} and respond with: {body}"
    ))
}

#[test]
fn the_status_code_and_message_are_parsed_out_of_difys_response() {
    let failure =
        response("400", "{\"status\": 400, \"message\": \"app not found\",\n \"code\": \"invalid_param\"}\n");
    assert_eq!((failure.kind.clone(), failure.stage), (FailureKind::Refused, FailureStage::BeforeReply));
    assert_eq!((failure.status, failure.code.as_deref()), (Some(400), Some("invalid_param")));
    assert_eq!(failure.message, "app not found");
    assert_eq!(failure.to_string(), "the call failed with 400 invalid_param: app not found");
    assert_eq!(response("?", r#"{"status":429}"#).status, Some(429));
    assert_eq!(response("?", r#"{"code":"e"}"#).to_string(), "the call failed with e");
    // A gateway's own words, and fields of another type than Dify's.
    let failure = response("502", r#"{"detail":"upstream timed out"}"#);
    assert_eq!(failure.message, r#"{"detail":"upstream timed out"}"#);
    let failure = response("400", r#"{"status":"400","message":{"a":1},"code":"too_many_requests"}"#);
    assert_eq!(
        (failure.kind.clone(), failure.code.as_deref()),
        (FailureKind::RateLimited, Some("too_many_requests"))
    );
    assert_eq!(response("418", "").to_string(), "the call failed with 418");
    for (status, body, kind) in [
        ("429", "slow down", FailureKind::RateLimited),
        ("400", r#"{"code":"too_many_requests"}"#, FailureKind::RateLimited),
        ("500", "oops", FailureKind::InternalError),
        ("400", r#"{"code":"unknown"}"#, FailureKind::InternalError),
        ("400", r#"{"code":"internal_server_error"}"#, FailureKind::InternalError),
        ("502", "<html>", FailureKind::Unreachable),
        ("504", "<html>", FailureKind::Unreachable),
        ("501", "<html>", FailureKind::Refused),
        ("505", "<html>", FailureKind::Refused),
    ] {
        assert_eq!(response(status, body).kind, kind, "{status} {body}");
    }
}

#[test]
fn a_body_that_is_not_a_json_object_is_the_message() {
    for body in ["<html>502 Bad Gateway</html>", "{\"message\":", r#"["invalid_param","no",400]"#] {
        let failure = response("404", &format!("{body}\n"));
        assert_eq!((failure.status, failure.message.as_str()), (Some(404), body));
    }
    assert_eq!(Failure::parse("").message, "");
}

#[test]
fn plain_texts_are_classified() {
    use FailureKind::*;
    for (text, kind) in [
        ("you can not invoke dify from model", CalledFromModel),
        ("unsupported invoke type: nosuch", UnknownType),
        ("unmarshal backwards invoke request failed: error validating struct: Key: …", MalformedRequest),
        ("permission denied, you need to enable nothing", Other),
        ("load data failed, please check if the key is correct or you have not set it", Other),
        ("read tts model failed: request failed: boom", Raised),
        ("read app failed: http: read on closed response body\nfailed to read system header", ReadTimeout),
        (
            "read app failed: read tcp 127.0.0.1:1->127.0.0.1:2: use of closed network connection\nfailed to read \
             system header",
            ReadTimeout,
        ),
        ("read app failed: context canceled\nfailed to read system header", Canceled),
        ("invoke app failed: Post \"http://x/inner/api/invoke/app\": dial tcp: refused", Unreachable),
        ("read app failed: magic number mismatch: 60", BrokenResponse),
        ("read app failed: EOF\nfailed to read data", BrokenResponse),
        ("read app failed: unexpected EOF\nfailed to read data", BrokenResponse),
        ("read app failed: data length is too long: 9", BrokenResponse),
        (
            "invoke moderation model failed: invalid character '<' looking for beginning of value",
            BrokenResponse,
        ),
        ("invoke summary failed: json: cannot unmarshal string into Go struct field", BrokenResponse),
        ("invoke rerank model failed: validate request failed: Key: 'RerankResult.Model'", BrokenResponse),
        ("fetch app failed: data is nil", NoData),
        ("fetch app failed: something new", Other),
    ] {
        let failure = Failure::parse(text);
        assert_eq!(failure.kind, kind, "{text}");
        assert_eq!(failure.text, text);
        assert_eq!(failure.is_retryable(), matches!(kind, Unreachable | BrokenResponse), "{text}");
    }
    let failure = Failure::parse("read app failed: request failed: boom");
    assert_eq!(
        (failure.message.as_str(), failure.to_string().as_str()),
        ("boom", "the stream broke off: boom")
    );
    assert_eq!(Failure::parse("no").to_string(), "the daemon refused the call: no");
    assert!(response("429", "").is_retryable());
    let late = Failure::parse("read app failed: http: read on closed response body");
    assert!(late.to_string().contains("240 s"), "{late}");
}
