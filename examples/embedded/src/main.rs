//! A small plugin framework that uses the session layer as its transport, without `dify-plugin`.
//!
//! Its handlers are async functions with names. `embedded` serves them as tools over stdin and stdout for a daemon;
//! `embedded --demo` serves them over an in-memory pipe and plays the daemon itself.

use std::collections::HashMap;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use dify_plugin_app::Apps;
use dify_plugin_protocol::ErrorData;
use dify_plugin_session::{Config, Connection, ConnectionError, Request, Session};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Handler = fn(Session, Value) -> Pin<Box<dyn Future<Output = Result<Value, Failure>> + Send>>;

/// The handlers by name.
#[derive(Default)]
struct Framework(HashMap<&'static str, Handler>);

impl Framework {
    fn on(mut self, name: &'static str, handler: Handler) -> Self {
        self.0.insert(name, handler);
        self
    }

    /// Serves the connection until it is over, with a task for each request.
    async fn serve(self, mut connection: Connection) -> Result<(), ConnectionError> {
        let framework = Arc::new(self);
        while let Some(request) = connection.accept().await? {
            let framework = framework.clone();
            tokio::spawn(async move { framework.answer(request).await });
        }
        Ok(())
    }

    async fn answer(&self, request: Request) {
        let (payload, responder) = request.into_parts();
        let result = async {
            let payload: Value = serde_json::from_str(payload.get())?;
            let name = payload["tool"].as_str().unwrap_or_default();
            let handler = self.0.get(name).ok_or_else(|| format!("no handler is named `{name}`"))?;
            let result = handler(responder.session().clone(), payload["tool_parameters"].clone()).await?;
            responder
                .send(&json!({"type": "json", "message": {"json_object": result}, "meta": null}))
                .await?;
            Ok::<_, Failure>(())
        };
        // An error here means that the session has ended already, so there is nothing left to do.
        let _ = match result.await {
            Ok(()) => responder.finish(),
            Err(error) => responder.fail(ErrorData::new("FrameworkError", error.to_string())),
        };
    }
}

/// Asks a chat app and counts its words.
async fn count_words(session: Session, parameters: Value) -> Result<Value, Failure> {
    let question = parameters["question"].as_str().ok_or("the parameter `question` is missing")?;
    let mut events = Apps::new(&session).chat("app-1").query(question).stream().await?;
    let mut words = 0;
    while let Some(event) = events.try_next().await? {
        words += event.answer().unwrap_or_default().split_whitespace().count();
    }
    Ok(json!({ "words": words }))
}

fn framework() -> Framework {
    Framework::default().on("count_words", |session, parameters| Box::pin(count_words(session, parameters)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let result =
        if std::env::args().any(|argument| argument == "--demo") { demo().await } else { over_stdio().await };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Stdout belongs to the protocol, so messages for people go to stderr.
            let _ =
                std::io::Write::write_all(&mut std::io::stderr(), format!("embedded: {error}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

async fn over_stdio() -> Result<(), Failure> {
    Ok(framework().serve(Connection::stdio(Config::from_env()?)?).await?)
}

/// Plays the daemon over an in-memory pipe: sends one request, answers one reverse invocation, and reads the result.
async fn demo() -> Result<(), Failure> {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    let (mut to_plugin, reader) = tokio::io::duplex(4096);
    let (writer, from_plugin) = tokio::io::duplex(4096);
    tokio::spawn(framework().serve(Connection::new(reader, writer, Config::default())));
    let ask = r#"{"session_id":"s-1","event":"request","data":{"type":"tool","action":"invoke_tool","tool":"count_words","tool_parameters":{"question":"hi"}}}"#;
    to_plugin.write_all(format!("{ask}\n").as_bytes()).await?;
    let mut lines = BufReader::new(from_plugin).lines();
    while let Some(line) = lines.next_line().await? {
        tokio::io::AsyncWriteExt::write_all(&mut tokio::io::stderr(), format!("← {line}\n").as_bytes())
            .await?;
        let line: Value = serde_json::from_str(&line)?;
        let message = &line["data"];
        match message["type"].as_str() {
            Some("invoke") => {
                let reply = |event: &str, data: Value| {
                    let id = &message["data"]["backwards_request_id"];
                    json!({"session_id": "s-1", "event": "backwards_response", "data":
                        {"backwards_request_id": id, "event": event, "message": "", "data": data}})
                };
                for reply in [
                    reply("response", json!({"event": "message", "answer": "three little "})),
                    reply("response", json!({"event": "message", "answer": "words"})),
                    reply("response", json!({"event": "message_end"})),
                    reply("end", Value::Null),
                ] {
                    to_plugin.write_all(format!("{reply}\n").as_bytes()).await?;
                }
            }
            Some("error") => return Err(message["data"]["message"].to_string().into()),
            Some("end") => break,
            _ if message["data"]["message"]["json_object"].is_object() => {
                assert_eq!(message["data"]["message"]["json_object"], json!({"words": 3}));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn the_framework_works_over_an_in_memory_pipe() {
        super::demo().await.unwrap();
    }

    #[tokio::test]
    async fn a_daemon_that_stops_reading_is_an_error() {
        let (_to_plugin, reader) = tokio::io::duplex(4096);
        let (writer, from_plugin) = tokio::io::duplex(4096);
        drop(from_plugin);
        let served =
            super::framework().serve(super::Connection::new(reader, writer, super::Config::default()));
        assert!(matches!(served.await, Err(super::ConnectionError::OutputClosed)));
    }
}
