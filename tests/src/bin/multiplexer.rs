//! The measured tools of `examples/bench` on the multiplexer alone, on one thread, without the authors' layer and the
//! typed events.

use std::borrow::Cow;

use dify_plugin_protocol::tool::blob::BlobChunks;
use dify_plugin_session::protocol::{ErrorData, InvokeType};
use dify_plugin_session::{Config, Connection, Request, Responder};
use serde::{Deserialize, Serialize};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // A task: each time the main future yields, the runtime asks the system for events.
    tokio::spawn(serve(Connection::stdio(Config::from_env()?)?)).await?
}

async fn serve(mut connection: Connection) -> Result<()> {
    while let Some(request) = connection.accept().await? {
        tokio::spawn(async move {
            let (asked, responder) = match Asked::read(request) {
                Ok(read) => read,
                Err((error, responder)) => {
                    return responder.fail(ErrorData::new("BadRequest", error.to_string()));
                }
            };
            match asked.answer(&responder).await {
                Ok(()) => responder.finish(),
                Err(error) => responder.fail(ErrorData::new("Failed", error.to_string())),
            }
        });
    }
    Ok(())
}

#[derive(Deserialize)]
struct Asked {
    tool: String,
    tool_parameters: Parameters,
}

#[derive(Deserialize)]
struct Parameters {
    text: String,
}

impl Asked {
    fn read(request: Request) -> std::result::Result<(Self, Responder), (serde_json::Error, Responder)> {
        let (payload, responder) = request.into_parts();
        match serde_json::from_str(payload.get()) {
            Ok(asked) => Ok((asked, responder)),
            Err(error) => Err((error, responder)),
        }
    }

    async fn answer(self, responder: &Responder) -> Result<()> {
        match self.tool.as_str() {
            "relay" => self.relay(responder).await,
            "blob" => blob(responder).await,
            _ => Ok(responder.send(&Text::new(&self.tool_parameters.text)).await?),
        }
    }

    async fn relay(self, responder: &Responder) -> Result<()> {
        #[derive(Deserialize)]
        struct Event<'a> {
            #[serde(borrow)]
            answer: Option<Cow<'a, str>>,
        }
        let ask = serde_json::json!({
            "app_id": "app-1", "inputs": {}, "query": self.tool_parameters.text, "response_mode": "streaming",
        });
        let mut replies = responder.session().invoke(InvokeType::App, &ask).await?;
        // Thousands may wait here, so nothing unneeded is kept.
        drop((self, ask));
        while let Some(reply) = replies.try_next().await? {
            if let Some(answer) = serde_json::from_str::<Event<'_>>(reply.get())?.answer {
                responder.send(&Text::new(&answer)).await?;
            }
        }
        Ok(())
    }
}

async fn blob(responder: &Responder) -> Result<()> {
    let bytes: Vec<u8> = (0..=250).cycle().take(1024 * 1024).collect();
    let meta = [("mime_type", "application/octet-stream"), ("filename", "big.bin")];
    let meta = meta.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    for piece in BlobChunks::new(responder.session().id(), &bytes, Some(&meta)) {
        responder.send(&piece).await?;
    }
    Ok(())
}

/// A `text` message, borrowed.
#[derive(Serialize)]
struct Text<'a> {
    r#type: &'static str,
    message: Inner<'a>,
    meta: Option<()>,
}

#[derive(Serialize)]
struct Inner<'a> {
    text: &'a str,
}

impl<'a> Text<'a> {
    fn new(text: &'a str) -> Self {
        Self { r#type: "text", message: Inner { text }, meta: None }
    }
}
