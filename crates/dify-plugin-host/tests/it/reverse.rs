//! Reverse calls, and the frames that answer them.

use std::time::Duration;

use dify_plugin_host::{
    HostConfig, OpenSession, Platform, PlatformError, Reply, ReverseCall, Script, ScriptedApp, SessionFailure,
};
use dify_plugin_protocol::{AccessType, Action};
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value, json};

use crate::rogue::{config, drain, nobody, session, start};

/// Returns what a plugin reads in a session `s` in which it makes these calls, one after the other.
pub(crate) async fn answers_to(calls: &[Value], platform: impl Platform, config: HostConfig) -> Vec<Value> {
    let mut script = "beat; ask\n".to_owned();
    for (id, call) in calls.iter().enumerate() {
        let mut call = call.clone();
        call["backwards_request_id"] = id.to_string().into();
        let call = call.to_string().replace('\'', "'\\''");
        // Reads up to the `end` of this call.
        script += &format!(
            "session s invoke '{call}'\nwhile keep; do case $line in *'\"event\":\"end\"'*) break;; esac; done\n"
        );
    }
    script += "session s end '{}'\nrest";
    let plugin = start(&script, config, platform).await;
    let mut messages = plugin.open("s").await;
    let (_, failure) = tokio::time::timeout(Duration::from_secs(20), drain(&mut messages)).await.unwrap();
    assert!(failure.is_none(), "{failure:?}");
    drop(messages);
    let heard = plugin.heard().await;
    heard.into_iter().map(|line| line["data"].clone()).collect()
}

fn app_call() -> Value {
    json!({"type": "app", "request": {"app_id": "app-1", "query": "q<", "inputs": {}, "response_mode": "streaming", "conversation_id": null, "user": null}})
}

#[tokio::test]
async fn the_frames_of_a_reply_are_the_daemons_byte_for_byte() {
    let script = Script::new().app(
        "app-1",
        ScriptedApp::new()
            .event(json!({"event": "message", "z": 1.0, "answer": "{query}"}))
            .fail("it <broke>"),
    );
    let plugin = start(
        r#"beat; ask; session s invoke '{"type":"app","backwards_request_id":"x","request":{"app_id":"app-1","query":"q<"}}'
           keep; keep; keep; session s end '{}'; rest"#,
        config(),
        script,
    )
    .await;
    let mut open = OpenSession::new(AccessType::Tool, Action::InvokeTool, Map::new());
    open.session_id = Some("s".to_owned());
    open.context = Some(Map::from_iter([("k".to_owned(), json!("&"))]));
    let mut messages = plugin.host.open(open).await.unwrap();
    assert!(drain(&mut messages).await.1.is_none());
    let head = concat!(
        r#"{"session_id":"s","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"#,
        r#""context":{"k":"\u0026"},"event":"backwards_response","data":{"backwards_request_id":"x","event":"#
    );
    let expected = [
        r#""response","message":"stream","data":{"answer":"q\u003c","event":"message","z":1}}}"#,
        r#""error","message":"read app failed: request failed: it \u003cbroke\u003e","data":null}}"#,
        r#""end","message":"","data":null}}"#,
    ];
    let expected: String = expected.iter().map(|line| format!("{head}{line}\n")).collect();
    assert_eq!(std::fs::read_to_string(plugin.path("heard")).unwrap(), expected);
}

#[tokio::test]
async fn an_app_that_a_script_lacks_is_refused_as_by_dify() {
    let script =
        Script::new().app("known", ScriptedApp::new().parameters(json!({"opening_statement": "hi"})));
    let heard = answers_to(
        &[
            app_call(),
            json!({"type": "fetch_app", "request": {"app_id": "known"}}),
            json!({"type": "fetch_app", "request": {"app_id": "unknown"}}),
            json!({"type": "storage", "request": {"opt": "get", "key": "k"}}),
            json!({"type": "app", "request": {"app_id": ""}}),
        ],
        script,
        config(),
    )
    .await;
    let texts: Vec<_> = heard
        .iter()
        .filter(|data| data["event"] == "error")
        .map(|data| data["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        texts,
        [
            "invoke app failed: request failed with status code: 400 and respond with: \
             {\"code\":\"invalid_param\",\"message\":\"app not found\",\"script\":\"the script has no app `app-1`; it has \
             `known`. Add the app under `apps`, or `*` for all others\",\"status\":400}\n",
            "fetch app failed: data is nil",
            "the script does not handle reverse invocations of type `storage`",
            "unmarshal backwards invoke request failed: `app_id` is missing",
        ]
    );
    let fetched = heard.iter().find(|data| data["event"] == "response").unwrap();
    assert_eq!(
        (&fetched["message"], &fetched["data"]),
        (&json!("struct"), &json!({"opening_statement": "hi"}))
    );
    assert_eq!(heard.iter().filter(|data| data["event"] == "end").count(), 5);
}

#[tokio::test]
async fn a_model_session_may_not_call() {
    let plugin = start(
        r#"beat; ask; session s invoke '{"type":"app","backwards_request_id":"x","request":{}}'; keep; keep; session s end '{}'; rest"#,
        config(),
        nobody(),
    )
    .await;
    let mut messages = plugin.host.open(session("s", AccessType::Model, Action::InvokeLlm)).await.unwrap();
    assert!(drain(&mut messages).await.1.is_none());
    drop(messages);
    let heard = plugin.heard().await;
    assert_eq!(heard[0]["data"]["message"], "you can not invoke dify from model");
    assert_eq!(heard[1]["data"]["event"], "end");
}

#[tokio::test]
async fn a_malformed_call_closes_the_session_without_a_reply() {
    for (data, problem) in [
        ("null", "invoke request is empty"),
        (r#"{"type":"app","backwards_request_id":"x"}"#, "invoke request missing request"),
        (r#"{"type":"app","request":[],"backwards_request_id":"x"}"#, "invoke request missing request"),
        (
            r#"{"type":"app","request":{},"backwards_request_id":5}"#,
            "invoke request missing backwards_request_id",
        ),
        (r#"{"request":{},"backwards_request_id":"x"}"#, "invoke request missing type"),
        (r#"[1]"#, "unmarshal invoke request failed"),
    ] {
        let plugin = start(
            &format!("beat; ask; session s invoke '{data}'; session s end '{{}}'; rest"),
            config(),
            nobody(),
        )
        .await;
        let mut messages = plugin.open("s").await;
        let (_, failure) = drain(&mut messages).await;
        let Some(SessionFailure::Refused(error)) = failure else { panic!("{failure:?}") };
        assert_eq!(error.error_type, "invoke_dify_error");
        let expected = format!("invoke dify failed: {problem}");
        assert!(error.message.starts_with(&expected), "{}", error.message);
        drop(messages);
        assert!(plugin.heard().await.is_empty());
    }
}

#[tokio::test]
async fn a_call_over_its_time_limit_fails_even_while_replies_arrive() {
    let mut config = config();
    config.reverse_call_timeout = Duration::from_millis(250);
    let app = ScriptedApp::new()
        // The wait for the first item does not count.
        .wait(Duration::from_millis(400))
        .repeat(1000, Duration::from_millis(20), json!({"event": "message", "answer": "{i}"}));
    let heard = answers_to(&[app_call()], Script::new().app("*", app), config).await;
    let (end, rest) = heard.split_last().unwrap();
    let (error, items) = rest.split_last().unwrap();
    assert!(items.len() >= 2, "{}", items.len());
    assert_eq!(
        error["message"],
        "read app failed: http: read on closed response body\nfailed to read system header"
    );
    assert_eq!(end["event"], "end");
}

#[tokio::test]
async fn a_platform_that_panics_still_ends_its_call() {
    let platform = |_: ReverseCall| {
        stream::iter([Ok(Reply::from(json!({"n": 1})))])
            .chain(stream::once(async {
                tokio::task::yield_now().await;
                panic!("broken platform")
            }))
            .boxed()
    };
    let heard = answers_to(&[app_call()], platform, config()).await;
    assert_eq!(heard[0]["data"], json!({"n": 1}));
    assert_eq!(heard[1]["message"], "read app failed: request failed: the platform panicked");
    assert_eq!(heard[2]["event"], "end");
    assert_eq!(heard.len(), 3);
}

#[tokio::test]
async fn a_platform_sees_the_session_and_the_fields_that_dify_would_receive() {
    let (sender, mut calls) = tokio::sync::mpsc::unbounded_channel();
    let platform = move |call: ReverseCall| {
        sender.send(call).unwrap();
        stream::iter([Err(PlatformError::Other("raw text".to_owned()))]).boxed()
    };
    let mut call = app_call();
    call["request"]["files"] = json!([1]);
    call["request"]["tenant_id"] = json!("forged");
    let heard = answers_to(&[call], platform, config()).await;
    assert_eq!(heard[0]["message"], "raw text");
    let call = calls.recv().await.unwrap();
    assert_eq!((&*call.session.session_id, &*call.call_id), ("s", "0"));
    assert_eq!(
        Value::Object(call.request),
        json!({"app_id": "app-1", "query": "q<", "inputs": {}, "response_mode": "streaming", "conversation_id": "", "user": ""})
    );
}

#[tokio::test]
async fn calls_that_are_open_at_the_end_of_their_session_get_no_more_frames() {
    let script = Script::new().app("*", ScriptedApp::new().wait(Duration::from_secs(1000)));
    let plugin = start(
        r#"beat; ask; session s invoke '{"type":"app","backwards_request_id":"x","request":{"app_id":"a"}}'; session s end '{}'; rest"#,
        config(),
        script,
    )
    .await;
    let mut messages = plugin.open("s").await;
    assert!(drain(&mut messages).await.1.is_none());
    drop(messages);
    assert!(plugin.heard().await.is_empty());
}

#[tokio::test]
async fn calls_that_are_open_at_the_time_limit_of_their_session_fail() {
    let mut config = config();
    config.session_timeout = Duration::from_secs(1);
    let script = Script::new()
        .app("*", ScriptedApp::new().event(json!({"event": "message"})).wait(Duration::from_secs(1000)));
    let plugin = start(
        r#"beat; ask; session s invoke '{"type":"app","backwards_request_id":"x","request":{"app_id":"a"}}'; keep; keep; keep; exit 0"#,
        config,
        script,
    )
    .await;
    let (_, failure) = drain(&mut plugin.open("s").await).await;
    assert!(matches!(failure, Some(SessionFailure::TimedOut { .. })));
    let exit = plugin.host.wait().await;
    assert!(exit.status.unwrap().success());
    let heard = crate::rogue::lines(&plugin.path("heard"));
    assert_eq!(
        heard[1]["data"]["message"],
        "read app failed: context canceled\nfailed to read system header"
    );
    assert_eq!(heard[2]["data"]["event"], "end");
}

#[tokio::test]
async fn a_thousand_concurrent_calls_are_all_answered() {
    let script = Script::new().app(
        "*",
        ScriptedApp::new().repeat(
            3,
            Duration::from_millis(1),
            json!({"event": "message", "answer": "{query} {i}"}),
        ),
    );
    let plugin = start(
        r#"beat; ask; i=0
           while [ $i -lt 1000 ]; do
               session s invoke '{"type":"app","backwards_request_id":"'$i'","request":{"app_id":"a","query":"'$i'"}}'
               i=$((i+1))
           done
           head -n 4000 > heard; session s end '{}'; rest"#,
        config(),
        script,
    )
    .await;
    let mut messages = plugin.open("s").await;
    assert!(drain(&mut messages).await.1.is_none());
    assert_eq!(plugin.host.stats().reverse_calls, 1000);
    let mut of_call = vec![Vec::new(); 1000];
    for line in crate::rogue::lines(&plugin.path("heard")) {
        let data = &line["data"];
        let id: usize = data["backwards_request_id"].as_str().unwrap().parse().unwrap();
        of_call[id].push(data["data"]["answer"].as_str().unwrap_or("end").to_owned());
    }
    for (id, answers) in of_call.into_iter().enumerate() {
        assert_eq!(answers, [format!("{id} 0"), format!("{id} 1"), format!("{id} 2"), "end".to_owned()]);
    }
}

/// The error of a call with this request.
async fn refusal(invoke_type: &str, request: Value) -> Option<String> {
    let call = json!({"type": invoke_type, "request": request});
    let heard = answers_to(&[call], Script::new().app("*", ScriptedApp::new()), config()).await;
    let error = heard.iter().find(|data| data["event"] == "error")?;
    Some(error["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_request_of_a_wrong_shape_is_refused() {
    for (invoke_type, request, problem) in [
        ("app", json!({"app_id": "a", "query": 5}), "`query` is not a string"),
        ("app", json!({"app_id": "a", "inputs": []}), "`inputs` is not an object"),
        ("app", json!({"app_id": ""}), "`app_id` is missing"),
        ("fetch_app", json!({}), "`app_id` is missing"),
        ("storage", json!({"opt": "get"}), "`key` is missing"),
        (
            "storage",
            json!({"opt": "list", "key": "k"}),
            "`opt` is not one of `get`, `set`, `del` and `exist`",
        ),
        ("storage", json!({"opt": 5, "key": "k"}), "`opt` is not a string"),
    ] {
        let expected = format!("unmarshal backwards invoke request failed: {problem}");
        assert_eq!(refusal(invoke_type, request).await, Some(expected));
    }
    assert_eq!(refusal("app", json!({"APP_ID": "a", "inputs": null, "user": null})).await, None);
    assert_eq!(refusal("encrypt", json!({})).await.unwrap(), "unsupported invoke type: encrypt");
}
