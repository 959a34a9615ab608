//! A plugin without a process: frames in memory.

use std::time::Duration;

use dify_plugin_host::{ExitCause, Host, HostConfig, HostError, Script};
use dify_plugin_protocol::{AccessType, Action};
use serde_json::{Map, Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};

const HEARTBEAT: &str = r#"{"event":"heartbeat"}"#;

/// The plugin's end.
pub(crate) struct Plugin {
    input: BufReader<ReadHalf<DuplexStream>>,
    output: WriteHalf<DuplexStream>,
}

impl Plugin {
    pub(crate) async fn write(&mut self, line: &str) {
        self.output.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// The text of the next frame, or nothing at the end.
    pub(crate) async fn read_text(&mut self) -> String {
        let mut frame = String::new();
        self.input.read_line(&mut frame).await.unwrap();
        frame
    }

    /// The next frame, or null at the end.
    pub(crate) async fn read(&mut self) -> Value {
        let frame = self.read_text().await;
        if frame.is_empty() { Value::Null } else { serde_json::from_str(&frame).unwrap() }
    }

    /// Reads a request and sends messages in its session, then ends it.
    pub(crate) async fn respond(&mut self, messages: &[Value]) {
        let request = self.read().await;
        let end = json!({"type": "end", "data": {}});
        let stream = messages.iter().map(|message| json!({"type": "stream", "data": message}));
        for data in stream.chain([end]) {
            let frame = json!({"event": "session", "session_id": request["session_id"], "data": data});
            self.write(&frame.to_string()).await;
        }
    }
}

/// Returns both ends. Frames arrive in parts.
fn ends() -> (ReadHalf<DuplexStream>, WriteHalf<DuplexStream>, Plugin) {
    let (ours, theirs) = duplex(64);
    let (output, input) = split(ours);
    let (reader, writer) = split(theirs);
    (output, input, Plugin { input: BufReader::new(reader), output: writer })
}

pub(crate) async fn host() -> (Host, Plugin) {
    let (output, input, mut plugin) = ends();
    plugin.write(HEARTBEAT).await;
    let host = Host::over(output, input, None, HostConfig::default(), Script::new()).await.unwrap();
    (host, plugin)
}

#[tokio::test]
async fn a_session_runs_over_any_two_streams_and_a_shutdown_closes_the_plugins_input() {
    let (host, mut plugin) = host().await;
    assert_eq!((host.pid(), host.rss_bytes()), (None, None));
    let mut messages = host.invoke_tool("p", "t", Map::new(), Map::new()).await.unwrap();
    let request = plugin.read().await;
    let id = request["session_id"].as_str().unwrap();
    assert_eq!(request["data"]["action"], "invoke_tool");
    let text = json!({"type": "text", "message": {"text": "hi"}});
    for (kind, data) in [("stream", text.clone()), ("end", json!({}))] {
        let line =
            json!({"event": "session", "session_id": id, "data": {"type": kind, "data": data}}).to_string();
        plugin.write(&line).await;
    }
    assert_eq!(serde_json::to_value(messages.next().await.unwrap().unwrap()).unwrap()["type"], "text");
    assert!(messages.next().await.is_none());

    let ended = tokio::spawn(async move {
        assert_eq!(plugin.read().await, Value::Null);
        drop(plugin);
    });
    let watching = host.clone();
    assert!(host.shutdown().await.is_none());
    ended.await.unwrap();
    assert_eq!(watching.wait().await.cause, ExitCause::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn sessions_fail_with_the_cause_of_the_exit() {
    let (host, plugin) = host().await;
    let open = dify_plugin_host::OpenSession::new(AccessType::Tool, Action::InvokeTool, Map::new());
    let mut answers = host.open(open.clone()).await.unwrap();
    drop(plugin);
    let failure = answers.next().await.unwrap().unwrap_err();
    assert_eq!(failure.to_string(), "the plugin exited while the session was open: it exited by itself");
    assert!(matches!(host.open(open).await, Err(HostError::PluginExited(_))));

    let (output, input, plugin) = ends();
    drop(plugin);
    let early = Host::over(output, input, None, HostConfig::default(), Script::new()).await;
    assert!(matches!(early, Err(HostError::FailedToStart(_))), "{early:?}");

    let (output, input, _plugin) = ends();
    let silent = Host::over(output, input, None, HostConfig::default(), Script::new()).await;
    assert!(matches!(silent, Err(HostError::NotReady { .. } | HostError::FailedToStart(_))), "{silent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_plugin_and_one_that_was_dropped_find_both_streams_closed() {
    let (host, mut plugin) = host().await;
    tokio::time::sleep(Duration::from_secs(119)).await;
    plugin.write(HEARTBEAT).await;
    let exit = host.wait().await;
    assert_eq!(exit.cause, ExitCause::Silent { limit: Duration::from_secs(120) });
    assert_eq!(plugin.read().await, Value::Null);

    let (host, mut plugin) = self::host().await;
    drop(host);
    assert_eq!(plugin.read().await, Value::Null);
}
