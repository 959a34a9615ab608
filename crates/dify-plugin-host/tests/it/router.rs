//! Which of several platforms answers a call.

use dify_plugin_host::{Platform, Reply, ReverseCall, Router, Script};
use dify_plugin_protocol::InvokeType;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::reverse::answers_to;
use crate::rogue::config;

/// A platform that answers every call with its own name.
fn named(name: &'static str) -> impl Platform {
    move |_: ReverseCall| stream::iter([Ok(Reply::from(json!({"by": name})))]).boxed()
}

/// Who answers these calls; the text of the error if none does.
async fn answered_by(router: Router, calls: &[(&str, Value)]) -> Vec<String> {
    let calls: Vec<_> =
        calls.iter().map(|(kind, request)| json!({"type": kind, "request": request})).collect();
    let heard = answers_to(&calls, router, config()).await;
    let answers = heard.iter().filter(|data| data["event"] != "end");
    answers.map(|data| data["data"]["by"].as_str().or(data["message"].as_str()).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_app_comes_before_a_type_and_a_type_before_the_fallback() {
    let router = Router::new()
        .apps(["a", "b"], named("apps"))
        .apps(["b"], named("b"))
        .invoke_type(InvokeType::App, named("other apps"))
        .invoke_type(InvokeType::Llm, named("llm"))
        .fallback(named("fallback"));
    let calls = [
        ("app", json!({"app_id": "a"})),
        ("fetch_app", json!({"app_id": "b"})),
        ("app", json!({"app_id": "c"})),
        ("fetch_app", json!({"app_id": "c"})),
        // An app's id means something only to calls of apps.
        ("llm", json!({"app_id": "a"})),
        ("tool", json!({})),
    ];
    let answered = answered_by(router, &calls).await;
    assert_eq!(answered, ["apps", "b", "other apps", "fallback", "llm", "fallback"]);
}

#[tokio::test]
async fn a_star_is_every_app_without_a_platform_of_its_own() {
    let router = Router::new()
        .apps(["*"], named("any"))
        .apps(["a"], named("a"))
        .invoke_type(InvokeType::App, named("never"));
    let calls = [("app", json!({"app_id": "a"})), ("app", json!({"app_id": "x"})), ("tool", json!({}))];
    let answered = answered_by(router, &calls).await;
    assert_eq!(answered[..2], ["a", "any"]);
    assert_eq!(answered[2], "the router does not handle reverse invocations of type `tool`");
    assert!(Script::new().app_ids().next().is_none());
}
