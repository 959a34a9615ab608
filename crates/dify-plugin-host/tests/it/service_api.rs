//! Apps of a Dify: what arrives at its Service API, and what a plugin reads.
//!
//! The Dify is an HTTP server in this process, with the routes, schemas and examples of Dify's own API description.

mod dify;

use std::time::Duration;

use dify_plugin_host::{ServiceApi, ServiceApiError};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::reverse::answers_to;
use crate::rogue::config;

use self::dify::{Dify, Request, Route, chunk, head, sse};

const KEY: &str = "app-hunter2";

fn api(dify: &Dify) -> ServiceApi {
    ServiceApi::new(&dify.url()).unwrap().app("a", KEY).unwrap().silence_timeout(Duration::from_secs(20))
}

fn call(query: &str, response_mode: &str) -> Value {
    json!({"type": "app", "request": {"app_id": "a", "query": query, "inputs": {"city": "Ulm"}, "response_mode": response_mode,
        "conversation_id": "", "user": "nobody"}})
}

/// Returns the replies to a call, and the text of its error.
async fn answer(dify: &Dify, call: Value) -> (Vec<Value>, Option<String>) {
    read(answers_to(&[call], api(dify), config()).await)
}

fn read(heard: Vec<Value>) -> (Vec<Value>, Option<String>) {
    let (mut items, mut error) = (Vec::new(), None);
    for data in heard {
        match data["event"].as_str().unwrap() {
            "response" => items.push(data["data"].clone()),
            "error" => error = Some(data["message"].as_str().unwrap().to_owned()),
            _ => {}
        }
    }
    if let Some(error) = &error {
        assert!(!error.contains("hunter2"), "{error}");
    }
    (items, error)
}

/// Writes numbers as the daemon does: `1.0` as `1`.
fn written(mut value: Value) -> Value {
    match &mut value {
        Value::Array(items) => items.iter_mut().for_each(|item| *item = written(item.take())),
        Value::Object(fields) => fields.values_mut().for_each(|field| *field = written(field.take())),
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => {
            value = json!(number.as_f64().unwrap() as i64);
        }
        _ => {}
    }
    value
}

/// The rows of the recorded events.
fn recorded_events() -> Vec<Value> {
    let files = [
        include_str!("../../../../proto-fixtures/app-events/app-stream-events.jsonl"),
        include_str!("../../../../proto-fixtures/app-events/app-stream-variants.jsonl"),
    ];
    files.iter().flat_map(|file| file.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_event_of_every_interface_arrives_as_it_was_sent() {
    let mut kinds = std::collections::BTreeSet::new();
    for (interface, mode) in
        [("chat", "advanced-chat"), ("workflow", "workflow"), ("completion", "completion")]
    {
        let events: Vec<_> = recorded_events()
            .into_iter()
            .filter(|row| row["interface"] == interface)
            .map(|row| written(row["example"].clone()))
            .collect();
        let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        let dify = Dify::of_mode(mode).streaming(&body).start().await;
        let (items, error) = answer(&dify, call("quack", "streaming")).await;
        assert_eq!(error, None);
        let expected: Vec<_> = events.iter().filter(|event| event["event"] != "ping").collect();
        assert_eq!(items.iter().collect::<Vec<_>>(), expected);
        kinds.extend(expected.iter().map(|event| format!("{interface} {}", event["event"])));
        assert_eq!(dify.faults(), [""; 0]);
    }
    assert!(kinds.len() > 50, "{}", kinds.len());
}

#[tokio::test]
async fn the_examples_of_the_description_arrive_complete() {
    let mut streams = 0;
    for route in dify::routes() {
        let mode = match &*route.path {
            "/chat-messages" => "chat",
            "/workflows/run" => "workflow",
            "/completion-messages" => "completion",
            _ => continue,
        };
        for stream in route.streams.values() {
            let dify = Dify::of_mode(mode).streaming(stream).start().await;
            let (items, error) = answer(&dify, call("quack", "streaming")).await;
            assert_eq!(error, None);
            let expected: Vec<Value> = stream
                .lines()
                .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
                .map(written)
                .collect();
            assert!(!expected.is_empty() && items == expected, "{items:?}\n{expected:?}");
            streams += 1;
        }
        let dify = Dify::of_mode(mode).start().await;
        assert_eq!(answer(&dify, call("quack", "blocking")).await, (vec![route.object], None));
        assert_eq!(dify.faults(), [""; 0]);
    }
    assert_eq!(streams, 7);
}

#[tokio::test]
async fn the_mode_of_an_app_decides_its_route_and_fields() {
    for (mode, path, body) in [
        ("chat", "/v1/chat-messages", json!({"query": "q", "conversation_id": "c"})),
        ("agent-chat", "/v1/chat-messages", json!({"query": "q", "conversation_id": "c"})),
        ("advanced-chat", "/v1/chat-messages", json!({"query": "q", "conversation_id": "c"})),
        ("workflow", "/v1/workflows/run", json!({})),
        ("completion", "/v1/completion-messages", json!({"query": "q"})),
    ] {
        let dify = Dify::of_mode(mode).start().await;
        let mut call = call("q", "blocking");
        call["request"]["conversation_id"] = "c".into();
        call["request"]["files"] = json!([{"type": "image"}]);
        let (items, error) = read(answers_to(&[call.clone(), call], api(&dify), config()).await);
        assert_eq!((items.len(), error), (2, None), "{mode}");
        let asked: Vec<Request> = dify.asked();
        let paths: Vec<_> = asked.iter().map(|request| &*request.path).collect();
        // The mode is asked for once.
        assert_eq!(paths, ["/v1/info", path, path]);
        let mut expected =
            json!({"inputs": {"city": "Ulm"}, "response_mode": "blocking", "user": "DEFAULT-USER"});
        expected.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        assert_eq!(asked[1].body, expected, "{mode}");
        assert_eq!(dify.faults(), [""; 0]);
    }
}

#[tokio::test]
async fn routes_are_tried_in_turn_if_an_older_dify_reports_no_mode() {
    for (mode, query, paths) in [
        ("advanced-chat", "q", &["/v1/chat-messages"][..]),
        ("workflow", "q", &["/v1/chat-messages", "/v1/workflows/run"]),
        ("completion", "q", &["/v1/chat-messages", "/v1/workflows/run", "/v1/completion-messages"]),
        ("workflow", "", &["/v1/workflows/run"]),
    ] {
        for info in
            [(200, json!({"name": "old"})), (404, json!({"code": "not_found", "message": "", "status": 404}))]
        {
            let dify = Dify::of_mode(mode).answering("/info", info.0, &info.1.to_string()).start().await;
            let calls = [call(query, "blocking"), call(query, "blocking")];
            let (items, error) = read(answers_to(&calls, api(&dify), config()).await);
            assert_eq!((items.len(), error), (2, None), "{mode}");
            let mut expected = vec!["/v1/info"];
            expected.extend(paths);
            expected.extend(paths.last());
            let asked = dify.asked();
            assert_eq!(asked.iter().map(|request| &*request.path).collect::<Vec<_>>(), expected);
        }
    }
    let dify = Dify::of_mode("chat").answering("/info", 200, "{}").start().await;
    let (_, error) = answer(&dify, call("", "blocking")).await;
    assert!(error.unwrap().contains("missing query"));
}

#[tokio::test]
async fn calls_that_dify_refuses_from_every_plugin_are_refused() {
    for (mode, change, refusal) in [
        ("chat", ("query", json!("")), "missing query"),
        ("chat", ("inputs", json!(null)), "invalid payload: `inputs` must be an object"),
        (
            "chat",
            ("response_mode", json!("")),
            "invalid payload: `response_mode` must be `blocking` or `streaming`",
        ),
        ("agent", ("query", json!("q")), "unexpected app type"),
    ] {
        let dify = Dify::of_mode(mode).start().await;
        let mut call = call("q", "streaming");
        call["request"][change.0] = change.1;
        let body = json!({"code": "invalid_param", "message": refusal, "status": 400});
        let expected =
            format!("invoke app failed: request failed with status code: 400 and respond with: {body}\n");
        assert_eq!(answer(&dify, call).await, (vec![], Some(expected)));
        assert!(dify.asked().iter().all(|request| request.path == "/v1/info"));
    }
}

#[tokio::test]
async fn refusals_arrive_with_status_and_body() {
    let mut tried = 0;
    for Route { path, refusals, .. } in dify::routes() {
        let mode = match &*path {
            "/chat-messages" => "chat",
            "/workflows/run" => "workflow",
            "/completion-messages" => "completion",
            _ => continue,
        };
        for (status, body) in refusals {
            let dify = Dify::of_mode(mode).answering(&path, status, &body.to_string()).start().await;
            let (items, error) = answer(&dify, call("q", "streaming")).await;
            // Behind the daemon this one has another status and no text.
            let expected = match body["message"].as_str().unwrap() {
                "Conversation Not Exists." => {
                    "400 and respond with: {\"code\":\"invalid_param\",\"message\":\"\",\"status\":400}\n"
                        .to_owned()
                }
                _ => format!("{status} and respond with: {body}"),
            };
            let expected = format!("invoke app failed: request failed with status code: {expected}");
            assert_eq!((items, error), (vec![], Some(expected)));
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[tokio::test]
async fn parameters_are_fetched_and_fail_as_at_the_daemon() {
    let fetch = || json!({"type": "fetch_app", "request": {"app_id": "a"}});
    let dify = Dify::of_mode("chat").start().await;
    let parameters = dify::routes().into_iter().find(|route| route.path == "/parameters").unwrap().object;
    assert_eq!(answer(&dify, fetch()).await, (vec![parameters], None));
    let dify =
        Dify::of_mode("chat").answering("/parameters", 400, r#"{"code":"app_unavailable"}"#).start().await;
    assert_eq!(answer(&dify, fetch()).await, (vec![], Some("fetch app failed: data is nil".to_owned())));
}

#[tokio::test]
async fn an_unknown_key_is_reported_by_its_app_and_never_shown() {
    // Some servers repeat the key.
    let body = json!({"code": "unauthorized", "message": format!("Bearer {KEY} is invalid"), "status": 401})
        .to_string();
    for kind in ["app", "fetch_app"] {
        let dify = Dify::of_mode("chat")
            .answering("/info", 401, &body)
            .answering("/parameters", 401, &body)
            .start()
            .await;
        let mut call = call("q", "streaming");
        call["type"] = kind.into();
        let (_, error) = answer(&dify, call).await;
        let error = error.unwrap();
        let what = "does not accept the API key of the app `a` (status 401): Bearer … is invalid";
        assert!(error.ends_with(what), "{error}");
        assert!(
            error.starts_with(
                ["invoke app failed: http", "fetch app failed: http"][usize::from(kind != "app")]
            )
        );
    }
    let dify = Dify::of_mode("chat").answering("/chat-messages", 500, &format!("<p>{KEY}</p>")).start().await;
    let (_, error) = answer(&dify, call("q", "streaming")).await;
    assert!(error.unwrap().ends_with("status code: 500 and respond with: <p>…</p>"));
    // The body is cut in the middle of the key.
    let long = format!("{}app-hu", "x".repeat(64 * 1024 - 2));
    let response = format!("HTTP/1.1 502 -\r\nContent-Length: 100000\r\n\r\n{long}").into_bytes();
    let (_, error) = hostile(response, true).await;
    let error = error.unwrap();
    assert!(
        error.contains("502") && error.ends_with('x') && error.len() < 64 * 1024 + 100,
        "{}",
        error.len()
    );
}

#[tokio::test]
async fn an_app_without_a_key_and_other_types_of_calls_are_refused() {
    let dify = Dify::of_mode("chat").start().await;
    let mut unknown = call("q", "streaming");
    unknown["request"]["app_id"] = "b".into();
    let storage = json!({"type": "storage", "request": {"opt": "get", "key": "k"}});
    {
        let (api, rest) =
            (api(&dify), "Dify's Service API does not handle reverse invocations of type `storage`");
        let heard = answers_to(&[unknown.clone(), storage.clone()], api, config()).await;
        let texts: Vec<_> = heard
            .iter()
            .filter_map(|data| data["message"].as_str())
            .filter(|text| !text.is_empty())
            .collect();
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert_eq!(
            texts[0],
            format!(
                "invoke app failed: there is no API key for the app `b` at {}/; add it with `ServiceApi::app`",
                dify.url()
            )
        );
        assert!(texts[1].starts_with(rest), "{texts:?}");
    }
    assert!(dify.asked().is_empty());
}

#[tokio::test]
async fn events_arrive_wherever_the_stream_is_cut_and_pings_are_skipped() {
    let stream = ": hello\n\nevent: ping\n\ndata: {\"event\":\"message\",\"answer\":\"é🦆\u{2028}<&>\"}\r\n\r\n\
                  data: ping\n\ndata: {\"event\": \"ping\"}\n\ndata: \"ping\"\n\ndata:{\"event\":\r\ndata: \"message_end\"}\n\n\
                  id: 1\nretry: 2\ndata: {\"event\": \"workflow_finished\"}";
    let expected = [
        json!({"event": "message", "answer": "é🦆\u{2028}<&>"}),
        json!({"event": "message_end"}),
        json!({"event": "workflow_finished"}),
    ];
    for size in [1, 2, 3, 7, 1000] {
        let dify = Dify::of_mode("chat")
            .raw("/chat-messages", move |mut socket, _| async move {
                socket.set_nodelay(true).unwrap();
                socket.write_all(head("text/event-stream; charset=utf-8").as_bytes()).await.unwrap();
                for piece in stream.as_bytes().chunks(size) {
                    socket.write_all(&chunk(piece)).await.unwrap();
                    tokio::task::yield_now().await;
                }
                socket.write_all(b"0\r\n\r\n").await.unwrap();
            })
            .start()
            .await;
        let (items, error) = answer(&dify, call("q", "streaming")).await;
        assert_eq!((items, error), (expected.to_vec(), None), "pieces of {size}");
    }
}

/// Returns what a plugin reads if a server sends `bytes` for a streaming call, and then closes the connection or keeps it open.
async fn hostile(bytes: Vec<u8>, keep_open: bool) -> (Vec<Value>, Option<String>) {
    let bytes = std::sync::Arc::new(bytes);
    let dify = Dify::of_mode("chat")
        .raw("/chat-messages", move |mut socket, _| {
            let bytes = std::sync::Arc::clone(&bytes);
            async move {
                // A reader that has enough hangs up.
                let _ = socket.write_all(&bytes).await;
                if keep_open {
                    std::future::pending::<()>().await;
                }
            }
        })
        .start()
        .await;
    let api = api(&dify).silence_timeout(Duration::from_millis(if keep_open { 300 } else { 20_000 }));
    read(answers_to(&[call("q", "streaming")], api, config()).await)
}

#[tokio::test]
async fn a_stream_that_breaks_off_fails_after_its_events() {
    let event = "data: {\"event\":\"message\"}\n\n";
    let one = json!({"event": "message"});
    let begun = |rest: &str| {
        [head("text/event-stream").as_bytes(), &chunk(format!("{event}{rest}").as_bytes())].concat()
    };
    let ended = |rest: &str| [begun(rest), b"0\r\n\r\n".to_vec()].concat();
    for (bytes, keep_open, error) in [
        (begun(""), false, "read app failed: unexpected EOF\nfailed to read system header"),
        (ended("data: {\"event\":"), false, "read app failed: EOF\nfailed to read data"),
        (begun(""), true, "read app failed: Dify sent nothing for 0.3 s"),
        (
            ended("data: <html>\n\n"),
            false,
            "read app failed: an event is not JSON: expected value at line 1 column 1",
        ),
        (
            ended(&format!("data: {}\n\n", "[".repeat(1000))),
            false,
            "read app failed: an event is not JSON: recursion limit exceeded at line 1 column 128",
        ),
    ] {
        assert_eq!(hostile(bytes, keep_open).await, (vec![one.clone()], Some(error.to_owned())));
    }
    let (items, error) = hostile(ended(""), false).await;
    assert_eq!((items, error), (vec![one], None));
}

#[tokio::test]
async fn a_response_that_is_not_difys_is_an_error() {
    let response = |status: &str, rest: &str| format!("HTTP/1.1 {status}\r\n{rest}").into_bytes();
    for (bytes, keep_open, part) in [
        (Vec::new(), false, "connection closed before message completed"),
        (Vec::new(), true, "Dify sent nothing for 0.3 s"),
        (b"SSH-2.0-OpenSSH\r\n\r\n".to_vec(), false, "invalid HTTP version parsed"),
        (
            response("200 OK", "Content-Length: 2\r\n\r\n{}"),
            false,
            "sent no content type instead of a stream of events",
        ),
        (
            response("200 OK", "Content-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"),
            false,
            "sent `text/html` instead of a stream of events; is it the address of a Dify Service API?",
        ),
        (
            response("308 Moved", "Location: /v2?key=app-hunter2\r\nContent-Length: 0\r\n\r\n"),
            false,
            "/v2 (status 308); use the address that it leads to",
        ),
        (
            response("204 No Content", "\r\n"),
            false,
            "request failed with status code: 204 and respond with: ",
        ),
    ] {
        let (items, error) = hostile(bytes, keep_open).await;
        let error = error.unwrap();
        assert!(
            items.is_empty() && error.starts_with("invoke app failed: ") && error.contains(part),
            "{error}"
        );
    }
    // Nobody listens.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let api = ServiceApi::new(&format!("http://{free}")).unwrap().app("a", KEY).unwrap();
    let (_, error) = read(answers_to(&[call("q", "streaming")], api, config()).await);
    let error = error.unwrap();
    assert!(error.starts_with(&format!("invoke app failed: Get \"http://{free}/v1/info\": ")), "{error}");
    assert!(error.contains("refused"), "{error}");
    // A blocking response that is not an object.
    let dify = Dify::of_mode("chat").answering("/chat-messages", 200, "[]").start().await;
    let (_, error) = answer(&dify, call("q", "blocking")).await;
    assert!(error.unwrap().contains("did not send a JSON object"));
}

#[tokio::test]
async fn an_event_without_end_is_not_kept() {
    // 31 MiB for one event.
    let mut bytes =
        [head("text/event-stream").as_bytes(), &chunk(&sse(&json!({"event": "message"}))), &chunk(b"data: ")]
            .concat();
    let mib = chunk(&vec![b'x'; 1 << 20]);
    for _ in 0..31 {
        bytes.extend_from_slice(&mib);
    }
    let (items, error) = hostile(bytes, false).await;
    assert_eq!(items.len(), 1);
    let bytes: usize =
        error.unwrap().strip_prefix("read app failed: data length is too long: ").unwrap().parse().unwrap();
    assert!((30 << 20..31 << 20).contains(&bytes), "{bytes}");
    // Comments and other fields have no limit.
    let mut bytes = [head("text/event-stream").as_bytes(), &chunk(b":")].concat();
    for _ in 0..31 {
        bytes.extend_from_slice(&mib);
    }
    bytes.extend_from_slice(&chunk(b"\ndata: {}\n\n"));
    bytes.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(hostile(bytes, false).await, (vec![json!({})], None));
}

#[tokio::test]
async fn a_canceled_call_closes_its_connection() {
    let (sender, mut hung_up) = tokio::sync::mpsc::unbounded_channel();
    let dify = Dify::of_mode("chat")
        .raw("/chat-messages", move |mut socket, _| {
            let sender = sender.clone();
            async move {
                socket.write_all(head("text/event-stream").as_bytes()).await.unwrap();
                socket.write_all(&chunk(&sse(&json!({"event": "message"})))).await.unwrap();
                let mut rest = Vec::new();
                let read = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut rest).await;
                sender.send(read.is_ok_and(|bytes| bytes == 0)).unwrap();
            }
        })
        .start()
        .await;
    let request = call("q", "streaming")["request"].to_string();
    let script = format!(
        "beat; ask; session s invoke '{{\"type\":\"app\",\"backwards_request_id\":\"x\",\"request\":{request}}}'; keep; session s end '{{}}'; rest"
    );
    let plugin = crate::rogue::start(&script, config(), api(&dify)).await;
    let mut answers = plugin.open("s").await;
    assert!(crate::rogue::drain(&mut answers).await.1.is_none());
    assert_eq!(hung_up.recv().await, Some(true));
}

#[test]
fn an_address_may_omit_v1() {
    for (given, expected) in [
        ("https://api.dify.ai/v1", "https://api.dify.ai/v1/"),
        ("https://api.dify.ai/v1/", "https://api.dify.ai/v1/"),
        ("http://localhost:8080", "http://localhost:8080/v1/"),
        ("https://a.example/dify/", "https://a.example/dify/v1/"),
    ] {
        assert_eq!(ServiceApi::new(given).unwrap().url(), expected);
    }
    for illegal in
        ["api.dify.ai", "ftp://a/v1", "https://k:secret@a/v1", "https://a/v1?key=secret", "", "http://"]
    {
        let error = ServiceApi::new(illegal).unwrap_err();
        assert!(matches!(error, ServiceApiError::Url { .. }), "{illegal}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

#[test]
fn keys_are_not_shown() {
    let api = ServiceApi::new("http://localhost").unwrap().app("app-1", "app-hunter2").unwrap();
    assert_eq!(format!("{api:?}"), r#"ServiceApi { url: "http://localhost/v1/", apps: ["app-1"], .. }"#);
    assert!(api.app_ids().eq(["app-1"]));
    for key in ["", " ", "hunter2\n", "hunter2\u{e9}"] {
        let error = api.clone().app("app-2", key).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}
