//! The daemon's end of the pipe. It reads and writes plain JSON and shares no types with the plugin.

use std::sync::Arc;

use dify_plugin::Plugin;
use dify_plugin::session_layer::{Config, Connection};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};

pub(crate) struct Daemon {
    input: WriteHalf<DuplexStream>,
    output: Lines<BufReader<ReadHalf<DuplexStream>>>,
}

impl Daemon {
    pub(crate) fn of(plugin: Plugin) -> Self {
        Self::of_shared(Arc::new(plugin))
    }

    pub(crate) fn with_config(plugin: Plugin, config: Config) -> Self {
        Self::over(Arc::new(plugin), config)
    }

    /// Serves a plugin that other connections may serve too.
    pub(crate) fn of_shared(plugin: Arc<Plugin>) -> Self {
        let mut config = Config::default();
        config.heartbeat_interval = None;
        Self::over(plugin, config)
    }

    fn over(plugin: Arc<Plugin>, config: Config) -> Self {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (reader, writer) = tokio::io::split(theirs);
        tokio::spawn(async move { plugin.serve(Connection::new(reader, writer, config)).await });
        let (output, input) = tokio::io::split(ours);
        Self { input, output: BufReader::new(output).lines() }
    }

    pub(crate) async fn write(&mut self, line: Value) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Opens a session.
    pub(crate) async fn request(&mut self, session_id: &str, data: Value) {
        let line = json!({
            "session_id": session_id, "conversation_id": null, "message_id": "m-1", "app_id": null,
            "endpoint_id": null, "context": null, "event": "request", "data": data,
        });
        self.write(line).await;
    }

    /// Returns the next session frame: the id of its session, its type and its data.
    pub(crate) async fn next(&mut self) -> (String, String, Value) {
        let line = self.output.next_line().await.unwrap().expect("the plugin closed its output");
        let mut line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["event"], "session", "{line}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (id, kind) = (text(&line["session_id"]), text(&line["data"]["type"]));
        (id, kind, line["data"]["data"].take())
    }

    /// Sends a request and returns the data of its `stream` messages, and that of its `error`, if there is one.
    pub(crate) async fn ask(&mut self, data: Value) -> (Vec<Value>, Option<Value>) {
        self.request("s-1", data).await;
        let mut messages = Vec::new();
        let mut error = None;
        loop {
            let (id, kind, data) = self.next().await;
            assert_eq!(id, "s-1");
            match kind.as_str() {
                "stream" => messages.push(data),
                "error" => error = Some(data),
                "end" => return (messages, error),
                other => panic!("{other} {data}"),
            }
        }
    }

    /// Sends a request and returns the name and the message of its error.
    pub(crate) async fn error_of(&mut self, data: Value) -> (String, String) {
        let (messages, error) = self.ask(data).await;
        let error = error.unwrap_or_else(|| panic!("no error after {messages:?}"));
        (error["error_type"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
    }
}

/// Returns a request to run a tool of the provider `kit`.
pub(crate) fn invoke(tool: &str, parameters: Value) -> Value {
    json!({
        "user_id": "u-1", "type": "tool", "action": "invoke_tool", "provider": "kit", "tool": tool,
        "tool_parameters": parameters, "credentials": {"api_key": "hunter2"}, "credential_type": "api-key",
    })
}

/// Returns a request to an endpoint: an HTTP message in hex, as the daemon writes it.
pub(crate) fn http(message: &str, settings: Value) -> Value {
    let hex: String = message.bytes().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "user_id": "", "type": "endpoint", "action": "invoke_endpoint", "raw_http_request": hex,
        "settings": settings,
    })
}
