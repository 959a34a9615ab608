//! An endpoint that asks a chat app and streams its events to the browser as they come.

use std::process::ExitCode;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Html;
use axum::routing::get;
use dify_plugin::{Plugin, Result, Session};
use futures_util::TryStreamExt;

async fn duck(session: Session, Path(app_id): Path<String>) -> Result<Html<Body>> {
    let events = session.app().chat(app_id).query("quack").stream().await?;
    Ok(Html(Body::from_stream(events.map_ok(|event| format!("{} <br>", event.raw())))))
}

fn main() -> ExitCode {
    let endpoints = Router::new().route("/duck/{app_id}", get(duck));
    Plugin::new().endpoints(endpoints).run()
}
