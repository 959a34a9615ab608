//! The far end: writes literal lines, reads lines back, shares no types with the subject.

use dify_plugin_session::{Config, Connection, ConnectionError, Handle, Request};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::mpsc;

pub(crate) struct Daemon {
    pub(crate) input: Option<DuplexStream>,
    output: tokio::io::Lines<BufReader<DuplexStream>>,
    pub(crate) requests: mpsc::UnboundedReceiver<Request>,
    pub(crate) handle: Handle,
    pub(crate) driver: tokio::task::JoinHandle<Result<(), ConnectionError>>,
}

pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.heartbeat_interval = None;
    config
}

impl Daemon {
    /// A connection with `config` behind pipes of `width` bytes.
    pub(crate) fn with(config: Config, width: usize) -> Self {
        let (input, reader) = tokio::io::duplex(width);
        let (writer, output) = tokio::io::duplex(width);
        let mut connection = Connection::new(reader, writer, config);
        let handle = connection.handle();
        let (sender, requests) = mpsc::unbounded_channel();
        let driver = tokio::spawn(async move {
            while let Some(request) = connection.accept().await? {
                let _ = sender.send(request);
            }
            Ok(())
        });
        Self { input: Some(input), output: BufReader::new(output).lines(), requests, handle, driver }
    }

    pub(crate) fn new() -> Self {
        Self::with(config(), 64)
    }

    /// Writes bytes as they are.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.input.as_mut().unwrap().write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn line(&mut self, line: impl AsRef<str>) {
        self.write(format!("{}\n", line.as_ref())).await;
    }

    /// Opens a session and gives its request.
    pub(crate) async fn open(&mut self, id: &str) -> Request {
        self.line(request(id)).await;
        self.requests.recv().await.unwrap()
    }

    /// The next line from the plugin.
    pub(crate) async fn read(&mut self) -> Value {
        let line = self.output.next_line().await.unwrap().expect("a line, not the end");
        serde_json::from_str(&line).unwrap()
    }

    /// `None` at the end of the plugin's output.
    pub(crate) async fn read_or_end(&mut self) -> Option<Value> {
        let line = self.output.next_line().await.unwrap()?;
        Some(serde_json::from_str(&line).unwrap())
    }

    /// The next line, which must be an `invoke`; gives its call id.
    pub(crate) async fn read_call(&mut self) -> String {
        let line = self.read().await;
        assert_eq!(line["data"]["type"], "invoke", "{line}");
        line["data"]["data"]["backwards_request_id"].as_str().unwrap().to_owned()
    }

    /// The next two lines, which must end the session `id` with an error; gives its type.
    pub(crate) async fn read_failure(&mut self, id: &str) -> String {
        let error = self.read().await;
        assert_eq!((&error["session_id"], &error["data"]["type"]), (&id.into(), &"error".into()), "{error}");
        let end = self.read().await;
        assert_eq!((&end["session_id"], &end["data"]["type"]), (&id.into(), &"end".into()), "{end}");
        error["data"]["data"]["error_type"].as_str().unwrap().to_owned()
    }

    /// Closes the plugin's input.
    pub(crate) fn hang_up(&mut self) {
        self.input = None;
    }

    pub(crate) async fn respond(&mut self, session: &str, call: &str, data: &str) {
        self.line(answer(session, call, "response", "stream", data)).await;
    }

    pub(crate) async fn end_call(&mut self, session: &str, call: &str) {
        self.line(answer(session, call, "end", "", "null")).await;
    }

    /// Shows that the connection still works: a new session is answered.
    pub(crate) async fn still_answers(&mut self) {
        static ID: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let id = format!("alive-{}", ID.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let (_, responder) = self.open(&id).await.into_parts();
        responder.finish().unwrap();
        let line = self.read().await;
        assert_eq!(
            (&line["session_id"], &line["data"]["type"]),
            (&id.as_str().into(), &"end".into()),
            "{line}"
        );
    }
}

pub(crate) fn request(id: &str) -> String {
    format!(
        r#"{{"session_id":"{id}","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,"event":"request","data":{{"action":"invoke_tool","credentials":{{"key":"hunter2"}},"provider":"p","tool":"t","type":"tool","user_id":"u"}}}}"#
    )
}

pub(crate) fn answer(session: &str, call: &str, event: &str, message: &str, data: &str) -> String {
    format!(
        r#"{{"session_id":"{session}","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,"event":"backwards_response","data":{{"backwards_request_id":"{call}","event":"{event}","message":"{message}","data":{data}}}}}"#
    )
}
