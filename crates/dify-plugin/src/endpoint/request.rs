//! The HTTP request inside an endpoint request.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use dify_plugin_protocol::endpoint::http::{HttpRequest, HttpRequestError};
use dify_plugin_protocol::error::INVALID_REQUEST;
use dify_plugin_protocol::hex::decode_hex;
use http::uri::{PathAndQuery, Uri};
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::Full;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::payload::{SETTINGS, parse_object};

/// The header in which the daemon names the hook (`internal/service/endpoint.go`).
const HOOK_ID: &str = "dify-hook-id";

/// The body of a request to an endpoint. It is complete when the request arrives, and at most 10 MiB: the daemon cuts off the
/// rest (`internal/service/endpoint.go`).
#[derive(Clone, Default)]
pub struct Body(Full<Bytes>);

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for Body {
    /// Prints only the size: the content may be private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.size_hint().lower())
    }
}

/// The id in the endpoint's URL, `/e/<hook id>/…`: which of the endpoints that users have set up was called.
///
/// It is in the extensions of every request whose headers name it, and an extractor with the feature `axum`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookId(pub String);

/// The endpoint's settings as its user filled them in, decrypted. `Debug` does not print them.
///
/// They are in the extensions of every request to an endpoint; with the feature `axum`, `Settings<T>` extracts them typed.
#[derive(Clone)]
pub struct RawSettings(Option<Arc<RawValue>>);

impl RawSettings {
    /// Reads the settings as `T`. Those of an endpoint without settings are an empty object.
    ///
    /// # Errors
    ///
    /// `InvalidRequest`, with the field and what is wrong with it, but without its value.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        parse_object(SETTINGS, self.0.as_deref())
    }
}

impl fmt::Debug for RawSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawSettings(..)")
    }
}

/// Reads the HTTP message that the daemon wrote, in hex, and adds hook id and settings to its extensions.
pub(super) fn parse(raw_http_request: &str, settings: Option<&RawValue>) -> Result<Request<Body>> {
    let message = decode_hex(raw_http_request).map_err(HttpRequestError::from);
    let mut request = typed(message.and_then(HttpRequest::parse).map_err(unreadable)?)?;
    if let Some(Ok(id)) = request.headers().get(HOOK_ID).map(HeaderValue::to_str) {
        let id = HookId(id.to_owned());
        request.extensions_mut().insert(id);
    }
    request.extensions_mut().insert(RawSettings(settings.map(|settings| settings.to_owned().into())));
    Ok(request)
}

fn unreadable(reason: impl fmt::Display) -> Error {
    Error::new(INVALID_REQUEST, reason.to_string())
}

/// Converts the message to the types of the `http` crate.
fn typed(message: HttpRequest) -> Result<Request<Body>> {
    let mut request = Request::new(Body::default());
    *request.method_mut() = Method::from_bytes(message.method.as_bytes())
        .map_err(|_| unreadable("the method of the request is not valid in HTTP"))?;
    let target: PathAndQuery = message
        .target
        .parse()
        .map_err(|error| unreadable(format_args!("the request's path cannot be read: {error}")))?;
    *request.uri_mut() = Uri::from(target);
    for (name, value) in &message.headers {
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
        else {
            return Err(unreadable("a header of the request has a name or value that HTTP does not allow"));
        };
        request.headers_mut().append(name, value);
    }
    let headers = request.headers_mut();
    if headers.remove(header::TRANSFER_ENCODING).is_some() {
        // The body is decoded already. The daemon's HTTP writer adds this coding to an empty POST or PUT.
        headers.insert(header::CONTENT_LENGTH, message.body.len().into());
    }
    *request.body_mut() = Body(Full::new(message.body.into()));
    Ok(request)
}
