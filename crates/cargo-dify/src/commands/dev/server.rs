//! The HTTP server in front of a plugin's endpoints.

use std::io;
use std::net::SocketAddr;

use axum::body::Body;
use axum::handler::HandlerWithoutStateExt;
use axum::serve::ListenerExt;
use bytes::{Bytes, BytesMut};
use dify_plugin_protocol::limits::ENDPOINT_REQUEST_BODY_BYTES;
use futures_util::TryStreamExt;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::body;
use super::generation::{Current, Generation};
use crate::console::Tone;
use crate::endpoints::HOOK_ID;
use crate::narrator::{Note, short};

/// Where the daemon tells an endpoint its own public address.
const HOOK_URL: HeaderName = HeaderName::from_static("dify-hook-url");

/// Headers of one connection, which must not be copied from the plugin's response.
const HOP_BY_HOP: [HeaderName; 2] = [header::CONNECTION, header::TRANSFER_ENCODING];

/// Serves the endpoints of the `current` process. Every path is the plugin's, as it is below `/e/<hook id>` in the daemon. Returns
/// the address, and a handle that stops the server.
pub(super) fn serve(listener: TcpListener, current: Current) -> io::Result<(SocketAddr, AbortHandle)> {
    let address = listener.local_addr()?;
    // The chunks of a body are small and wanted at once.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let handler = move |request: Request<Body>| async move { respond(&current, address, request).await };
    let server = tokio::spawn(async move { axum::serve(listener, handler.into_make_service()).await });
    Ok((address, server.abort_handle()))
}

async fn respond(current: &Current, address: SocketAddr, request: Request<Body>) -> Response<Body> {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let request = match read(request, address).await {
        Ok(request) => request,
        Err(error) => return plain(StatusCode::BAD_REQUEST, format!("the request is incomplete: {error}\n")),
    };
    let Ok(lease) = current.lease().await else {
        let text = "the plugin could not be started; see the output of cargo dify dev\n";
        return plain(StatusCode::SERVICE_UNAVAILABLE, text);
    };
    let generation = &*lease.generation;
    let Some(settings) = generation.settings.clone() else {
        return plain(StatusCode::NOT_FOUND, "the manifest declares no endpoints\n");
    };
    match generation.host.invoke_endpoint(request, HOOK_ID, settings).await {
        Ok(mut response) => {
            let (status, session) = (response.status(), short(response.body().session_id()));
            let tone =
                if status.is_client_error() || status.is_server_error() { Tone::Bad } else { Tone::Good };
            let help = generation.routes.help(status, &method, uri.path());
            let help = help.map_or_else(String::new, |help| format!("\n{help}"));
            note(generation, tone, format!("{session} {status} to {method} {uri}{help}"));
            for name in HOP_BY_HOP {
                response.headers_mut().remove(name);
            }
            body::relay(&method, response, lease)
        }
        // The reason is shown when the session ends.
        Err(error) => {
            let response = error.response();
            note(generation, Tone::Bad, format!("{} to {method} {uri}", response.status()));
            response.map(Body::from)
        }
    }
}

/// Reads the whole request, and cuts its body where the daemon does.
async fn read(request: Request<Body>, address: SocketAddr) -> Result<Request<Bytes>, axum::Error> {
    let (mut head, body) = request.into_parts();
    let mut chunks = body.into_data_stream();
    let mut whole = BytesMut::new();
    while whole.len() < ENDPOINT_REQUEST_BODY_BYTES
        && let Some(chunk) = chunks.try_next().await?
    {
        whole.extend_from_slice(&chunk);
    }
    whole.truncate(ENDPOINT_REQUEST_BODY_BYTES);
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.map_or_else(|| address.to_string(), str::to_owned);
    if let Ok(url) = HeaderValue::try_from(format!("http://{host}{}", head.uri.path())) {
        head.headers.entry(HOOK_URL).or_insert(url);
    }
    Ok(Request::from_parts(head, whole.freeze()))
}

fn note(generation: &Generation, tone: Tone, text: String) {
    // Fails only while the command ends.
    let _ = generation.notes.send(Note { tone, verb: "Response", text });
}

fn plain(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
}
