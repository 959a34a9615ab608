//! HTTP endpoints: the requests that a service gets, and its responses, which arrive whole.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use dify_plugin::endpoint::{Endpoints, HookId, RawSettings, Settings};
use dify_plugin::session_layer::Config;
use dify_plugin::{Error, Plugin, Result, Session};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::daemon::{Daemon, http};

fn serving(router: Router) -> Daemon {
    Daemon::of(Plugin::new().endpoints(router))
}

fn request(start_line: &str) -> Value {
    http(&format!("{start_line} HTTP/1.1\r\nHost: plug.example\r\nDify-Hook-Id: hook-1\r\n\r\n"), json!({}))
}

fn text_of(hex: &Value) -> String {
    let digits: Vec<_> =
        hex.as_str().unwrap().chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    String::from_utf8(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()).unwrap()
}

#[tokio::test]
async fn a_body_of_known_length_is_one_message() {
    let router = Router::new().route(
        "/fixed",
        get(|| async {
            (
                StatusCode::CREATED,
                AppendHeaders([("x-one", "1"), ("content-type", "text/plain")]),
                "fixed body",
            )
        }),
    );
    let mut daemon = serving(router);
    let (messages, error) = daemon.ask(request("GET /fixed")).await;
    let headers = json!({"X-One": "1", "Content-Type": "text/plain", "Content-Length": "10"});
    let whole = json!({"status": 201, "headers": headers, "result": "666978656420626f6479"});
    assert_eq!((messages, error), (vec![whole], None));

    let (messages, _) = daemon.ask(request("HEAD /fixed")).await;
    assert_eq!(messages, [json!({"status": 201, "headers": headers, "result": ""})]);
    let (messages, _) = daemon.ask(request("POST /fixed")).await;
    assert_eq!((&messages[0]["status"], &messages[0]["headers"]["Allow"]), (&405.into(), &"GET,HEAD".into()));
}

#[tokio::test]
async fn a_404_without_a_body_gets_the_text_of_the_official_sdk_and_others_stay_unchanged() {
    let own = Router::new()
        .route("/own", get(|| async { (StatusCode::NOT_FOUND, "no such duck") }))
        .route("/json", get(|| async { (StatusCode::NOT_FOUND, [("content-type", "application/json")]) }));
    let mut daemon = serving(own);
    let (messages, error) = daemon.ask(request("GET /nowhere")).await;
    let headers = json!({"Content-Type": "text/plain; charset=utf-8", "Content-Length": "172"});
    assert_eq!((messages.len(), error), (1, None));
    assert_eq!((&messages[0]["status"], &messages[0]["headers"]), (&404.into(), &headers));
    let text = text_of(&messages[0]["result"]);
    assert!(
        text.starts_with("Failed to dispatch endpoint request: 404 Not Found: The requested URL was"),
        "{text}"
    );
    let (messages, _) = daemon.ask(request("HEAD /nowhere")).await;
    assert_eq!((&messages[0]["status"], &messages[0]["result"]), (&404.into(), &"".into()));

    let (messages, _) = daemon.ask(request("GET /own")).await;
    assert_eq!(text_of(&messages[0]["result"]), "no such duck");
    let (messages, _) = daemon.ask(request("GET /json")).await;
    assert_eq!(messages[0]["result"], "");
}

#[tokio::test]
async fn a_handler_gets_method_path_body_session_settings_and_hook() {
    #[derive(Deserialize)]
    struct Secret {
        secret: String,
    }
    async fn echo(
        method: Method,
        Path(name): Path<String>,
        session: Session,
        Settings(settings): Settings<Secret>,
        HookId(hook): HookId,
        body: String,
    ) -> String {
        format!("{method} {name} {} {} {hook} {body}", session.id(), settings.secret)
    }
    let mut daemon = serving(Router::new().route("/echo/{name}", any(echo)));
    let message =
        "PUT /echo/a%20b?q=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nDify-Hook-Id: hook-1\r\n\r\nquack";
    let (messages, _) = daemon.ask(http(message, json!({"secret": "s3"}))).await;
    assert_eq!(text_of(&messages[0]["result"]), "PUT a b s-1 s3 hook-1 quack");

    let (messages, _) = daemon.ask(http(message, json!({"secret": {"deep": "hunter2"}}))).await;
    assert_eq!(messages[0]["status"], 500);
    let text = text_of(&messages[0]["result"]);
    assert!(text.contains("setting `secret`: found map") && !text.contains("hunter2"), "{text}");
    let (messages, _) = daemon.ask(http(message, Value::Null)).await;
    assert!(text_of(&messages[0]["result"]).contains("settings: missing field `secret`"));
}

#[tokio::test]
async fn a_request_of_any_form_that_the_daemon_passes_on_is_read() {
    async fn show(request: axum::extract::Request) -> String {
        let hook = request.extensions().get::<HookId>().map(|id| id.0.clone());
        format!("{} {} {hook:?} {}", request.method(), request.uri(), request.headers().len())
    }
    let mut daemon = serving(Router::new().fallback(show));
    for (message, expected) in [
        (
            "GET //a%20b?b=2 HTTP/1.1\r\nX_1: a\r\nDify-Hook-Id: h\r\nDify-Hook-Url: http://h/\u{e9} x\r\n\r\n",
            "GET //a%20b?b=2 Some(\"h\") 3",
        ),
        ("OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS * None 0"),
    ] {
        let (messages, error) = daemon.ask(http(message, json!({}))).await;
        assert_eq!((text_of(&messages[0]["result"]).as_str(), error), (expected, None));
    }
}

#[tokio::test]
async fn an_empty_post_has_no_body() {
    let show = |headers: HeaderMap, body: Bytes| async move {
        format!("{} {:?} {:?}", body.len(), headers.get("content-length"), headers.get("transfer-encoding"))
    };
    let mut daemon = serving(Router::new().route("/", post(show)));
    let message = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let (messages, _) = daemon.ask(http(message, json!({}))).await;
    assert_eq!(text_of(&messages[0]["result"]), "0 Some(\"0\") None");
}

#[tokio::test]
async fn an_error_of_a_handler_is_a_status_of_500_with_its_text() {
    async fn broken() -> Result<&'static str> {
        Err(Error::new("RuntimeError", "endpoint broken"))
    }
    let mut daemon = serving(Router::new().route("/broken", get(broken)));
    let (messages, error) = daemon.ask(request("GET /broken")).await;
    let headers = json!({"Content-Type": "text/plain; charset=utf-8", "Content-Length": "38"});
    assert_eq!((&messages[0]["status"], &messages[0]["headers"]), (&500.into(), &headers));
    assert_eq!(text_of(&messages[0]["result"]), "Internal Server Error: endpoint broken");
    assert_eq!(error, None);
}

#[tokio::test]
async fn cookies_redirects_and_empty_statuses() {
    let router = Router::new()
        .route(
            "/cookies",
            get(|| async {
                AppendHeaders([
                    ("set-cookie", "a=1"),
                    ("set-cookie", "b=2"),
                    ("vary", "x"),
                    ("vary", "y"),
                    ("connection", "close"),
                    ("keep-alive", "1"),
                    ("transfer-encoding", "chunked"),
                ])
            }),
        )
        .route("/latin", get(|| async { [("x-latin", HeaderValue::from_bytes(b"\xe9!").unwrap())] }))
        .route("/old", get(|| async { Redirect::temporary("/new") }))
        .route("/empty", get(|| async { (StatusCode::NO_CONTENT, Body::from("no room for this")) }))
        .route("/odd", get(|| async { (StatusCode::from_u16(999).unwrap(), "odd") }))
        .route("/switch", get(|| async { StatusCode::SWITCHING_PROTOCOLS }));
    let mut daemon = serving(router);
    let (messages, _) = daemon.ask(request("GET /cookies")).await;
    let headers = &messages[0]["headers"];
    assert_eq!(*headers, json!({"Set-Cookie": "b=2", "Vary": "x, y", "Content-Length": "0"}));
    let (messages, _) = daemon.ask(request("GET /latin")).await;
    assert_eq!(messages[0]["headers"]["X-Latin"], "\u{fffd}!");
    let (messages, _) = daemon.ask(request("GET /old")).await;
    assert_eq!((&messages[0]["status"], &messages[0]["headers"]["Location"]), (&307.into(), &"/new".into()));
    let (messages, _) = daemon.ask(request("GET /empty")).await;
    assert_eq!((&messages[0]["status"], &messages[0]["result"]), (&204.into(), &"".into()));
    assert_eq!(daemon.ask(request("GET /odd")).await.0[0]["status"], 999);
    assert_eq!(daemon.error_of(request("GET /switch")).await.0, "InvalidResponse");
}

/// A router whose `/stream` sends what the test sends.
fn streaming() -> (Daemon, mpsc::UnboundedSender<Result<String, std::io::Error>>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some(receiver)));
    let stream = move || async move {
        let mut receiver = receiver.lock().unwrap().take().unwrap();
        Body::from_stream(stream::poll_fn(move |cx| receiver.poll_recv(cx)))
    };
    (serving(Router::new().route("/stream", get(stream))), sender)
}

#[tokio::test(start_paused = true)]
async fn a_streamed_chunk_goes_out_at_once_and_the_end_keeps_its_distance_from_the_first() {
    let (mut daemon, body) = streaming();
    daemon.request("s-1", request("GET /stream")).await;
    let start = Instant::now();
    body.send(Ok("one ".to_owned())).unwrap();
    let (_, _, head) = daemon.next().await;
    assert_eq!((&head["status"], text_of(&head["result"]).as_str()), (&200.into(), "one "));
    body.send(Ok("two ".to_owned())).unwrap();
    body.send(Ok("three".to_owned())).unwrap();
    drop(body);
    let (_, _, rest) = daemon.next().await;
    assert_eq!(rest, json!({"result": "74776f207468726565"}), "what is ready together goes together");
    assert_eq!(start.elapsed(), Duration::ZERO);
    let (_, kind, _) = daemon.next().await;
    assert_eq!(kind, "end");
    assert_eq!(start.elapsed(), Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_ready_at_once_is_one_message_and_ends_at_once() {
    let (mut daemon, body) = streaming();
    for chunk in ["one ", "two ", "three"] {
        body.send(Ok(chunk.to_owned())).unwrap();
    }
    drop(body);
    let start = Instant::now();
    let (messages, _) = daemon.ask(request("GET /stream")).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(text_of(&messages[0]["result"]), "one two three");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_single_chunk_keeps_no_distance() {
    let (mut daemon, body) = streaming();
    daemon.request("s-1", request("GET /stream")).await;
    body.send(Ok("one".to_owned())).unwrap();
    daemon.next().await;
    let start = Instant::now();
    drop(body);
    assert_eq!(daemon.next().await.1, "end");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_chunks_stays_below_what_the_daemon_keeps() {
    let (mut daemon, body) = streaming();
    daemon.request("s-1", request("GET /stream")).await;
    tokio::spawn(async move {
        for i in 0..1000 {
            if body.send(Ok(format!("{i} "))).is_err() {
                return;
            }
            // Each is ready when the one before has been sent: without a limit, each would be a chunk.
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
    });
    let (start, mut chunks, mut joined) = (Instant::now(), 0, String::new());
    loop {
        let (_, kind, data) = daemon.next().await;
        if kind == "end" {
            break;
        }
        chunks += 1;
        joined.push_str(&text_of(&data["result"]));
    }
    assert_eq!(joined, (0..1000).map(|i| format!("{i} ")).collect::<String>());
    // 64 at once, then one in 5 ms: a reader that is 300 ms late finds all of them.
    assert!(chunks <= 64 + start.elapsed().as_millis() / 5 + 1, "{chunks} chunks in {:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_is_an_error_after_everything_that_came_before() {
    let broken = || Err(std::io::Error::other("upstream went away"));
    let (mut daemon, body) = streaming();
    body.send(broken()).unwrap();
    let (messages, error) = daemon.ask(request("GET /stream")).await;
    assert_eq!(messages, Vec::<Value>::new());
    assert!(error.unwrap()["message"].as_str().unwrap().contains("upstream went away"));

    // Chunks before the failure go out, and the error keeps its distance from the first one.
    for (at_once, later) in [("one", ""), ("one", "two")] {
        let (mut daemon, body) = streaming();
        body.send(Ok(at_once.to_owned())).unwrap();
        if later.is_empty() {
            body.send(broken()).unwrap();
        }
        let start = Instant::now();
        daemon.request("s-1", request("GET /stream")).await;
        let (_, _, first) = daemon.next().await;
        assert_eq!((&first["status"], text_of(&first["result"]).as_str()), (&200.into(), at_once));
        if !later.is_empty() {
            body.send(Ok(later.to_owned())).unwrap();
            body.send(broken()).unwrap();
            assert_eq!(text_of(&daemon.next().await.2["result"]), later);
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        let (_, kind, _) = daemon.next().await;
        assert_eq!((kind.as_str(), start.elapsed()), ("error", Duration::from_millis(100)));
    }
}

#[tokio::test]
async fn a_large_body_is_split_below_the_frame_limit() {
    let large = "duck".repeat(800_000);
    let body = large.clone();
    let mut daemon = serving(Router::new().route("/large", get(move || async move { body })));
    let (messages, error) = daemon.ask(request("GET /large")).await;
    assert_eq!(error, None);
    assert_eq!(messages.len(), 2);
    assert!(messages.iter().all(|message| message.to_string().len() < 5_242_879 - 60));
    assert!(messages[0]["result"].as_str().unwrap().len() > 5_200_000, "the frame is filled");
    assert_eq!(messages[0]["headers"]["Content-Length"], "3200000");
    assert!(messages.iter().map(|message| text_of(&message["result"])).collect::<String>() == large);
}

#[tokio::test]
async fn a_chunk_fits_its_frame_together_with_a_large_head() {
    let mut config = Config::default();
    config.heartbeat_interval = None;
    config.max_frame_bytes = 8192;
    let large =
        || async { ([("x-large", "\"".repeat(1000)), ("x-small", String::new())], "duck".repeat(1000)) };
    let plugin = Plugin::new().endpoints(Router::new().route("/large", get(large)));
    let (messages, error) = Daemon::with_config(plugin, config).ask(request("GET /large")).await;
    assert_eq!(error, None);
    assert!(
        messages.iter().map(|message| text_of(&message["result"])).collect::<String>() == "duck".repeat(1000)
    );
    // Nine tenths of the bytes that escaping may take are left over in the first frame.
    let sizes: Vec<_> = messages.iter().map(|message| message["result"].as_str().unwrap().len()).collect();
    assert!(sizes.len() == 2 && sizes[0] > 1000 && sizes[1] > 6000, "{sizes:?}");
}

#[tokio::test]
async fn a_chunk_fits_its_frame_together_with_a_long_session_id() {
    let mut config = Config::default();
    config.heartbeat_interval = None;
    config.max_frame_bytes = 8192;
    let plugin =
        Plugin::new().endpoints(Router::new().route("/large", get(|| async { "duck".repeat(1000) })));
    let mut daemon = Daemon::with_config(plugin, config);
    let id = "\u{1}".repeat(256);
    daemon.request(&id, request("GET /large")).await;
    let mut body = String::new();
    loop {
        let (session, kind, data) = daemon.next().await;
        assert_eq!(session, id);
        match kind.as_str() {
            "stream" => body.push_str(&text_of(&data["result"])),
            _ => break assert_eq!(kind, "end", "{data}"),
        }
    }
    assert!(body == "duck".repeat(1000));
}

#[tokio::test(start_paused = true)]
async fn the_end_delay_of_the_endpoints_is_used() {
    let (sender, receiver) = mpsc::unbounded_channel::<Result<String, std::io::Error>>();
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some(receiver)));
    let stream = move || async move {
        let mut receiver = receiver.lock().unwrap().take().unwrap();
        Body::from_stream(stream::poll_fn(move |cx| receiver.poll_recv(cx)))
    };
    let endpoints = Endpoints::new(Router::new().route("/stream", get(stream)));
    let plugin = Plugin::new().endpoints(endpoints.end_delay(Duration::from_secs(3)));
    assert!(format!("{plugin:?}").contains("endpoints"), "{plugin:?}");
    let mut daemon = Daemon::of(plugin);
    daemon.request("s-1", request("GET /stream")).await;
    for chunk in ["one", "two"] {
        sender.send(Ok(chunk.to_owned())).unwrap();
        daemon.next().await;
    }
    let start = Instant::now();
    drop(sender);
    assert_eq!((daemon.next().await.1.as_str(), start.elapsed()), ("end", Duration::from_secs(3)));
}

#[tokio::test]
async fn any_tower_service_will_do() {
    #[derive(Clone)]
    struct Hello;
    impl tower_service::Service<http::Request<dify_plugin::endpoint::Body>> for Hello {
        type Response = Response;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response, Infallible>>;
        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, request: http::Request<dify_plugin::endpoint::Body>) -> Self::Future {
            let settings = request.extensions().get::<RawSettings>().unwrap();
            assert_eq!(format!("{settings:?}"), "RawSettings(..)");
            assert!(!format!("{request:?}").contains("drake"), "settings are secrets");
            let settings: Value = settings.parse().unwrap();
            assert!(request.extensions().get::<Session>().is_some());
            std::future::ready(Ok(format!("hello {}", settings["name"]).into_response()))
        }
    }
    let mut daemon = Daemon::of(Plugin::new().endpoints(Hello));
    let (messages, _) = daemon.ask(http("GET / HTTP/1.1\r\n\r\n", json!({"name": "drake"}))).await;
    assert_eq!(text_of(&messages[0]["result"]), "hello \"drake\"");
    // The service ignores HEAD; its body is left out all the same.
    let (messages, _) = daemon.ask(http("HEAD / HTTP/1.1\r\n\r\n", json!({"name": "drake"}))).await;
    assert_eq!((messages.len(), text_of(&messages[0]["result"])), (1, String::new()));
}

#[tokio::test]
async fn a_payload_that_is_not_http_is_an_invalid_request() {
    let mut daemon = serving(Router::new());
    for raw in ["zz", "4745", "", "47455420612062", "474554202f20485454502f312e310d0a486f7374"] {
        let data = json!({"user_id": "", "type": "endpoint", "action": "invoke_endpoint", "raw_http_request": raw,
            "settings": null});
        assert_eq!(daemon.error_of(data).await.0, "InvalidRequest", "{raw}");
    }
    let (name, _) =
        daemon.error_of(json!({"user_id": "", "type": "endpoint", "action": "invoke_endpoint"})).await;
    assert_eq!(name, "InvalidRequest");
}

#[tokio::test]
async fn a_panic_of_an_endpoint_ends_its_session_only() {
    async fn panicking() -> &'static str {
        panic!("on purpose")
    }
    let body = || async {
        Body::from_stream(
            stream::once(async { Ok::<_, Infallible>("one") })
                .chain(stream::poll_fn(|_| panic!("in the body"))),
        )
    };
    let mut daemon = serving(Router::new().route("/panic", get(panicking)).route("/body", get(body)));
    let (name, text) = daemon.error_of(request("GET /panic?token=hunter2")).await;
    assert_eq!(name, "HandlerPanicked");
    assert!(text.contains("GET /panic") && !text.contains("hunter2"), "{text}");
    // The data before the panic goes out first.
    let (messages, error) = daemon.ask(request("GET /body")).await;
    assert_eq!(messages.iter().map(|chunk| text_of(&chunk["result"])).collect::<Vec<_>>(), ["one"]);
    assert_eq!(error.unwrap()["error_type"], "HandlerPanicked");
    assert_eq!(daemon.ask(request("GET /nowhere")).await.0[0]["status"], 404);
}

#[tokio::test]
async fn a_plugin_without_endpoints_says_so() {
    assert_eq!(Daemon::of(Plugin::new()).error_of(request("GET /")).await.0, "HandlerNotFound");
}
