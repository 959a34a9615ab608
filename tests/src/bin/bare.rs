//! A plugin on the multiplexer alone, without the authors' layer: each action does one thing wrong.

use dify_plugin_session::protocol::InvokeType;
use dify_plugin_session::{Config, Connection, Request};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut connection = Connection::stdio(Config::from_env()?)?;
    while let Some(request) = connection.accept().await? {
        tokio::spawn(answer(request));
    }
    Ok(())
}

async fn answer(request: Request) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let action = request.action().as_str().to_owned();
    let (payload, responder) = request.into_parts();
    match action.as_str() {
        "echo" => {
            responder.send(&*payload).await?;
            responder.finish()?;
        }
        "forget" => drop(responder),
        "panic" => panic!("on purpose"),
        "return" => {
            responder.send("before").await?;
            return Ok(());
        }
        "leave_call_open" => {
            let replies = responder.session().invoke(InvokeType::App, &json!({})).await?;
            responder.finish()?;
            drop(replies);
        }
        "keep" => {
            let mut replies = responder.session().invoke(InvokeType::App, &json!({})).await?;
            let answer = replies.try_next().await;
            answer?;
            responder.finish()?;
        }
        _ => responder.finish()?,
    }
    Ok(())
}
