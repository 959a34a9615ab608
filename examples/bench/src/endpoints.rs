//! The endpoints.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use dify_plugin::{Error, Result, Session};
use futures_util::{TryStreamExt, stream};

pub(crate) fn router() -> Router {
    Router::new()
        .route("/duck/{app_id}", get(duck))
        .route("/fixed", get(fixed))
        .route("/pieces", get(pieces))
        .route("/broken", get(broken))
}

/// Streams each event of a chat app as it comes.
async fn duck(session: Session, Path(app_id): Path<String>) -> Result<impl IntoResponse> {
    let events = session.app().chat(app_id).query("quack").stream().await?;
    let lines = events.map_ok(|event| format!("{} <br>", event.raw()));
    Ok(([(header::CONTENT_TYPE, "text/html")], Body::from_stream(lines)))
}

/// Returns a body of known length.
async fn fixed() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE.as_str(), "text/plain"), ("x-one", "1")];
    (StatusCode::CREATED, headers, "fixed body")
}

/// Returns a body of unknown length, in several chunks.
async fn pieces() -> impl IntoResponse {
    let chunks = stream::iter(["one ", "two ", "three"].map(Ok::<_, Infallible>));
    ([(header::CONTENT_TYPE, "text/plain")], Body::from_stream(chunks))
}

/// Fails.
async fn broken() -> Result<()> {
    Err(Error::new("RuntimeError", "endpoint broken"))
}
