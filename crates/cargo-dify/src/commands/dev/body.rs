//! The body of an endpoint's response, on its way to an HTTP client.

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use dify_plugin_host::EndpointBody;
use futures_util::stream;
use http::{Method, Response, StatusCode, header};
use tokio::sync::mpsc;

use super::generation::Lease;

/// Relays the chunks of the response to a request of `method` as they come.
///
/// After a failure the body ends with the daemon's text for it, without breaking the connection, as in the daemon
/// (`internal/service/endpoint.go`).
///
/// A client that disconnects leaves the session. Having received everything that HTTP allows is not disconnecting: the response to
/// HEAD has no body, and after `Content-Length` bytes the client reads no further, but the plugin's `end` is still to come.
pub(super) fn relay(method: &Method, response: Response<EndpointBody>, lease: Lease) -> Response<Body> {
    let mut missing = missing(method, &response);
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    response.map(|mut body| {
        tokio::spawn(async move {
            // Until the plugin's `end`, its process must not be stopped.
            let _lease = lease;
            loop {
                let chunk = tokio::select! {
                    chunk = body.next() => chunk,
                    () = sender.closed(), if missing != Some(0) => return,
                };
                let (chunk, is_last) = match chunk {
                    Some(Ok(chunk)) => (chunk, false),
                    Some(Err(failure)) => (failure.daemon_text().into(), true),
                    None => return,
                };
                missing = missing.map(|missing| missing.saturating_sub(chunk.len() as u64));
                // If the client disconnected, `closed` returns next, unless the client has everything.
                let _ = sender.send(chunk).await;
                if is_last {
                    return;
                }
            }
        });
        Body::from_stream(stream::unfold(receiver, |mut receiver| async move {
            let chunk = receiver.recv().await?;
            Some((Ok::<_, Infallible>(chunk), receiver))
        }))
    })
}

/// Returns how many bytes of the body the client still expects, if the head says so.
fn missing<T>(method: &Method, response: &Response<T>) -> Option<u64> {
    let has_no_body = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status());
    if has_no_body || method == Method::HEAD {
        return Some(0);
    }
    response.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
