//! The parameters of tools, and every type of message they send.

use dify_plugin::file::FileType;
use dify_plugin::schemars::{self, JsonSchema};
use dify_plugin::session_layer::Config;
use dify_plugin::{
    BlobMeta, CredentialType, File, LogEntry, LogMetadata, NoParameters, Output, Plugin, Result,
    RetrieverResource, Session, Tool, ToolContext, ToolParameter,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::daemon::{Daemon, invoke};

/// Sends every type of message, as the recorded plugin of the official SDK does.
struct AllMessages;

impl Tool for AllMessages {
    type Parameters = NoParameters;

    async fn invoke(&self, _: &ToolContext, _: NoParameters, out: &mut Output) -> Result<()> {
        out.text("héllo <b>\n").await?;
        out.json(&json!({"a": 1, "nested": {"x": [1, 2.5, null, true]}})).await?;
        out.json(&json!([1, "two"])).await?;
        out.link("https://example.com/doc").await?;
        out.image("https://example.com/a.png").await?;
        out.image_link("https://example.com/b.png").await?;
        out.variable("count", &3).await?;
        out.variable("obj", &json!({"k": ["v"]})).await?;
        out.stream_variable("answer", "par").await?;
        out.stream_variable("answer", "tial").await?;
        let metadata =
            LogMetadata { started_at: Some(1.5), provider: Some("p".to_owned()), ..LogMetadata::default() };
        let step = LogEntry::new("step 1").data(json!({"in": "x"})).metadata(metadata);
        out.log(&step).await?;
        out.log(&LogEntry::new("step 1.1").child_of(&step).data(json!({"out": 2})).succeeded()).await?;
        out.log(&step.failed("boom").data(json!({"out": "y"}))).await?;
        let resource =
            RetrieverResource { position: Some(1), content: Some("c".to_owned()), ..Default::default() };
        out.retriever_resources(vec![resource], "ctx").await?;
        out.file(json!({"dify_model_identity": "__dify__file__"})).await?;
        let bytes: Vec<u8> = (0..20_480).map(|i| (i % 256) as u8).collect();
        out.blob(bytes, BlobMeta::new("application/octet-stream").filename("x.bin")).await
    }
}

#[tokio::test]
async fn every_type_of_message_has_the_form_that_was_recorded() {
    let mut daemon = Daemon::of(Plugin::new().tool("kit", "all", AllMessages));
    let (messages, error) = daemon.ask(invoke("all", Value::Null)).await;
    assert_eq!(error, None);
    let (blob, mut others) = (messages[15..].to_vec(), messages[..15].to_vec());

    let ids: Vec<_> = (10..13).map(|at| others[at]["message"]["id"].take()).collect();
    assert_eq!(ids[0], ids[2]);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(others[11]["message"]["parent_id"].take(), ids[0]);
    let metadata = json!({"started_at": 1.5, "provider": "p"});
    let expected = [
        json!({"type": "text", "message": {"text": "héllo <b>\n"}}),
        json!({"type": "json", "message": {"json_object": {"a": 1, "nested": {"x": [1, 2.5, null, true]}}}}),
        json!({"type": "json", "message": {"json_object": [1, "two"]}}),
        json!({"type": "link", "message": {"text": "https://example.com/doc"}}),
        json!({"type": "image", "message": {"text": "https://example.com/a.png"}}),
        json!({"type": "image_link", "message": {"text": "https://example.com/b.png"}}),
        json!({"type": "variable", "message": {"variable_name": "count", "variable_value": 3, "stream": false}}),
        json!({"type": "variable",
            "message": {"variable_name": "obj", "variable_value": {"k": ["v"]}, "stream": false}}),
        json!({"type": "variable",
            "message": {"variable_name": "answer", "variable_value": "par", "stream": true}}),
        json!({"type": "variable",
            "message": {"variable_name": "answer", "variable_value": "tial", "stream": true}}),
        json!({"type": "log", "message": {"label": "step 1", "status": "start", "data": {"in": "x"},
            "metadata": metadata}}),
        json!({"type": "log", "message": {"label": "step 1.1", "status": "success", "data": {"out": 2}}}),
        json!({"type": "log", "message": {"label": "step 1", "error": "boom", "status": "error",
            "data": {"out": "y"}, "metadata": metadata}}),
        json!({"type": "retriever_resources",
            "message": {"retriever_resources": [{"position": 1, "content": "c"}], "context": "ctx"}}),
        json!({"type": "file", "meta": {"file": {"dify_model_identity": "__dify__file__"}}}),
    ];
    let others: Vec<_> = others.into_iter().map(without_nulls).collect();
    assert_eq!(others, expected);

    let lengths: Vec<_> = blob.iter().map(|chunk| chunk["message"]["blob"].as_str().unwrap().len()).collect();
    assert_eq!(lengths, [10_924, 10_924, 5_464, 0]);
    for (sequence, chunk) in blob.iter().enumerate() {
        assert_eq!(chunk["type"], "blob_chunk");
        assert_eq!(chunk["meta"], json!({"mime_type": "application/octet-stream", "filename": "x.bin"}));
        let message = &chunk["message"];
        assert_eq!(message["id"], blob[0]["message"]["id"]);
        assert_eq!(message["id"].as_str().unwrap().len(), 32);
        assert_eq!(message["total_length"], 20_480);
        assert_eq!((&message["sequence"], &message["end"]), (&sequence.into(), &(sequence == 3).into()));
    }
}

/// Removes nulls, which mean the same as absent fields.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => object
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        other => other,
    }
}

struct TooMuch;

impl Tool for TooMuch {
    type Parameters = NoParameters;

    async fn invoke(&self, _: &ToolContext, _: NoParameters, out: &mut Output) -> Result<()> {
        let text = "\"é鴨\n".repeat(600_000);
        out.text(&text).await?;
        out.stream_variable("story", &text).await?;
        let error = out.json(&[&text]).await.unwrap_err();
        assert_eq!(error.error_type(), "FrameTooLarge");
        assert!(error.message().contains("5242879"), "{error}");
        let error = out.variable("text", &1).await.unwrap_err();
        assert_eq!(error.error_type(), "InvalidOutput");
        let error = out.json(&"no object").await.unwrap_err();
        assert_eq!(error.error_type(), "InvalidOutput");
        let error = out.blob(vec![0; 30 * 1024 * 1024 + 1], BlobMeta::new("a/b")).await.unwrap_err();
        assert_eq!(error.error_type(), "InvalidOutput");
        out.text("still here").await
    }
}

#[tokio::test]
async fn long_texts_are_split_and_other_messages_over_the_limit_are_refused() {
    let mut daemon = Daemon::of(Plugin::new().tool("kit", "much", TooMuch));
    let (messages, error) = daemon.ask(invoke("much", json!({}))).await;
    assert_eq!(error, None);
    let joined = |kind: &str, field: &str| -> String {
        messages
            .iter()
            .filter(|message| message["type"] == kind)
            .map(|message| message["message"][field].as_str().unwrap())
            .collect()
    };
    let text = "\"é鴨\n".repeat(600_000);
    assert!(joined("text", "text") == text.clone() + "still here");
    assert!(joined("variable", "variable_value") == text);
    assert_eq!(messages.len(), 2 + 2 + 1);
}

struct Curious;

#[derive(Deserialize, JsonSchema)]
struct CuriousParameters {
    ratio: f64,
    photo: File,
    note: Option<String>,
}

#[derive(Deserialize)]
struct Credentials {
    api_key: String,
}

impl Tool for Curious {
    type Parameters = CuriousParameters;

    async fn invoke(&self, cx: &ToolContext, p: CuriousParameters, out: &mut Output) -> Result<()> {
        assert_eq!(cx.user_id(), "u-1");
        assert_eq!((cx.message_id(), cx.app_id(), cx.conversation_id()), (Some("m-1"), None, None));
        assert_eq!(cx.credential_type(), Some(&CredentialType::ApiKey));
        assert_eq!(cx.credentials::<Credentials>()?.api_key, "hunter2");
        assert!(!format!("{cx:?} {:?}", p.photo).contains("hunter2"));
        assert_eq!((p.photo.file_type(), p.photo.filename()), (Some(&FileType::Image), Some("a.png")));
        assert_eq!((p.photo.extension(), p.photo.mime_type()), (Some(".png"), Some("image/png")));
        assert_eq!((p.photo.url(), p.photo.size()), ("https://h/a.png?sign=hunter2", Some(12)));
        assert_eq!((p.ratio, p.note), (1.0, None));
        out.text("all there").await
    }

    async fn runtime_parameters(&self, cx: &ToolContext) -> Result<Vec<ToolParameter>> {
        let name = Some(cx.credentials::<Credentials>()?.api_key);
        Ok(vec![ToolParameter { name, ..ToolParameter::default() }])
    }
}

#[tokio::test]
async fn a_tool_gets_its_parameters_credentials_and_context() {
    let mut daemon = Daemon::of(Plugin::new().tool("kit", "curious", Curious));
    let photo = json!({
        "dify_model_identity": "__dify__file__", "url": "https://h/a.png?sign=hunter2", "type": "image",
        "filename": "a.png", "extension": ".png", "mime_type": "image/png", "size": 12,
    });
    let (messages, error) =
        daemon.ask(invoke("curious", json!({"ratio": 1, "photo": photo, "note": null, "new": {}}))).await;
    assert_eq!((messages[0]["message"]["text"].as_str(), error), (Some("all there"), None));
}

#[tokio::test]
async fn runtime_parameters_are_those_of_the_tool_or_none() {
    let mut daemon =
        Daemon::of(Plugin::new().tool("kit", "curious", Curious).tool("kit", "all", AllMessages));
    let ask = |tool: &str| {
        json!({"user_id": "u", "type": "tool", "action": "get_tool_runtime_parameters", "provider": "kit",
            "tool": tool, "credentials": {"api_key": "good"}})
    };
    let (messages, _) = daemon.ask(ask("curious")).await;
    assert_eq!(messages, [json!({"parameters": [{"name": "good"}]})]);
    let (messages, _) = daemon.ask(ask("all")).await;
    assert_eq!(messages, [json!({"parameters": []})]);
}

#[tokio::test]
async fn credentials_are_checked_and_a_failed_check_gives_its_reason() {
    async fn check(_: Session, credentials: Credentials) -> Result<()> {
        if credentials.api_key == "good" {
            return Ok(());
        }
        Err(std::io::Error::other("API key rejected by upstream").into())
    }
    let mut daemon = Daemon::of(Plugin::new().tool_credentials("kit", check));
    let ask = |credentials: Value| {
        json!({"user_id": "u", "type": "tool", "action": "validate_tool_credentials", "provider": "kit",
            "credentials": credentials})
    };
    let (messages, error) = daemon.ask(ask(json!({"api_key": "good"}))).await;
    assert_eq!((messages, error), (vec![json!({"result": true})], None));

    let name = "ToolProviderCredentialValidationError".to_owned();
    let reason = daemon.error_of(ask(json!({"api_key": "x"}))).await;
    assert_eq!(reason, (name.clone(), "API key rejected by upstream".to_owned()));
    let (unreadable, text) = daemon.error_of(ask(json!({"api_key": ["hunter2"]}))).await;
    assert_eq!(unreadable, name);
    assert!(text.contains("found sequence") && !text.contains("hunter2"), "{text}");
    let (missing, text) = daemon.error_of(ask(Value::Null)).await;
    assert_eq!(missing, name);
    assert!(text.contains("missing field `api_key`"), "{text}");
}

/// Sends a text that is longer than a short frame.
struct Long;

impl Tool for Long {
    type Parameters = NoParameters;

    async fn invoke(&self, _: &ToolContext, _: NoParameters, out: &mut Output) -> Result<()> {
        out.text("long ".repeat(1000)).await
    }
}

#[tokio::test]
async fn a_text_is_split_by_the_frame_limit_of_the_connection() {
    let mut config = Config::default();
    config.heartbeat_interval = None;
    config.max_frame_bytes = 2048;
    let mut daemon = Daemon::with_config(Plugin::new().tool("kit", "long", Long), config);
    let (messages, error) = daemon.ask(invoke("long", Value::Null)).await;
    assert_eq!(error, None);
    let texts = messages.iter().filter_map(|message| message["message"]["text"].as_str());
    assert_eq!(texts.collect::<String>(), "long ".repeat(1000));
}
