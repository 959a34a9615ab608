//! A plugin as a process: its environment, log, signals and exit.

use std::process::Stdio;

use axum::http::header::{HeaderName, HeaderValue, SET_COOKIE};
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::get;

use dify_plugin::endpoint::Endpoints;
use dify_plugin::protocol::{AccessType, Action};
use dify_plugin::schemars::{self, JsonSchema};
use dify_plugin::{File, NoParameters, Output, Plugin, RawOutput, Result, Session, Tool, ToolContext};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::child::{Child, command};
use crate::daemon::http;

/// Answers, and writes to the log and to stdout besides.
struct Talk;

impl Tool for Talk {
    type Parameters = NoParameters;

    async fn invoke(&self, _: &ToolContext, _: NoParameters, out: &mut Output) -> Result<()> {
        tracing::info!("logged");
        tracing::debug!("below the level");
        #[expect(clippy::print_stdout, reason = "stdout must not reach the daemon")]
        {
            println!("{}", json!({"event": "session", "data": {"type": "stray", "data": null}}));
        }
        out.text("hello").await
    }
}

/// Sends a message and never returns, or blocks its thread for good.
struct Hang {
    blocks: bool,
}

impl Tool for Hang {
    type Parameters = NoParameters;

    async fn invoke(&self, _: &ToolContext, _: NoParameters, out: &mut Output) -> Result<()> {
        out.text("hanging").await?;
        tokio::task::yield_now().await;
        if self.blocks {
            loop {
                std::thread::park();
            }
        }
        std::future::pending().await
    }
}

fn plugin() -> Plugin {
    Plugin::new().tool("kit", "talk", Talk).tool("kit", "hang", Hang { blocks: false }).tool(
        "kit",
        "block",
        Hang { blocks: true },
    )
}

fn last_line(stderr: &str) -> &str {
    stderr.lines().rfind(|line| line.starts_with("dify-plugin: ")).unwrap_or(stderr)
}

#[test]
fn a_plugin_serves_logs_and_ends_in_order_with_any_number_of_workers() {
    for workers in ["1", "2"] {
        let test = "process::a_plugin_serves_logs_and_ends_in_order_with_any_number_of_workers";
        let mut command = command(test, plugin);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), "dify_plugin_log=info\n\nhunter2 is no variable\n")
            .unwrap();
        let mut child = Child::start({
            command.env("DIFY_PLUGIN_WORKERS", workers).current_dir(folder.path());
            command
        });
        child.invoke("s-1", "talk");
        assert_eq!(child.next("log")["data"]["message"], "logged");
        let (kind, text) = child.message();
        assert_eq!((kind.as_str(), &text["message"]["text"]), ("stream", &json!("hello")));
        assert_eq!(child.message().0, "end");
        child.close_input();
        let (code, stderr) = child.exit();
        assert_eq!(code, Some(0), "{stderr}");
        assert!(last_line(&stderr).contains("the daemon closed the plugin's input"), "{stderr}");
        assert!(stderr.contains(".env:3:") && !stderr.contains("hunter2"), "{stderr}");
        assert!(stderr.contains(r#""type":"stray""#) && !stderr.contains("below the level"), "{stderr}");
    }
}

/// Returns the exit code and the last line of a plugin that is started with one setting and whose input is closed.
fn started_with(test: &str, name: &str, value: &str) -> (Option<i32>, String) {
    let mut command = command(test, plugin);
    command.env(name, value);
    let mut child = Child::start(command);
    child.close_input();
    let (code, stderr) = child.exit();
    (code, last_line(&stderr).to_owned())
}

#[test]
fn a_wrong_setting_stops_the_start_and_is_named_with_its_value() {
    let test = "process::a_wrong_setting_stops_the_start_and_is_named_with_its_value";
    for (name, value, expected) in [
        ("DIFY_PLUGIN_WORKERS", "0", "it must be a whole number above 0"),
        ("DIFY_PLUGIN_WORKERS", "none", "it must be a whole number above 0"),
        ("DIFY_PLUGIN_ENDPOINT_END_DELAY", "-1", "it must be a number of seconds, or 0"),
        ("MAX_REQUEST_TIMEOUT", "x", "it must be a whole number of seconds"),
        ("HEARTBEAT_INTERVAL", "often", ""),
        ("DIFY_PLUGIN_DESCRIBE", "please", "it must be 1 or 0"),
        ("INSTALL_METHOD", "Local", "it must be `local`, `remote` or `serverless`"),
        ("INSTALL_METHOD", "remote", "this version does not support yet"),
        ("INSTALL_METHOD", "serverless", "this version does not support yet"),
    ] {
        let (code, line) = started_with(test, name, value);
        assert_eq!(code, Some(2), "{line}");
        assert!(line.contains(name) && line.contains(value) && line.contains(expected), "{line}");
    }
    for (name, value) in [
        ("DIFY_PLUGIN_ENDPOINT_END_DELAY", "0.25"),
        ("MAX_REQUEST_TIMEOUT", "300"),
        ("DIFY_PLUGIN_DESCRIBE", " 0"),
        ("DIFY_PLUGIN_DESCRIBE", ""),
        ("INSTALL_METHOD", "local"),
    ] {
        assert_eq!(started_with(test, name, value).0, Some(0), "{name}={value}");
    }
}

#[test]
fn log_levels_are_words_in_any_case_and_no_other_word_is_a_target() {
    let test = "process::log_levels_are_words_in_any_case_and_no_other_word_is_a_target";
    for value in ["off", "error", "WARN", "Info", "debug", "trace", "info, hyper=WARN", "hyper=off"] {
        assert_eq!(started_with(test, "DIFY_PLUGIN_LOG", value).0, Some(0), "{value}");
    }
    for value in ["", "warning", "hyper", "info,", "info,hyper=", "=info", "info,hyper=loud", "a=b=c"] {
        let (code, line) = started_with(test, "DIFY_PLUGIN_LOG", value);
        assert_eq!(code, Some(2), "{value}");
        assert!(line.contains("(off, error, warn, info, debug or trace) or target=level"), "{line}");
    }
}

#[test]
fn an_unreadable_env_file_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".env")).unwrap();
    let mut command = command("process::an_unreadable_env_file_stops_the_start", plugin);
    command.current_dir(folder.path());
    let (code, stderr) = Child::start(command).exit();
    assert_eq!(code, Some(2));
    assert!(last_line(&stderr).contains("reading .env failed"), "{stderr}");
}

/// The longest message of a log record, in bytes.
const LONGEST_MESSAGE: usize = 16_384;

/// Writes events of all levels.
struct Log;

impl Tool for Log {
    type Parameters = NoParameters;

    async fn invoke(&self, _: &ToolContext, _: NoParameters, _: &mut Output) -> Result<()> {
        tracing::info!(target: "duck", duck = 3, name = "Drake", "hello {}", "pond");
        tracing::warn!(target: "duck", only = "fields");
        tracing::debug!(target: "duck", "below the level");
        tracing::warn!(target: "noisy", "below its level");
        tracing::trace!(target: "chatty", "at its level");
        tracing::info!(target: "dify_plugin_session::core", "of this library");
        tracing::error!(target: "dify_plugin_duck", "{}", "é".repeat(LONGEST_MESSAGE));
        tracing::error!(target: "duck", "{}", "x".repeat(LONGEST_MESSAGE));
        Ok(())
    }
}

#[test]
fn events_become_log_records_unless_they_are_filtered_out_or_from_this_library() {
    let test = "process::events_become_log_records_unless_they_are_filtered_out_or_from_this_library";
    let mut command = command(test, || Plugin::new().tool("kit", "log", Log));
    command.env("DIFY_PLUGIN_LOG", "info,noisy=error,chatty=trace");
    let mut child = Child::start(command);
    child.invoke("s-1", "log");
    for (level, message) in [
        ("INFO", "hello pond duck=3 name=Drake".to_owned()),
        ("WARNING", "only=fields".to_owned()),
        ("DEBUG", "at its level".to_owned()),
        ("ERROR", format!("{}… (32768 bytes in all)", "é".repeat(LONGEST_MESSAGE / 2))),
        ("ERROR", "x".repeat(LONGEST_MESSAGE)),
    ] {
        let record = child.next("log")["data"].take();
        assert_eq!((record["level"].as_str(), record["message"].as_str()), (Some(level), Some(&*message)));
        assert!(record["timestamp"].as_f64().unwrap() > 1.7e9, "{record}");
    }
    child.close_input();
    let (code, stderr) = child.exit();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("of this library") && !stderr.contains("pond"), "{stderr}");
}

#[test]
fn header_values_that_the_daemon_cannot_carry_are_reported_once() {
    async fn odd() -> impl IntoResponse {
        let values = ["a=1", "b=2"].map(|value| (SET_COOKIE, HeaderValue::from_static(value)));
        let latin = (HeaderName::from_static("x-latin"), HeaderValue::from_bytes(b"\xe9").unwrap());
        AppendHeaders(values.into_iter().chain([latin]))
    }
    let test = "process::header_values_that_the_daemon_cannot_carry_are_reported_once";
    let router = || Plugin::new().endpoints(axum::Router::new().route("/", get(odd)));
    let mut child = Child::start(command(test, router));
    for session in ["s-1", "s-2"] {
        child.request(session, http("GET / HTTP/1.1\r\n\r\n", json!({})));
        while child.message().0 != "end" {}
    }
    child.close_input();
    let (_, stderr) = child.exit();
    for text in ["only the last is sent header=set-cookie", "the invalid bytes are replaced header=x-latin"] {
        assert_eq!(stderr.matches(text).count(), 1, "{stderr}");
    }
}

#[test]
fn a_signal_ends_open_sessions_after_the_grace() {
    let mut command = command("process::a_signal_ends_open_sessions_after_the_grace", plugin);
    command.env("DIFY_PLUGIN_SHUTDOWN_GRACE", "0.1");
    let mut child = Child::start(command);
    child.invoke("s-1", "hang");
    child.message();
    child.signal("TERM");
    let (code, stderr) = child.exit();
    assert_eq!(code, Some(1), "{stderr}");
    assert!(last_line(&stderr).contains("1 sessions took longer"), "{stderr}");
}

#[test]
fn a_signal_ends_an_idle_plugin_in_order() {
    let child = {
        let mut child = Child::start(command("process::a_signal_ends_an_idle_plugin_in_order", plugin));
        child.invoke("s-1", "talk");
        while child.message().0 != "end" {}
        child
    };
    child.signal("INT");
    let (code, stderr) = child.exit();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(last_line(&stderr).contains("the connection ended in order"), "{stderr}");
}

#[test]
fn handlers_that_hold_every_worker_delay_no_exit() {
    let test = "process::handlers_that_hold_every_worker_delay_no_exit";
    let blocked = |grace: &str| {
        let mut command = command(test, plugin);
        command.env("DIFY_PLUGIN_WORKERS", "1").env("DIFY_PLUGIN_SHUTDOWN_GRACE", grace);
        let mut child = Child::start(command);
        child.invoke("s-1", "block");
        child.message();
        child
    };
    let grace_over = blocked("1");
    grace_over.signal("TERM");
    let twice = blocked("1000");
    twice.signal("TERM");
    let mut closed = blocked("1000");
    closed.close_output();
    for (child, why) in [
        (grace_over, "handlers blocked every worker past DIFY_PLUGIN_SHUTDOWN_GRACE"),
        (closed, "no longer reads the plugin's output; handlers blocked every worker"),
    ] {
        let (code, stderr) = child.exit();
        assert_eq!(code, Some(1), "{stderr}");
        assert!(last_line(&stderr).contains(why), "{stderr}");
        assert!(why.contains("output") || stderr.contains("the tool kit/block"), "it is reported: {stderr}");
    }
    // By now its first signal was handled: of two that are pending together, the second one could be lost.
    twice.signal("INT");
    let (code, stderr) = twice.exit();
    assert_eq!(code, Some(1), "{stderr}");
    assert!(last_line(&stderr).contains("a second signal"), "{stderr}");
}

/// The parameters of `shout`.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the type is only described")]
struct ShoutParameters {
    /// What to shout.
    text: String,
    #[serde(default = "once")]
    #[schemars(range(min = 1, max = 9))]
    times: u8,
    tone: Option<Tone>,
    photos: Vec<File>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Tone {
    Angry,
    Cheerful,
}

fn once() -> u8 {
    1
}

struct Described<P>(std::marker::PhantomData<fn(P)>);

impl<P: serde::de::DeserializeOwned + JsonSchema + Send + 'static> Tool for Described<P> {
    type Parameters = P;

    async fn invoke(&self, _: &ToolContext, _: P, _: &mut Output) -> Result<()> {
        Ok(())
    }
}

fn described() -> Plugin {
    async fn check(_: Session, _: NoParameters) -> Result<()> {
        Ok(())
    }
    async fn options(_: Session, _: Box<RawValue>, _: RawOutput) -> Result<()> {
        Ok(())
    }
    Plugin::new()
        .tool("voice", "shout", Described::<ShoutParameters>(std::marker::PhantomData))
        .tool("voice", "any", Described::<Value>(std::marker::PhantomData))
        .tool("silence", "none", Described::<NoParameters>(std::marker::PhantomData))
        .tool_credentials("voice", check)
        .endpoints(Endpoints::new(axum::Router::new()))
        .on(AccessType::DynamicParameter, Action::FetchParameterOptions, options)
}

#[test]
fn a_plugin_describes_its_handlers_and_parameters_in_one_line() {
    let test = "process::a_plugin_describes_its_handlers_and_parameters_in_one_line";
    let mut command = command(test, described);
    let output =
        command.env("DIFY_PLUGIN_DESCRIBE", "1").env("MAX_WORKER", "ignored").stdin(Stdio::null()).output();
    let output = output.unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut description: Value = serde_json::from_str(text.lines().next_back().unwrap()).unwrap();
    let silent = description["tool_providers"][0]["tools"][0]["parameters"].take();
    assert_eq!((&silent["type"], &silent["properties"]), (&json!("object"), &Value::Null));
    let shout = json!({
        "title": "ShoutParameters",
        "description": "The parameters of `shout`.",
        "type": "object",
        "properties": {
            "text": {"description": "What to shout.", "type": "string"},
            "times": {"type": "integer", "format": "uint8", "minimum": 1, "maximum": 9, "default": 1},
            "tone": {"anyOf": [{"$ref": "#/$defs/Tone"}, {"type": "null"}]},
            "photos": {"type": "array", "items": {"type": "object", "x-dify-type": "file"}},
        },
        "required": ["text", "photos"],
        "$defs": {"Tone": {"type": "string", "enum": ["angry", "cheerful"]}},
    });
    assert_eq!(
        description,
        json!({
            "dify_plugin_description": 2,
            "endpoints": true,
            "tool_providers": [
                {
                    "name": "silence", "check_credentials": false,
                    "tools": [{"name": "none", "parameters": null}],
                },
                {
                    "name": "voice", "check_credentials": true,
                    "tools": [
                        {"name": "any", "parameters": {"title": "AnyValue"}},
                        {"name": "shout", "parameters": shout},
                    ],
                },
            ],
        })
    );
}
