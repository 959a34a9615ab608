//! Handlers that fail, panic, hang or do not exist: each session ends once, and the others go on.

use std::collections::BTreeMap;
use std::time::Duration;

use dify_plugin::schemars::{self, JsonSchema};
use dify_plugin::session_layer::Config;
use dify_plugin::{Error, File, NoParameters, Output, Plugin, Result, Tool, ToolContext};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::daemon::{Daemon, http, invoke};

struct Trouble;

#[derive(Deserialize, JsonSchema)]
struct TroubleParameters {
    kind: String,
}

#[derive(Debug, thiserror::Error)]
#[error("upstream said no")]
struct UpstreamError;

impl Tool for Trouble {
    type Parameters = TroubleParameters;

    async fn invoke(&self, _: &ToolContext, p: TroubleParameters, out: &mut Output) -> Result<()> {
        out.text("before").await?;
        match p.kind.as_str() {
            "own" => Err(Error::new("RuntimeError", "upstream said no").with_arg("code", 7)),
            "converted" => Err(UpstreamError.into()),
            "panic" => panic!("on purpose: {}", 7),
            "hang" => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

fn daemon() -> Daemon {
    Daemon::of(Plugin::new().tool("kit", "trouble", Trouble).tool("kit", "other", Trouble))
}

#[tokio::test]
async fn a_failing_tool_sends_its_error_after_its_messages() {
    let mut daemon = daemon();
    let (messages, error) = daemon.ask(invoke("trouble", json!({"kind": "own"}))).await;
    assert_eq!(messages[0]["message"]["text"], "before");
    let expected = json!({"error_type": "RuntimeError", "message": "upstream said no", "args": {"code": 7}});
    assert_eq!(error, Some(expected));
    let converted = daemon.error_of(invoke("trouble", json!({"kind": "converted"}))).await;
    assert_eq!(converted, ("HandlerFailed".to_owned(), "upstream said no".to_owned()));
}

#[tokio::test]
async fn a_panic_ends_its_own_session_only() {
    let mut daemon = daemon();
    let (name, text) = daemon.error_of(invoke("trouble", json!({"kind": "panic"}))).await;
    assert_eq!(name, "HandlerPanicked");
    assert!(text.contains("kit/trouble") && text.contains("on purpose: 7"), "{text}");
    let (messages, error) = daemon.ask(invoke("trouble", json!({"kind": "fine"}))).await;
    assert_eq!((messages.len(), error), (1, None));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_ended_at_its_deadline() {
    let mut config = Config::default();
    config.heartbeat_interval = None;
    config.handler_deadline = Duration::from_secs(5);
    let mut daemon = Daemon::with_config(Plugin::new().tool("kit", "trouble", Trouble), config);
    let (name, _) = daemon.error_of(invoke("trouble", json!({"kind": "hang"}))).await;
    assert_eq!(name, "DeadlineExceeded");
}

#[tokio::test]
async fn an_unknown_handler_is_named_together_with_the_known_ones() {
    let mut daemon = daemon();
    let no_tool = daemon.error_of(invoke("nope", json!({}))).await;
    assert_eq!(no_tool.0, "HandlerNotFound");
    assert_eq!(no_tool.1, "the provider `kit` has no tool `nope`; it has `other`, `trouble`");

    let mut elsewhere = invoke("trouble", json!({}));
    elsewhere["provider"] = "elsewhere".into();
    let no_provider = daemon.error_of(elsewhere).await;
    assert_eq!(no_provider.1, "this plugin has no tool provider `elsewhere`; it has `kit`");

    let no_endpoint = daemon.error_of(http("GET / HTTP/1.1\r\n\r\n", Value::Null)).await;
    assert_eq!(no_endpoint, ("HandlerNotFound".to_owned(), "this plugin has no endpoints".to_owned()));

    for (kind, action) in [("model", "invoke_llm"), ("gadget", "twiddle"), ("tool", "invoke_llm")] {
        let (name, text) = daemon.error_of(json!({"user_id": "", "type": kind, "action": action})).await;
        assert_eq!(name, "HandlerNotFound");
        assert!(text.contains(kind) && text.contains(action) && text.contains("`kit`"), "{text}");
    }

    let check = json!({"user_id": "", "type": "tool", "action": "validate_tool_credentials", "provider": "kit",
        "credentials": {}});
    assert!(daemon.error_of(check).await.1.contains("tool_credentials"));
}

/// Reads parameters and credentials of the same type.
struct Picky;

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the values are read and not used")]
struct PickyParameters {
    count: u32,
    mode: Option<Mode>,
    items: Option<Vec<BTreeMap<String, Item>>>,
    photo: Option<File>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Fast,
    Slow,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the values are read and not used")]
struct Item {
    size: f64,
}

impl Tool for Picky {
    type Parameters = PickyParameters;

    async fn invoke(&self, cx: &ToolContext, p: PickyParameters, out: &mut Output) -> Result<()> {
        let is_slow = matches!(p.mode, Some(Mode::Slow));
        cx.credentials::<PickyParameters>()?;
        out.text(format!("{} {is_slow}", p.count)).await
    }
}

#[tokio::test]
async fn a_wrong_field_is_named_by_its_path_and_without_its_value() {
    let mut daemon = Daemon::of(Plugin::new().tool("kit", "picky", Picky));
    for (parameters, expected) in [
        (json!({"count": "hunter2"}), "parameter `count`: found string, expected u32"),
        (json!({"count": -70007}), "parameter `count`: found integer, expected u32"),
        (json!({"count": 1, "mode": "hunter2"}), "parameter `mode`: unknown name, expected `fast` or `slow`"),
        (
            json!({"count": 1, "items": [{}, {"a": {"size": "hunter2"}}]}),
            "parameter `items[1].a.size`: found string, expected f64",
        ),
        (json!({"count": 1, "items": [{"a": {}}]}), "parameter `items[0].a`: missing field `size`"),
        (
            json!({"count": 1, "photo": {"url": ["hunter2"]}}),
            "parameter `photo.url`: found sequence, expected a string",
        ),
        (json!({"count": 1, "photo": {}}), "parameter `photo`: a file without `url`"),
        (
            json!({"count": 1, "photo": {"url": "u", "dify_model_identity": "hunter2"}}),
            "parameter `photo`: the value is not a file",
        ),
        (json!({}), "tool_parameters: missing field `count`"),
        (Value::Null, "tool_parameters: missing field `count`"),
        (json!(["hunter2"]), "tool_parameters is not an object"),
        (json!("hunter2"), "tool_parameters is not an object"),
    ] {
        let error = daemon.error_of(invoke("picky", parameters)).await;
        assert_eq!(error, ("InvalidRequest".to_owned(), expected.to_owned()));
    }
    let mut request = invoke("picky", json!({"count": 3, "mode": "slow", "new": null}));
    for (credentials, expected) in [
        (json!({"count": "hunter2"}), "credential `count`: found string, expected u32"),
        (Value::Null, "credentials: missing field `count`"),
        (json!([]), "credentials is not an object"),
    ] {
        request["credentials"] = credentials;
        assert_eq!(daemon.error_of(request.clone()).await.1, expected);
    }
    request["credentials"] = json!({"count": 1});
    let (messages, error) = daemon.ask(request).await;
    assert_eq!((messages[0]["message"]["text"].as_str(), error), (Some("3 true"), None));

    let no_provider = json!({"user_id": "", "type": "tool", "action": "invoke_tool", "tool": "picky"});
    let (name, text) = daemon.error_of(no_provider).await;
    assert_eq!(name, "InvalidRequest");
    assert!(text.contains("missing field `provider`"), "{text}");
}

#[tokio::test]
async fn null_credentials_are_an_empty_object() {
    struct Keyless;
    impl Tool for Keyless {
        type Parameters = NoParameters;
        async fn invoke(&self, cx: &ToolContext, _: NoParameters, out: &mut Output) -> Result<()> {
            let credentials: serde_json::Map<String, Value> = cx.credentials()?;
            out.text(format!("{} credentials", credentials.len())).await
        }
    }
    let mut daemon = Daemon::of(Plugin::new().tool("kit", "keyless", Keyless));
    let mut request = invoke("keyless", Value::Null);
    request["credentials"] = Value::Null;
    request.as_object_mut().unwrap().remove("credential_type");
    let (messages, error) = daemon.ask(request).await;
    assert_eq!((messages[0]["message"]["text"].as_str(), error), (Some("0 credentials"), None));
}

#[test]
#[should_panic(expected = "the tool kit/trouble is registered twice")]
fn a_name_is_registered_once() {
    let _ = Plugin::new().tool("kit", "trouble", Trouble).tool("kit", "trouble", Trouble);
}
