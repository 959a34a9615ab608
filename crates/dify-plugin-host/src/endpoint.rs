//! Endpoints: an HTTP request to the plugin, and its HTTP response as it arrives
//! (`internal/core/io_tunnel/endpoint_service.go`, `internal/service/endpoint.go`).

mod request;

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use dify_plugin_protocol::hex::{decode_hex, encode_hex};
use dify_plugin_protocol::{AccessType, Action};
use futures_core::Stream;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use serde_json::{Map, Value};

use crate::chunk::{self, EndpointChunk};
use crate::encode;
use crate::error::{HostError, SessionFailure};
use crate::host::{Host, OpenSession};
use crate::messages::Messages;

/// Why an endpoint sent no response.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The plugin could not be called.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The session failed before the body of the response began.
    #[error(transparent)]
    Failed(#[from] SessionFailure),
}

impl EndpointError {
    /// Returns the HTTP response of the daemon in this case: status 500 and a JSON object with the error.
    pub fn response(&self) -> Response<Bytes> {
        let message = match self {
            // A plugin's stderr is not for its callers.
            Self::Host(HostError::PluginExited(exit)) => format!("the plugin exited: {}", exit.brief()),
            Self::Host(error) => error.to_string(),
            Self::Failed(failure) => failure.daemon_text(),
        };
        // Written by hand for the order of the fields, which are those of Go structs.
        let inner = format!(
            r#"{{"message":{},"error_type":"PluginDaemonInternalServerError","args":null}}"#,
            encode::text(&message)
        );
        let body = format!(r#"{{"code":-500,"message":{},"data":null}}"#, encode::text(&inner));
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(http::header::CONTENT_TYPE, json);
        response
    }
}

impl Host {
    /// Passes an HTTP request to the plugin's endpoints and waits until the response begins. The path of `request` is the
    /// one below the hook, such as `/duck/app-1`; `hook_id` is the hook's part of the public address.
    ///
    /// The request is written as the daemon writes it: headers are sorted, some of the proxy's headers are removed,
    /// `Dify-Hook-Id` and `Dify-Hook-Url` are added, and a body of more than 10 MiB is cut. The response is read as the daemon
    /// reads it, except that no chunk of the body is dropped, and that an error is returned where the daemon would end a
    /// body early.
    ///
    /// # Errors
    ///
    /// Fails if the plugin could not be called, or if its session failed before the body began.
    pub async fn invoke_endpoint(
        &self,
        request: Request<Bytes>,
        hook_id: &str,
        settings: Map<String, Value>,
    ) -> Result<Response<EndpointBody>, EndpointError> {
        let raw = request::write(&request, hook_id);
        let payload = Map::from_iter([
            ("raw_http_request".to_owned(), encode_hex(&raw).into()),
            ("settings".to_owned(), settings.into()),
        ]);
        let mut session = OpenSession::new(AccessType::Endpoint, Action::InvokeEndpoint, payload);
        session.endpoint_id = Some(hook_id.to_owned());
        respond(self.open(session).await?).await
    }
}

/// Reads up to the first chunk of the body; status and headers can't change after it.
async fn respond(mut answers: Messages) -> Result<Response<EndpointBody>, EndpointError> {
    let mut head = Head::default();
    let first = loop {
        let Some(answer) = answers.next().await else { break None };
        let taken = chunk::endpoint(&answer?).and_then(|chunk| head.take(chunk));
        match taken {
            Ok(None) => {}
            Ok(Some(body)) => break Some(body),
            Err(failure) => return Err(answers.fail(failure).into()),
        }
    };
    match head.finish() {
        Ok(response) => Ok(response.map(|()| EndpointBody { first, answers })),
        Err(failure) => Err(answers.fail(failure).into()),
    }
}

/// Status and headers, collected until the body begins.
#[derive(Default)]
struct Head {
    status: Option<u16>,
    response: Response<()>,
}

impl Head {
    fn take(&mut self, chunk: EndpointChunk) -> Result<Option<Bytes>, SessionFailure> {
        self.status = chunk.status.or(self.status);
        for (name, value) in chunk.headers.unwrap_or_default() {
            let value = value.unwrap_or_default();
            let (Ok(name), Ok(value)) = (HeaderName::try_from(&name), HeaderValue::try_from(value)) else {
                return Err(SessionFailure::BadMessage(format!(
                    "the header `{name}` has a name or a value that HTTP does not allow; the daemon would drop it"
                )));
            };
            // If a name is repeated, the first value is used.
            self.response.headers_mut().entry(name).or_insert(value);
        }
        chunk.result.as_deref().map(decode).transpose()
    }

    fn finish(mut self) -> Result<Response<()>, SessionFailure> {
        if let Some(status) = self.status {
            *self.response.status_mut() = StatusCode::from_u16(status).map_err(|_| {
                SessionFailure::BadMessage(format!(
                    "the status {status} is not between 100 and 999; the daemon would send 200 without a body"
                ))
            })?;
        }
        Ok(self.response)
    }
}

fn decode(result: &str) -> Result<Bytes, SessionFailure> {
    decode_hex(result).map(Bytes::from).map_err(|error| {
        SessionFailure::BadMessage(format!(
            "a `result` that is not hex: {error}; the daemon sends 500, or ends a body that has begun"
        ))
    })
}

/// The body of an endpoint's response: its chunks as they arrive, until the plugin's final frame or one failure.
///
/// Pass each chunk on immediately; the daemon flushes after each.
#[derive(Debug)]
#[must_use = "dropping this abandons the session; the plugin is not notified"]
pub struct EndpointBody {
    first: Option<Bytes>,
    answers: Messages,
}

impl EndpointBody {
    /// Returns the session's id.
    pub fn session_id(&self) -> &str {
        self.answers.session_id()
    }

    /// Receives the next chunk, or `None` after the end.
    ///
    /// # Errors
    ///
    /// Returns the failure that ended the session, once. The daemon appends the text of a plugin's error to the body instead.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: no chunk is lost.
    pub async fn next(&mut self) -> Option<Result<Bytes, SessionFailure>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for EndpointBody {
    type Item = Result<Bytes, SessionFailure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let Some(answer) = ready!(Pin::new(&mut this.answers).poll_next(cx)?) else {
            return Poll::Ready(None);
        };
        let decoded = chunk::endpoint(&answer).and_then(|chunk| match chunk.result {
            Some(result) => decode(&result),
            None => Err(SessionFailure::BadMessage(
                "a message without `result` after the body began; the daemon ends the body there".to_owned(),
            )),
        });
        Poll::Ready(Some(decoded.map_err(|failure| this.answers.fail(failure))))
    }
}
