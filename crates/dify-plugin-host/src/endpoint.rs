//! Endpoints: an HTTP request into the plugin, and its HTTP answer as it comes
//! (`internal/core/io_tunnel/endpoint_service.go`, `internal/service/endpoint.go`).

mod request;

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use dify_plugin_protocol::endpoint::decode_hex;
use dify_plugin_protocol::{AccessType, Action};
use futures_core::Stream;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use serde_json::{Map, Value};

use crate::chunk::{self, EndpointChunk};
use crate::encode;
use crate::error::{HostError, SessionFailure};
use crate::host::{Host, OpenSession};
use crate::messages::Messages;

/// Why an endpoint gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The plugin could not be asked.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The session failed before the answer's body began.
    #[error(transparent)]
    Failed(#[from] SessionFailure),
}

impl EndpointError {
    /// What the daemon answers over HTTP in this case: status 500 and a JSON object that holds the error.
    pub fn response(&self) -> Response<Bytes> {
        let message = match self {
            // What a plugin wrote on stderr is not for its callers.
            Self::Host(HostError::PluginExited(exit)) => format!("the plugin is gone: {}", exit.brief()),
            Self::Host(error) => error.to_string(),
            Self::Failed(failure) => failure.daemon_text(),
        };
        // Go writes a struct's fields in their order.
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
    /// Hands an HTTP request to the plugin's endpoints and waits until its answer begins. The path of `request` is the
    /// one below the hook, such as `/duck/app-1`; `hook_id` is the hook's own part of the public address.
    ///
    /// The request is written as the daemon writes it: headers sorted, some of the proxy's removed, `Dify-Hook-Id` and
    /// `Dify-Hook-Url` added, a body of more than 10 MiB cut. The answer is read as the daemon reads it, but for what
    /// the daemon loses: no piece of a body is dropped or cut off here, and what ends a body early there is an error.
    ///
    /// # Errors
    ///
    /// If the plugin could not be asked, or its session failed before the body began.
    pub async fn invoke_endpoint(
        &self,
        request: Request<Bytes>,
        hook_id: &str,
        settings: Map<String, Value>,
    ) -> Result<Response<EndpointBody>, EndpointError> {
        let raw = request::write(&request, hook_id);
        let payload = Map::from_iter([
            ("raw_http_request".to_owned(), const_hex::encode(raw).into()),
            ("settings".to_owned(), settings.into()),
        ]);
        let mut session = OpenSession::new(AccessType::Endpoint, Action::InvokeEndpoint, payload);
        session.endpoint_id = Some(hook_id.to_owned());
        respond(self.open(session).await?).await
    }
}

/// Reads up to the first piece of the body, which fixes status and headers.
async fn respond(mut answers: Messages) -> Result<Response<EndpointBody>, EndpointError> {
    let mut head = Head::default();
    let first = loop {
        let Some(answer) = answers.next().await else { break None };
        let taken = chunk::endpoint(&answer?).and_then(|chunk| head.take(chunk));
        match taken {
            Ok(None) => {}
            Ok(Some(piece)) => break Some(piece),
            Err(failure) => return Err(answers.fail(failure).into()),
        }
    };
    match head.finish() {
        Ok(response) => Ok(response.map(|()| EndpointBody { first, answers })),
        Err(failure) => Err(answers.fail(failure).into()),
    }
}

/// Status and headers as they are gathered before the body begins.
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
            // Of a name that comes again the first value counts.
            self.response.headers_mut().entry(name).or_insert(value);
        }
        chunk.result.as_deref().map(piece).transpose()
    }

    fn finish(mut self) -> Result<Response<()>, SessionFailure> {
        if let Some(status) = self.status {
            *self.response.status_mut() = StatusCode::from_u16(status).map_err(|_| {
                SessionFailure::BadMessage(format!(
                    "the status {status} is not between 100 and 999; the daemon would answer 200 without a body"
                ))
            })?;
        }
        Ok(self.response)
    }
}

fn piece(result: &str) -> Result<Bytes, SessionFailure> {
    decode_hex(result).map(Bytes::from).map_err(|error| {
        SessionFailure::BadMessage(format!(
            "a `result` that is no hex: {error}; the daemon answers 500, or, once the body began, ends it there"
        ))
    })
}

/// The body of an endpoint's answer: its pieces as they come, ended by `end`, or by one failure.
///
/// Every piece should reach the caller at once; the daemon flushes after each.
#[derive(Debug)]
#[must_use = "dropping this forgets the session; its plugin is not told"]
pub struct EndpointBody {
    first: Option<Bytes>,
    answers: Messages,
}

impl EndpointBody {
    /// The session's id.
    pub fn session_id(&self) -> &str {
        self.answers.session_id()
    }

    /// The next piece, or `None` after the end. Cancel safe.
    ///
    /// # Errors
    ///
    /// The one failure that ended the session. The daemon appends the text of a plugin's error to the body there.
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
        let piece = chunk::endpoint(&answer).and_then(|chunk| match chunk.result {
            Some(result) => piece(&result),
            None => Err(SessionFailure::BadMessage(
                "a message without `result` after the body began; the daemon ends the body there".to_owned(),
            )),
        });
        Poll::Ready(Some(piece.map_err(|failure| this.answers.fail(failure))))
    }
}
