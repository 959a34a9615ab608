//! Scripts: what a file may hold, and how its apps answer.

use std::time::Duration;

use dify_plugin_host::{Script, ScriptError, ScriptedApp};
use serde_json::{Value, json};

use crate::reverse::answers_to;
use crate::rogue::config;

fn error(text: &str) -> String {
    Script::from_yaml("s.yaml", text).unwrap_err().to_string()
}

/// What the plugin reads of one call of an app.
async fn called(script: Script, id: &str, mode: &str) -> Vec<Value> {
    let request = json!({"app_id": id, "query": "<\"{i}>", "inputs": {}, "response_mode": mode});
    let heard = answers_to(&[json!({"type": "app", "request": request})], script, config()).await;
    heard.into_iter().filter(|data| data["event"] != "end").collect()
}

/// The data of the replies and the texts of the errors.
async fn answer(app: ScriptedApp, mode: &str) -> Vec<Value> {
    let heard = called(Script::new().app("*", app), "a", mode).await;
    heard
        .into_iter()
        .map(|data| if data["event"] == "error" { data["message"].clone() } else { data["data"].clone() })
        .collect()
}

#[tokio::test]
async fn the_example_of_the_front_page_is_a_script_also_as_json() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```yaml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let script = Script::from_yaml("README", text).unwrap();
    let ids = ["*", "app-1", "breaks-off", "just-ends", "own-blocking", "refuses"];
    assert!(script.app_ids().eq(ids));
    assert_eq!(script.warnings(), [""; 0]);
    assert_eq!(called(script.clone(), "app-1", "streaming").await.len(), 103);
    assert_eq!(called(script, "own-blocking", "blocking").await[0]["data"]["answer"], "whole");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.json");
    let text = r#"{"apps": {"a": {"events": [{"event": "message_end", "answer": "\ud83e\udd86"}]}}}"#;
    std::fs::write(&path, text).unwrap();
    let heard = called(Script::read(&path).unwrap(), "a", "streaming").await;
    assert_eq!(heard[0]["data"]["answer"], "🦆");
    std::fs::write(&path, "{\n  \"app\": {}}").unwrap();
    let error = Script::read(&path).unwrap_err().to_string();
    assert!(error.contains("script.json:2:") && error.contains("unknown field `app`"), "{error}");
}

#[test]
fn apps_whose_events_never_end_the_answer_are_warned_of() {
    let warned = |events: &str| {
        let script = Script::from_yaml("s.yaml", &format!("apps: {{b: {events}, a: {events}}}")).unwrap();
        script.warnings()
    };
    let message = "{event: message, answer: delay}";
    for whole in [
        "{events: []}".to_owned(),
        "{parameters: {}}".to_owned(),
        "{error: {}}".to_owned(),
        format!("{{events: [{message}, {{event: message_end}}]}}"),
        format!("{{events: [{message}, {{event: workflow_paused}}]}}"),
        format!("{{events: [{{event: workflow_finished}}, {message}]}}"),
        format!("{{events: [{message}, {{event: error}}]}}"),
        format!("{{events: [{message}, {{error: broke}}]}}"),
    ] {
        assert_eq!(warned(&whole), [""; 0], "{whole}");
    }
    for open in [
        format!("{{events: [{message}]}}"),
        format!("{{events: [{message}, {{delay_ms: 1}}, {{event: message_end, repeat: 0}}]}}"),
    ] {
        let warnings = warned(&open);
        assert_eq!(warnings.len(), 2, "{open}");
        assert!(
            warnings[0].starts_with("the events of the app `a` end without `message_end`"),
            "{warnings:?}"
        );
    }
}

#[test]
fn a_fault_is_reported_with_its_line() {
    for (text, line, problem) in [
        ("[1]", 1, "expected"),
        ("apps: [1]", 1, "expected"),
        ("\napp: {}", 2, "app"),
        (
            "apps:\n  a:\n    events:\n      - {event: message}\n      - {repeat: 3}\n",
            5,
            "`repeat` needs an `event`",
        ),
        ("apps: {a: {events: [{event: x, y: &y [1, {z: 2}], z: *y},\n{delay_ms:\n -1}]}}", 3, ""),
        ("apps:\n  a:\n    error:\n      code: c\n      status: 7\n", 5, "expected an HTTP status"),
        ("apps:\n  a:\n    error: {}\n    events: [{event: x}]\n", 3, "keep one of them"),
        ("apps: {a: {events: [{answer: x}]}}", 1, "expected `event`"),
        ("apps:\n  a: {}\n  a: {}\n", 3, "duplicate"),
        ("apps:\n\t- x", 2, ""),
    ] {
        let error = error(text);
        assert!(
            error.starts_with(&format!("s.yaml:{line}:")) && error.contains(problem),
            "{text:?}: {error}"
        );
    }
    let missing = Script::read("no/such/script.yaml").unwrap_err();
    assert!(matches!(missing, ScriptError::Unreadable { .. }));
    assert_eq!(missing.to_string(), "cannot read the script `no/such/script.yaml`");
    assert!(Script::from_yaml("s.yaml", "").unwrap().app_ids().next().is_none());
}

#[tokio::test]
async fn scalars_follow_the_core_schema_of_yaml() {
    let text = "apps: {'*': {blocking: {event: message, v: [a b, 'yes', \"1\", true, ~, 12, -3, 1.5, 1e3, 1.2.3, 2026-01-01, '{i}', &x {k: 1}, *x]}}}";
    let heard = called(Script::from_yaml("s.yaml", text).unwrap(), "a", "blocking").await;
    assert_eq!(
        heard[0]["data"]["v"],
        json!(["a b", "yes", "1", true, null, 12, -3, 1.5, 1000, "1.2.3", "2026-01-01", "{i}", {"k": 1}, {"k": 1}])
    );
    let bomb = "apps: {a: {blocking: {a: &a [1,1,1,1,1,1,1,1,1,1], b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a],\
                c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b], d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c],\
                e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d], f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e],\
                g: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]}}}";
    assert!(Script::from_yaml("s.yaml", bomb).is_err());
}

#[tokio::test]
async fn steps_are_played_in_order_and_a_failure_is_the_last() {
    let before = std::time::Instant::now();
    let app = ScriptedApp::new()
        .event(json!({"a": "{i} {query}"}))
        .wait(Duration::from_millis(40))
        .repeat(2, Duration::from_millis(20), json!({"a": "{i} {query}"}))
        .fail("broke")
        .event(json!({"a": "never"}));
    assert_eq!(
        answer(app, "streaming").await,
        [
            json!({"a": "{i} <\"{i}>"}),
            json!({"a": "0 <\"{i}>"}),
            json!({"a": "1 <\"{i}>"}),
            json!("read app failed: request failed: broke"),
        ]
    );
    assert!(before.elapsed() >= Duration::from_millis(80));
    let refused =
        answer(ScriptedApp::refusing(429, "too_many_requests", "slow down").event(json!({})), "streaming")
            .await;
    assert_eq!(refused.len(), 1);
    assert!(refused[0].as_str().unwrap().contains("status code: 429"), "{refused:?}");
}

#[tokio::test]
async fn a_blocking_call_gets_the_events_folded_to_one_object() {
    let chat = ScriptedApp::new()
        .event(json!({"event": "message", "answer": "he", "conversation_id": "c", "task_id": "t"}))
        .event(json!({"event": "message", "answer": "llo {query}"}))
        .event(json!({"event": "message_end", "metadata": {"x": 1}}));
    assert_eq!(
        answer(chat, "blocking").await,
        [
            json!({"event": "message", "answer": "hello <\"{i}>", "conversation_id": "c", "task_id": "t", "mode": "chat", "metadata": {"x": 1}})
        ]
    );
    let data = json!({"status": "succeeded", "outputs": {"a": 1}});
    let workflow = ScriptedApp::new()
        .event(json!({"event": "workflow_started"}))
        .event(json!({"event": "workflow_finished", "workflow_run_id": "w", "task_id": "t", "data": data}));
    assert_eq!(
        answer(workflow, "blocking").await,
        [json!({"task_id": "t", "workflow_run_id": "w", "data": data})]
    );
    let own = ScriptedApp::new().fail("never").blocking(json!({"answer": "own"}));
    assert_eq!(answer(own, "blocking").await, [json!({"answer": "own"})]);
}

#[tokio::test]
async fn a_blocking_call_of_an_agent_or_of_a_failing_app_is_refused() {
    let agent = ScriptedApp::new().event(json!({"event": "agent_message", "answer": "a"}));
    let failing = ScriptedApp::new()
        .event(json!({"event": "message", "answer": "a"}))
        .event(json!({"event": "error", "code": "c", "status": 418, "message": "m"}));
    for (app, problem) in [(agent, "does not support blocking mode"), (failing, "status code: 418")] {
        let answered = answer(app, "blocking").await;
        assert!(answered[0].as_str().unwrap().contains(problem), "{answered:?}");
    }
}
