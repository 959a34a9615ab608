//! A plugin tested as an author tests it, and what is said when a test fails.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use dify_plugin::endpoint::Settings;
use dify_plugin::schemars::{self, JsonSchema};
use dify_plugin::{BlobMeta, Error, NoParameters, Output, Plugin, Result, Session, Tool, ToolContext};
use dify_plugin_test::{
    InvokeType, Method, Reply, ReverseCall, Script, ScriptedApp, SessionFailure, TestPlugin,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

struct Hello;

#[derive(Deserialize, JsonSchema)]
struct HelloParameters {
    name: String,
    times: Option<usize>,
}

impl Tool for Hello {
    type Parameters = HelloParameters;

    async fn invoke(&self, cx: &ToolContext, p: HelloParameters, out: &mut Output) -> Result<()> {
        for _ in 0..p.times.unwrap_or(1) {
            out.text(format!("Hello, {}! ", p.name)).await?;
        }
        out.json(&json!({"name": p.name, "user": cx.user_id()})).await
    }
}

/// All kinds of messages, and an error at the end.
struct Kinds;

impl Tool for Kinds {
    type Parameters = NoParameters;

    async fn invoke(&self, _: &ToolContext, _: NoParameters, out: &mut Output) -> Result<()> {
        out.variable("whole", &3).await?;
        out.stream_variable("joined", "a").await?;
        out.stream_variable("joined", "b").await?;
        out.blob(vec![7; 20_000], BlobMeta::new("image/png")).await?;
        out.link("https://example.com/").await?;
        Err(Error::new("OutOfPaper", "the printer is empty"))
    }
}

struct Panics;

impl Tool for Panics {
    type Parameters = NoParameters;

    async fn invoke(&self, _: &ToolContext, _: NoParameters, _: &mut Output) -> Result<()> {
        panic!("not today")
    }
}

/// Asks an app, and Dify for something else.
struct Relay;

impl Tool for Relay {
    type Parameters = HelloParameters;

    async fn invoke(&self, cx: &ToolContext, p: HelloParameters, out: &mut Output) -> Result<()> {
        let mut events = cx.app().chat("app-1").query(p.name).stream().await?;
        while let Some(event) = events.try_next().await? {
            if let Some(text) = event.answer() {
                out.text(text).await?;
            }
        }
        let mut stored = cx.invoke(InvokeType::Storage, &json!({"opt": "get", "key": "k"})).await?;
        while let Some(reply) = stored.try_next().await? {
            out.json(&serde_json::from_str::<Value>(reply.get())?).await?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Key {
    api_key: String,
}

async fn check(_: Session, key: Key) -> Result<()> {
    if key.api_key == "good" { Ok(()) } else { Err(Error::new("WrongKey", "the key opens nothing")) }
}

#[derive(Deserialize)]
struct Greeting {
    greeting: String,
}

async fn greet(Settings(settings): Settings<Greeting>, Path(name): Path<String>) -> String {
    format!("{}, {name}!", settings.greeting)
}

async fn echo(RawQuery(query): RawQuery, body: String) -> impl IntoResponse {
    let json = json!({"query": query, "body": body}).to_string();
    (StatusCode::CREATED, [("content-type", "application/json"), ("x-kind", "echo")], json)
}

async fn slow() -> Body {
    let chunks = stream::iter(["one ", "two ", "three"]).then(async |chunk| {
        tokio::time::sleep(Duration::from_secs(100)).await;
        Ok::<_, std::convert::Infallible>(chunk)
    });
    Body::from_stream(chunks)
}

async fn broken() -> Body {
    let chunks = stream::iter([Ok("half "), Err(Error::new("Snapped", "the line snapped"))]);
    Body::from_stream(chunks.map_err(|error| std::io::Error::other(error.to_string())))
}

fn plugin() -> Plugin {
    let endpoints = Router::new()
        .route("/greet/{name}", get(greet))
        .route("/echo", post(echo))
        .route("/slow", get(slow))
        .route("/broken", get(broken));
    Plugin::new()
        .tool("kit", "hello", Hello)
        .tool("kit", "kinds", Kinds)
        .tool("kit", "panics", Panics)
        .tool("kit", "relay", Relay)
        .tool_credentials("kit", check)
        .endpoints(endpoints)
}

/// Returns the message of a failed assertion.
fn said<T>(assertion: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).err().expect("it held");
    *panic.downcast::<String>().unwrap()
}

#[tokio::test]
async fn a_tool_runs_and_its_result_is_asserted() {
    let plugin = TestPlugin::new(plugin());
    let answer = plugin.tool("kit", "hello").parameter("name", "Ada").parameter("times", 2).invoke().await;
    answer.assert_ok().assert_text("Hello, Ada! Hello, Ada! ").assert_text_contains("Ada");
    answer.assert_json(json!({"name": "Ada", "user": "user-1"}));
    assert_eq!(answer.messages().len(), 3);

    let answer = plugin.tool("kit", "hello").user("u-2").parameter("name", "Bob").invoke().await;
    assert_eq!(answer.json()[0]["user"], "u-2");

    let answer = plugin.tool("kit", "kinds").invoke().await;
    assert_eq!(answer.variable("whole"), Some(json!(3)));
    assert_eq!(answer.variable("joined"), Some(json!("ab")));
    assert_eq!(answer.variable("other"), None);
    let files = answer.files();
    assert_eq!(
        (files.len(), files[0].bytes.len(), &files[0].meta["mime_type"]),
        (1, 20_000, &json!("image/png"))
    );
    answer.assert_error("OutOfPaper").assert_error("printer is empty");
    assert!(matches!(answer.failure(), Some(SessionFailure::Plugin(_))));

    plugin
        .tool("kit", "hello")
        .invoke()
        .await
        .assert_error("InvalidRequest")
        .assert_error("missing field `name`");
    plugin.tool("kit", "bye").invoke().await.assert_error("HandlerNotFound");
    plugin.tool("kit", "panics").invoke().await.assert_error("HandlerPanicked");
}

#[tokio::test]
async fn a_failed_assertion_prints_the_whole_result() {
    let plugin = TestPlugin::new(plugin());
    let answer = plugin.tool("kit", "hello").parameter("name", "Ada").invoke().await;
    assert_eq!(
        said(|| answer.assert_text("Hello, Bob! ")),
        "unexpected result of the tool kit/hello\n  expected: \"Hello, Bob! \"\n  actual:\n    text \"Hello, Ada! \"\n    \
         json {\"name\":\"Ada\",\"user\":\"user-1\"}"
    );
    assert!(said(|| answer.assert_text_contains("Bob")).contains("a text that contains \"Bob\""));
    assert!(said(|| answer.assert_json(json!({}))).contains("expected: json {}\n"));
    assert!(
        said(|| answer.assert_error("Anything")).contains("expected: an error that contains \"Anything\"\n")
    );
    assert!(said(|| answer.assert_variable("x", 1)).contains("expected: the variable `x` = 1\n"));

    let answer = plugin.tool("kit", "kinds").invoke().await;
    answer.assert_error("OutOfPaper");
    for text in [said(|| answer.assert_ok()), said(|| answer.assert_text(""))] {
        assert!(text.ends_with("\n    error OutOfPaper: the printer is empty"), "{text}");
        for line in [
            "    variable {\"stream\":false,\"variable_name\":\"whole\",\"variable_value\":3}\n",
            "    file of 20000 bytes, {\"mime_type\":\"image/png\"}\n",
            "    link \"https://example.com/\"\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
    // An assertion about the messages fails if the tool failed after them.
    assert!(said(|| answer.assert_variable("whole", 3)).contains("OutOfPaper"));
    assert!(said(|| answer.assert_error("Other")).contains("OutOfPaper"));

    let answer = plugin.get("/greet/Ada").setting("greeting", "Hi").await;
    assert!(said(|| answer.assert_text("Hi!")).starts_with(
        "unexpected result of GET /greet/Ada\n  expected: \"Hi!\"\n  actual:\n    200 OK \"Hi, Ada!\"\n"
    ));
    assert!(said(|| answer.assert_status(404)).contains("expected: status 404\n"));
    assert!(said(|| answer.assert_json(json!(1))).contains("expected: 1\n"));
    assert!(said(|| answer.assert_text_contains("Bob")).contains("a text that contains \"Bob\""));
    let headers = said(|| answer.assert_header("x-kind", "echo"));
    assert!(
        headers.contains("expected: the header x-kind: echo\n")
            && headers.contains("    content-type: \"text/plain"),
        "{headers}"
    );
}

#[tokio::test]
async fn an_endpoint_gets_method_path_header_body_and_settings() {
    let plugin = TestPlugin::new(plugin());
    let answer = plugin.get("/greet/Ada").setting("greeting", "Hi").await;
    answer.assert_status(200).assert_text("Hi, Ada!");

    let answer = plugin.post("/echo?a=1").header("X-One", "1").body("text").await;
    answer.assert_status(201).assert_header("x-kind", "echo");
    answer.assert_json(json!({"body": "text", "query": "a=1"}));
    plugin.post("/echo").json(json!({"a": 1})).await.assert_text_contains(r#"{\"a\":1}"#);
    plugin.request(Method::DELETE, "/echo").await.assert_status(405);
    plugin.get("/nowhere").await.assert_status(404);

    let answer = plugin.get("/greet/Ada").await;
    answer.assert_status(500).assert_text_contains("settings: missing field `greeting`");

    let answer = plugin.get("/broken").await;
    assert!(answer.failure().is_some_and(|failure| failure.to_string().contains("snapped")), "{answer}");
    assert!(said(|| answer.assert_text("half ")).contains("\n    error "));
}

#[tokio::test(start_paused = true)]
async fn waiting_takes_no_time_while_time_is_paused() {
    let started = std::time::Instant::now();
    let app = ScriptedApp::new()
        .wait(Duration::from_secs(200))
        .event(json!({"event": "message", "answer": "late"}))
        .event(json!({"event": "message_end"}));
    let plugin = TestPlugin::new(plugin())
        .scripted_app("app-1", app)
        .platform(|_: ReverseCall| stream::iter([Ok(Reply::from(json!({"data": ""})))]).boxed());
    plugin.tool("kit", "relay").parameter("name", "x").invoke().await.assert_text("late");
    let answer = plugin.get("/slow").await;
    answer.assert_text("one two three");
    assert_eq!(answer.chunks().len(), 3);
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn the_stand_in_for_dify_answers_calls_and_remembers_them() {
    let other = |call: ReverseCall| {
        let answer = json!({"data": call.invoke_type.to_string()});
        stream::iter([Ok(Reply::from(answer))]).boxed()
    };
    let plugin = TestPlugin::new(plugin()).app("*", ["quack ", "quack"]).platform(other);
    let answer = plugin.tool("kit", "relay").parameter("name", "Ada").invoke().await;
    answer.assert_text("quack quack").assert_json(json!({"data": "storage"}));
    let asked: Vec<_> = plugin.calls().into_iter().map(|call| call.invoke_type).collect();
    assert_eq!(asked, [InvokeType::App, InvokeType::Storage]);
    assert_eq!(plugin.calls()[0].request["query"], "Ada");

    // The error for an unknown app is that of Dify.
    let script = Script::new().app("other", ScriptedApp::new());
    let plugin = TestPlugin::new(self::plugin()).script(script);
    let answer = plugin.tool("kit", "relay").parameter("name", "Ada").invoke().await;
    answer.assert_error("app not found");
}

#[tokio::test]
async fn credentials_are_checked() {
    let plugin = TestPlugin::new(plugin());
    let good = plugin.check_credentials("kit").credential("api_key", "good").invoke().await;
    good.assert_valid();
    assert!(said(|| good.assert_refused("opens")).ends_with("actual: valid"));
    let bad = plugin.check_credentials("kit").credential("api_key", "bad").invoke().await;
    bad.assert_refused("opens nothing");
    assert!(
        said(|| bad.assert_valid())
            .ends_with("actual: error ToolProviderCredentialValidationError: the key opens nothing")
    );
    plugin.check_credentials("none").invoke().await.assert_refused("HandlerNotFound");
}

#[tokio::test]
async fn calls_that_the_manifest_does_not_permit_are_refused() {
    let example = |name: &str| format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"));
    let plugin = TestPlugin::new(plugin()).app("app-1", ["quack"]).manifest(example("duck"));
    let answer = plugin.tool("kit", "relay").parameter("name", "Ada").invoke().await;
    // The duck may ask apps, and may store nothing.
    answer.assert_error("permission denied, you need to enable storage access in plugin manifest");
    assert_eq!(answer.text(), "quack");
    assert_eq!(plugin.calls().len(), 1);

    let said = said(|| TestPlugin::new(self::plugin()).manifest("no/such/folder"));
    assert!(said.starts_with("cannot read the plugin's YAML in no/such/folder: "), "{said}");
}

#[tokio::test]
async fn mistakes_in_a_test_are_named() {
    let plugin = TestPlugin::new(plugin());
    assert!(said(|| plugin.get("greet")).contains("\"greet\" is not a path"));
    assert!(said(|| plugin.get("/").header("a b", "c")).contains("the header `a b: c` is not valid"));
}
