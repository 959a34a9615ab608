//! Handlers for actions that no kind of plugin answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dify_plugin::protocol::{AccessType, Action};
use dify_plugin::{Error, Plugin, RawOutput, RequestContext, Result, Session};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::daemon::Daemon;

fn request(access_type: &str, action: &str) -> Value {
    json!({
        "user_id": "u-1", "type": access_type, "action": action, "credentials": {"api_key": "hunter2"},
        "parameter": "lake",
    })
}

#[derive(Deserialize)]
struct Credentials {
    api_key: String,
}

#[tokio::test]
async fn an_action_without_a_kind_is_answered_from_its_raw_payload() {
    async fn options(session: Session, payload: Box<RawValue>, out: RawOutput) -> Result<()> {
        assert_eq!(session.credentials::<Credentials>()?.api_key, "hunter2");
        assert_eq!(session.user_id(), "u-1");
        let payload: Value = serde_json::from_str(payload.get())?;
        out.send(&json!({"options": [{"value": payload["parameter"]}]})).await?;
        Err(Error::new("HalfDone", "there are more"))
    }
    let plugin = Plugin::new().on(AccessType::DynamicParameter, Action::FetchParameterOptions, options);
    let mut daemon = Daemon::of(plugin);
    let (messages, error) = daemon.ask(request("dynamic_parameter", "fetch_parameter_options")).await;
    assert_eq!(messages, [json!({"options": [{"value": "lake"}]})]);
    assert_eq!(error, Some(json!({"error_type": "HalfDone", "message": "there are more", "args": {}})));

    let (name, text) = daemon.error_of(request("dynamic_parameter", "invoke_tool")).await;
    assert_eq!(name, "HandlerNotFound");
    assert!(text.ends_with("it has `dynamic_parameter`/`fetch_parameter_options`"), "{text}");
    let (name, text) = daemon
        .error_of(json!({
            "user_id": "", "type": "dynamic_parameter", "action": "fetch_parameter_options", "credentials": 7,
        }))
        .await;
    assert_eq!((name.as_str(), text.contains("hunter2")), ("InvalidRequest", false), "{text}");
}

#[tokio::test]
async fn a_model_and_an_action_of_a_newer_daemon_are_answered_too() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let model = move |cx: RequestContext, _: Box<RawValue>, out: RawOutput| {
        count.fetch_add(1, Ordering::Relaxed);
        async move { out.send(&json!({"user": cx.user_id()})).await }
    };
    async fn newer(session: Session, _: Box<RawValue>, out: RawOutput) -> Result<()> {
        out.send(&json!([session.transport().action().as_str()])).await
    }
    let plugin = Plugin::new()
        .on(AccessType::Model, Action::InvokeLlm, model)
        .on("gadget".into(), "twiddle".into(), newer)
        .on(AccessType::Tool, "polish_tool".into(), newer);
    let mut daemon = Daemon::of(plugin);
    assert_eq!(daemon.ask(request("model", "invoke_llm")).await, (vec![json!({"user": "u-1"})], None));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(daemon.ask(request("gadget", "twiddle")).await, (vec![json!(["twiddle"])], None));
    assert_eq!(daemon.ask(request("tool", "polish_tool")).await, (vec![json!(["polish_tool"])], None));
    assert_eq!(daemon.error_of(request("model", "invoke_tts")).await.0, "HandlerNotFound");
}

#[tokio::test]
async fn one_plugin_serves_connections_one_after_the_other_and_at_once() {
    async fn id(session: Session, _: Box<RawValue>, out: RawOutput) -> Result<()> {
        out.send(&session.id()).await
    }
    let plugin = Arc::new(Plugin::new().on("gadget".into(), "twiddle".into(), id));
    let mut first = Daemon::of_shared(plugin.clone());
    let mut second = Daemon::of_shared(plugin.clone());
    for daemon in [&mut second, &mut first] {
        assert_eq!(daemon.ask(request("gadget", "twiddle")).await, (vec![json!("s-1")], None));
    }
    drop((first, second));
    let mut third = Daemon::of_shared(plugin);
    assert_eq!(third.ask(request("gadget", "twiddle")).await, (vec![json!("s-1")], None));
}

#[tokio::test]
async fn a_handler_knows_where_its_request_comes_from_and_how_long_it_may_take() {
    let (sender, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let who = move |cx: RequestContext, _: Box<RawValue>, out: RawOutput| {
        let sender = sender.clone();
        async move {
            let ids = [cx.conversation_id(), cx.message_id(), cx.app_id(), cx.endpoint_id()];
            let is_shown = format!("{cx:?}").contains("hunter2");
            out.send(&json!([cx.id(), ids, cx.context(), is_shown, cx.is_ended()])).await?;
            let left = cx.deadline() - tokio::time::Instant::now();
            tokio::spawn(async move {
                cx.cancellation().cancelled().await;
                sender.send((cx.is_ended(), left)).unwrap();
            });
            Ok(())
        }
    };
    let mut daemon = Daemon::of(Plugin::new().on("gadget".into(), "twiddle".into(), who));
    let frame = json!({
        "session_id": "s-1", "conversation_id": "c", "message_id": "m", "app_id": "a", "endpoint_id": "e",
        "context": {"k": 1}, "event": "request", "data": request("gadget", "twiddle"),
    });
    daemon.write(frame).await;
    let (_, _, known) = daemon.next().await;
    assert_eq!(known, json!(["s-1", ["c", "m", "a", "e"], {"k": 1}, false, false]));
    assert_eq!(daemon.next().await.1, "end");
    let (is_ended, left) = ends.recv().await.unwrap();
    assert!(is_ended && left.as_secs().abs_diff(600) <= 1, "{left:?} of the default deadline");
}
