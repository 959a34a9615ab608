//! Endpoints: a request to the plugin, and its response in chunks.

use bytes::Bytes;
use dify_plugin_host::{EndpointError, SessionFailure};
use dify_plugin_protocol::hex::decode_hex;
use http::{Request, Response};
use serde_json::Map;

use crate::rogue::{Rogue, config, nobody, start};

async fn plugin(messages: &str) -> Rogue {
    start(&format!("beat; ask; {messages}\nrest"), config(), nobody()).await
}

async fn ask(plugin: &Rogue) -> Result<Response<dify_plugin_host::EndpointBody>, EndpointError> {
    let request = Request::get("/x").header("Host", "plug.example").body(Bytes::new()).unwrap();
    plugin.host.invoke_endpoint(request, "hook", Map::new()).await
}

async fn body(response: Response<dify_plugin_host::EndpointBody>) -> (Vec<Bytes>, Option<SessionFailure>) {
    let mut body = response.into_body();
    let mut chunks = Vec::new();
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) => chunks.push(chunk),
            Err(failure) => return (chunks, Some(failure)),
        }
    }
    (chunks, None)
}

#[tokio::test]
async fn the_head_and_the_chunks_arrive_as_they_were_sent() {
    let plugin = plugin(
        r#"session $id stream '{"status":201,"headers":{"X-One":"1","Content-Type":"a/b"}}'
           session $id stream '{"headers":{"x-one":"2","X-Two":"2"},"status":null}'
           session $id stream '{"result":"6f6e65"}'; session $id stream '{"status":500,"result":"54776F"}'
           session $id end '{}'"#,
    )
    .await;
    let response = ask(&plugin).await.unwrap();
    assert_eq!(response.status(), 201);
    let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(
        (header("x-one"), header("x-two"), header("content-type")),
        ("1".into(), "2".into(), "a/b".into())
    );
    let (chunks, failure) = body(response).await;
    assert_eq!(chunks, ["one", "Two"]);
    assert!(failure.is_none());
}

#[tokio::test]
async fn an_end_without_a_body_is_an_empty_response_with_status_200() {
    let plugin = plugin("session $id end '{}'").await;
    let response = ask(&plugin).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(matches!(body(response).await, (chunks, None) if chunks.is_empty()));
}

#[tokio::test]
async fn an_error_before_the_body_becomes_the_daemons_500() {
    let plugin = plugin(
        r#"session $id stream '{"status":200}'; session $id error '{"error_type":"E","message":"early","args":{}}'"#,
    )
    .await;
    let error = ask(&plugin).await.unwrap_err();
    let response = error.response();
    assert_eq!(response.status(), 500);
    assert_eq!(
        response.body(),
        concat!(
            r#"{"code":-500,"message":"{\"message\":\"{\\\"args\\\":{},\\\"error_type\\\":\\\"E\\\","#,
            r#"\\\"message\\\":\\\"early\\\"}\",\"error_type\":\"PluginDaemonInternalServerError\","#,
            r#"\"args\":null}","data":null}"#
        )
    );
}

#[tokio::test]
async fn callers_of_a_plugin_that_exited_read_the_cause_but_not_its_stderr() {
    let plugin = start("beat; ask; echo secret >&2; exit 7", config(), nobody()).await;
    // The first is open during the exit, the second is opened after it.
    for _ in 0..2 {
        let error = ask(&plugin).await.unwrap_err();
        assert!(error.to_string().ends_with("\nsecret"), "{error}");
        let text = String::from_utf8(error.response().into_body().to_vec()).unwrap();
        assert!(text.contains("it exited by itself (exit status: 7)") && !text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn an_error_is_returned_where_the_daemon_would_end_a_body_early() {
    for (message, words) in [
        (r#"session $id error '{"error_type":"E","message":"late"}'"#, "E: late"),
        (r#"session $id stream '{"status":200}'; session $id end '{}'"#, "without `result`"),
        (r#"session $id stream '{"result":"zz"}'; session $id end '{}'"#, "not hex"),
        (
            r#"session $id stream '{"headers":{"a":[1]},"result":""}'; session $id end '{}'"#,
            "unmarshal_error",
        ),
    ] {
        let plugin = plugin(&format!("session $id stream '{{\"result\":\"61\"}}'; {message}")).await;
        let (chunks, failure) = body(ask(&plugin).await.unwrap()).await;
        assert_eq!(chunks, ["a"]);
        let text = failure.unwrap().to_string();
        assert!(text.contains(words), "{text}");
        assert_eq!(plugin.host.stats().open_sessions, 0);
    }
}

#[tokio::test]
async fn heads_that_http_cannot_carry_are_refused() {
    for (message, words) in [
        (r#"{"status":99,"result":""}"#, "the status 99"),
        (r#"{"status":70000}"#, "unmarshal_error"),
        (r#"{"headers":{"a b":"c"}}"#, "header `a b`"),
        (r#"{"headers":{"a":"c\nd"}}"#, "header `a`"),
        (r#"{"result":"6"}"#, "not hex"),
    ] {
        let plugin = plugin(&format!("session $id stream '{message}'; session $id end '{{}}'")).await;
        let text = ask(&plugin).await.unwrap_err().to_string();
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn an_endpoint_session_has_the_id_of_its_hook_and_no_user() {
    let plugin = start(
        "beat; keep; id=${line#*session_id\\\":\\\"}; id=${id%%\\\"*}; session $id end '{}'; rest",
        config(),
        nobody(),
    )
    .await;
    let _ = ask(&plugin).await.unwrap();
    let heard = plugin.heard().await;
    assert_eq!(heard[0]["endpoint_id"], "hook");
    assert_eq!(heard[0]["data"]["user_id"], "");
    assert_eq!(heard[0]["data"]["settings"], serde_json::json!({}));
    let raw = decode_hex(heard[0]["data"]["raw_http_request"].as_str().unwrap()).unwrap();
    assert!(raw.starts_with(b"GET /x HTTP/1.1\r\nHost: plug.example\r\n"));
}
