//! A server with the routes of Dify's Service API: it checks requests by their schemas and responds with their examples.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::KEY;

/// A route of the description.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Route {
    pub(crate) path: String,
    method: String,
    /// The JSON Schema of the request's body, if it has one.
    request: Option<Value>,
    /// The example of an answer that is one object.
    pub(crate) object: Value,
    /// The examples of streams, by name.
    pub(crate) streams: BTreeMap<String, String>,
    /// The examples of refusals.
    #[serde(deserialize_with = "refusals")]
    pub(crate) refusals: Vec<(u16, Value)>,
}

fn refusals<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<(u16, Value)>, D::Error> {
    #[derive(Deserialize)]
    struct Refusal {
        status: u16,
        body: Value,
    }
    let refusals = Vec::<Refusal>::deserialize(deserializer)?;
    Ok(refusals.into_iter().map(|refusal| (refusal.status, refusal.body)).collect())
}

pub(crate) fn routes() -> Vec<Route> {
    let file = include_str!("../../../../../proto-fixtures/service-api/routes.jsonl");
    file.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// Null if there was none.
    pub(crate) body: Value,
}

type Answer = Arc<dyn Fn(TcpStream, Request) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A Dify with one app, before its start.
pub(crate) struct Builder {
    mode: &'static str,
    /// What is not answered by the examples, by path.
    answers: HashMap<String, Answer>,
}

/// A running Dify.
pub(crate) struct Dify {
    address: std::net::SocketAddr,
    log: Arc<Mutex<Log>>,
    _serving: JoinSet<()>,
}

#[derive(Default)]
struct Log {
    asked: Vec<Request>,
    faults: Vec<String>,
}

impl Dify {
    pub(crate) fn of_mode(mode: &'static str) -> Builder {
        Builder { mode, answers: HashMap::new() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Request> {
        self.log.lock().unwrap().asked.clone()
    }

    /// What was wrong with it.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.log.lock().unwrap().faults.clone()
    }
}

impl Builder {
    /// Answers `path` with its own bytes; the connection closes afterwards.
    pub(crate) fn raw<F, T>(mut self, path: &str, answer: F) -> Self
    where
        F: Fn(TcpStream, Request) -> T + Send + Sync + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        self.answers
            .insert(path.to_owned(), Arc::new(move |socket, request| Box::pin(answer(socket, request))));
        self
    }

    pub(crate) fn answering(self, path: &str, status: u16, body: &str) -> Self {
        let response = whole(status, "application/json", body);
        self.raw(path, move |mut socket, _| {
            let response = response.clone();
            async move {
                let _ = socket.write_all(&response).await;
            }
        })
    }

    /// Answers streaming calls with these events, in the place of the example's.
    pub(crate) fn streaming(mut self, events: &str) -> Self {
        let response = whole(200, "text/event-stream; charset=utf-8", events);
        for path in ["/chat-messages", "/workflows/run", "/completion-messages"] {
            let response = response.clone();
            self = self.raw(path, move |mut socket, _| {
                let response = response.clone();
                async move { socket.write_all(&response).await.unwrap() }
            });
        }
        self
    }

    pub(crate) async fn start(self) -> Dify {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::<Mutex<Log>>::default();
        let served = Arc::new((self, routes(), Arc::clone(&log)));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let served = Arc::clone(&served);
                connections.spawn(async move { serve(&served.0, &served.1, &served.2, socket).await });
            }
        });
        Dify { address, log, _serving: serving }
    }
}

async fn serve(dify: &Builder, routes: &[Route], log: &Mutex<Log>, socket: TcpStream) {
    let mut socket = BufReader::new(socket);
    let mut line = String::new();
    if socket.read_line(&mut line).await.unwrap_or(0) == 0 {
        return;
    }
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).await.unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await.unwrap();
    let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    let request = Request { path: path.clone(), body };
    let path = path.strip_prefix("/v1").unwrap_or_default();
    let route = routes.iter().find(|route| route.path == path);
    let mut faults = Vec::new();
    match route {
        None => faults.push(format!("there is no {path}")),
        Some(route) => {
            if route.method != method {
                faults.push(format!("{method} {path}"));
            }
            if let Some(schema) = &route.request {
                check(schema, &request.body, path, &mut faults);
                if headers.get("content-type").is_none_or(|kind| kind != "application/json") {
                    faults.push("the content type is not JSON".to_owned());
                }
            }
        }
    }
    let authorized = headers.get("authorization").is_some_and(|key| *key == format!("Bearer {KEY}"));
    if !authorized {
        faults.push("a wrong key".to_owned());
    }
    {
        let mut log = log.lock().unwrap();
        log.asked.push(request.clone());
        log.faults.append(&mut faults);
    }
    if let Some(answer) = dify.answers.get(path)
        && of_the_mode(dify.mode, path)
    {
        return answer(socket.into_inner(), request).await;
    }
    let response = match route {
        Some(route) if of_the_mode(dify.mode, path) => match &*route.path {
            "/info" => whole(200, "application/json", &json!({"name": "a", "mode": dify.mode}).to_string()),
            _ if request.body["response_mode"] == "streaming" => {
                whole(200, "text/event-stream", route.streams.values().next().unwrap())
            }
            _ => whole(200, "application/json", &route.object.to_string()),
        },
        _ => {
            let code = match path {
                "/chat-messages" => "not_chat_app",
                "/workflows/run" => "not_workflow_app",
                _ => "app_unavailable",
            };
            let body = json!({"code": code, "message": "wrong route", "status": 400});
            whole(400, "application/json", &body.to_string())
        }
    };
    let _ = socket.write_all(&response).await;
}

/// Whether apps of `mode` are called at `path`.
fn of_the_mode(mode: &str, path: &str) -> bool {
    match path {
        "/chat-messages" => mode.ends_with("chat"),
        "/workflows/run" => mode == "workflow",
        "/completion-messages" => mode == "completion",
        _ => true,
    }
}

/// Checks the types, enumerations and required properties of a schema, and that there are no other properties.
fn check(schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    let listed = schema["enum"].as_array().is_none_or(|values| values.contains(value));
    if !fits || !listed {
        faults.push(format!("{place}: {value}"));
    }
    let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) else { return };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(name.as_str().unwrap()) {
            faults.push(format!("{place} lacks {name}"));
        }
    }
    for (name, value) in fields {
        match known.get(name) {
            Some(schema) => check(schema, value, &format!("{place}.{name}"), faults),
            None => faults.push(format!("{place} has no {name}")),
        }
    }
}

/// Returns a complete response, after which the connection is closed.
fn whole(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} -\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Returns the head of a response with a chunked body.
pub(crate) fn head(content_type: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
}

/// Returns a chunk of such a body.
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// Returns an event.
pub(crate) fn sse(event: &Value) -> Vec<u8> {
    format!("data: {event}\n\n").into_bytes()
}
