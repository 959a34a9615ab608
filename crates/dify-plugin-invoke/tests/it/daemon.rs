//! The daemon's side: writes literal frames and reads frames back.

use dify_plugin_invoke::Calls;
use dify_plugin_session::{Config, Connection, Handle, Responder};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines};
use tokio::sync::oneshot;

pub(crate) struct Daemon {
    input: DuplexStream,
    output: Lines<BufReader<DuplexStream>>,
    pub(crate) handle: Handle,
}

/// What the daemon sends for a call.
pub(crate) enum Reply<'a> {
    Response(&'a str),
    Error(&'a str),
    End,
}

impl Daemon {
    /// Starts a connection and opens one session, which stays open as long as its responder lives.
    pub(crate) async fn start() -> (Self, Responder) {
        let mut config = Config::default();
        config.heartbeat_interval = None;
        let (input, reader) = tokio::io::duplex(64);
        let (writer, output) = tokio::io::duplex(64);
        let mut connection = Connection::new(reader, writer, config);
        let handle = connection.handle();
        let (sender, first) = oneshot::channel();
        tokio::spawn(async move {
            let request = connection.accept().await.unwrap();
            let _ = sender.send(request);
            // Drives the connection until it closes.
            let _ = connection.accept().await;
        });
        let mut daemon = Self { input, output: BufReader::new(output).lines(), handle };
        daemon
            .write(r#""event":"request","data":{"user_id":"u","type":"tool","action":"invoke_tool"}"#)
            .await;
        let request = first.await.unwrap();
        (daemon, request.unwrap().into_parts().1)
    }

    async fn write(&mut self, event: &str) {
        let frame = format!("{{\"session_id\":\"s\",{event}}}\n");
        self.input.write_all(frame.as_bytes()).await.unwrap();
    }

    /// Reads the next frame, which must be an invocation. Returns its inner data.
    pub(crate) async fn read_call(&mut self) -> Value {
        let frame = self.output.next_line().await.unwrap().unwrap();
        let mut frame: Value = serde_json::from_str(&frame).unwrap();
        assert_eq!(frame["data"]["type"], "invoke", "{frame}");
        frame["data"]["data"].take()
    }

    /// Reads one call and sends its replies.
    pub(crate) async fn answer(&mut self, replies: &[Reply<'_>]) -> Value {
        let call = self.read_call().await;
        let id = &call["backwards_request_id"];
        for reply in replies {
            let (event, message, data) = match reply {
                Reply::Response(data) => ("response", Value::from("stream"), *data),
                Reply::Error(text) => ("error", Value::from(*text), "null"),
                Reply::End => ("end", Value::from(""), "null"),
            };
            self.write(&format!(
                r#""event":"backwards_response","data":{{"backwards_request_id":{id},"event":"{event}","message":{message},"data":{data}}}"#
            ))
            .await;
        }
        call
    }
}

/// Makes a call and sends `replies` to it. Returns what the caller got and the call that the daemon read.
pub(crate) async fn call<T, F>(replies: &[Reply<'_>], make: impl FnOnce(Calls) -> F) -> (T, Value)
where
    F: Future<Output = T>,
{
    let (mut daemon, responder) = Daemon::start().await;
    tokio::join!(make(Calls::new(responder.session())), daemon.answer(replies))
}
