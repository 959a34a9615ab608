//! The daemon's side: writes literal frames and reads frames back. It shares no types with the crate under test.

use dify_plugin_app::Apps;
use dify_plugin_session::{Config, Connection, Handle, Responder};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::mpsc;

pub(crate) struct Daemon {
    input: DuplexStream,
    output: tokio::io::Lines<BufReader<DuplexStream>>,
    requests: mpsc::UnboundedReceiver<Responder>,
    handle: Handle,
}

/// What the daemon sends for a call.
pub(crate) enum Reply<'a> {
    Response(&'a str),
    Error(&'a str),
    End,
}

use Reply::{End, Response};

const OPEN: &str = r#"{"session_id":"s","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,"event":"request","data":{"user_id":"u","type":"tool","action":"invoke_tool","provider":"p","tool":"t","tool_parameters":{},"credentials":{}}}"#;

impl Daemon {
    fn new() -> Self {
        crate::warnings::listen();
        let mut config = Config::default();
        config.heartbeat_interval = None;
        let (input, reader) = tokio::io::duplex(64);
        let (writer, output) = tokio::io::duplex(64);
        let mut connection = Connection::new(reader, writer, config);
        let handle = connection.handle();
        let (sender, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(request)) = connection.accept().await {
                let _ = sender.send(request.into_parts().1);
            }
        });
        Self { input, output: BufReader::new(output).lines(), requests, handle }
    }

    /// Starts a daemon and opens one session, which stays open as long as its responder lives.
    pub(crate) async fn start() -> (Self, Responder) {
        Self::start_with(OPEN).await
    }

    pub(crate) async fn start_with(request: &str) -> (Self, Responder) {
        let mut daemon = Self::new();
        daemon.line(request).await;
        let responder = daemon.requests.recv().await.unwrap();
        (daemon, responder)
    }

    pub(crate) async fn line(&mut self, line: &str) {
        self.input.write_all(line.as_bytes()).await.unwrap();
        self.input.write_all(b"\n").await.unwrap();
    }

    /// Reads the next frame from the plugin.
    pub(crate) async fn read(&mut self) -> Value {
        let line = self.output.next_line().await.unwrap().expect("a line, not the end");
        serde_json::from_str(&line).unwrap()
    }

    /// Reads the next frame, which must be an `invoke`. Returns its inner data.
    pub(crate) async fn read_call(&mut self) -> Value {
        let mut line = self.read().await;
        assert_eq!(line["data"]["type"], "invoke", "{line}");
        line["data"]["data"].take()
    }

    /// Writes one reply to a call in the session that [`start`](Self::start) opened.
    pub(crate) async fn reply(&mut self, call: &str, reply: &Reply<'_>) {
        let (event, message, data) = match reply {
            Reply::Response(data) => ("response", "stream".into(), *data),
            Reply::Error(text) => ("error", Value::from(*text), "null"),
            Reply::End => ("end", "".into(), "null"),
        };
        self.line(&format!(
            r#"{{"session_id":"s","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,"event":"backwards_response","data":{{"backwards_request_id":"{call}","event":"{event}","message":{message},"data":{data}}}}}"#
        ))
        .await;
    }

    /// Reads one call and sends its replies.
    pub(crate) async fn play(&mut self, replies: &[Reply<'_>]) -> String {
        let call = self.read_call().await;
        let id = call["backwards_request_id"].as_str().unwrap().to_owned();
        for reply in replies {
            self.reply(&id, reply).await;
        }
        id
    }

    /// Returns the number of open calls.
    pub(crate) fn open_calls(&self) -> usize {
        self.handle.stats().open_calls
    }
}

/// Makes a call and sends `replies` to it.
pub(crate) async fn call<T, F>(replies: &[Reply<'_>], make: impl FnOnce(Apps) -> F) -> T
where
    F: Future<Output = T>,
{
    let (mut daemon, responder) = Daemon::start().await;
    let (outcome, _) = tokio::join!(make(Apps::new(responder.session())), daemon.play(replies));
    // The paused clock advances only when all output has been read.
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    assert_eq!(daemon.open_calls(), 0, "the call was left open");
    outcome
}

/// Responses followed by the end.
pub(crate) fn whole<'a>(events: &[&'a str]) -> Vec<Reply<'a>> {
    let mut replies: Vec<_> = events.iter().map(|event| Response(event)).collect();
    replies.push(End);
    replies
}

/// Reads a stream to its end. Returns the names of its events, and its error.
pub(crate) async fn drain(
    mut stream: dify_plugin_app::AppStream,
) -> (Vec<String>, Option<dify_plugin_app::AppError>) {
    let mut names = Vec::new();
    let error = loop {
        match stream.next().await {
            Some(Ok(event)) => names.push(event.name().to_owned()),
            Some(Err(error)) => break Some(error),
            None => break None,
        }
    };
    assert!(stream.next().await.is_none(), "something came after the last item");
    (names, error)
}

pub(crate) const STARTED: &str =
    r#"{"event":"workflow_started","task_id":"t","workflow_run_id":"r","data":{"id":"r","workflow_id":"w"}}"#;
pub(crate) const FINISHED: &str = r#"{"data":{"error":null,"finished_at":2,"id":"r","outputs":{"result":"quack"},"status":"succeeded","total_tokens":7,"workflow_id":"w"},"event":"workflow_finished","task_id":"t","workflow_run_id":"r"}"#;
pub(crate) const FAILED: &str = r#"{"data":{"error":"node 3 broke","id":"r","outputs":null,"status":"failed"},"event":"workflow_finished","task_id":"t","workflow_run_id":"r"}"#;
pub(crate) const HELLO: &str = r#"{"answer":"Hel","conversation_id":"c","created_at":1,"event":"message","message_id":"m","task_id":"t"}"#;
pub(crate) const LO: &str = r#"{"answer":"lo \u003c3","conversation_id":"c","created_at":1,"event":"message","message_id":"m","task_id":"t"}"#;
pub(crate) const MESSAGE_END: &str = r#"{"conversation_id":"c","event":"message_end","id":"m","message_id":"m","metadata":{"usage":{"total_tokens":10,"latency":1}},"task_id":"t"}"#;
