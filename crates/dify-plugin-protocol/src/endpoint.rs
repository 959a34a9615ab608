//! Endpoints: an HTTP request to the plugin, and the pieces of its answer.

pub mod http;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::credentials::Settings;
use crate::endpoint::http::{HttpRequest, HttpRequestError};
use crate::tool::request::rest_of_request;

/// Serves one HTTP request (`pkg/entities/requests/endpoint.go`). Answered with [`EndpointResponse`]s.
///
/// Read it from the request's `data`, beside [`RequestHeader`](crate::RequestHeader).
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InvokeEndpoint<'a> {
    /// An HTTP/1.1 request message, in lower-case hex.
    #[serde(borrow)]
    pub raw_http_request: Cow<'a, str>,
    /// The endpoint's settings.
    #[serde(default)]
    pub settings: Settings,
    /// The fields that this version does not know.
    #[serde(flatten, deserialize_with = "rest_of_request")]
    pub extra: Map<String, Value>,
}

impl InvokeEndpoint<'_> {
    /// The HTTP request inside.
    ///
    /// # Errors
    ///
    /// If it is no hex, or not one whole HTTP/1.1 request.
    pub fn http_request(&self) -> Result<HttpRequest, HttpRequestError> {
        HttpRequest::parse(decode_hex(&self.raw_http_request)?)
    }
}

crate::redacted_debug!(InvokeEndpoint<'_> { raw_http_request, settings, extra });

/// A piece of an endpoint's answer (`pkg/entities/endpoint_entities/endpoint.go`).
///
/// Status and headers count up to the first piece with a `result`, that piece included; from then on every piece must have
/// a `result`, or the daemon ends the body (`internal/core/io_tunnel/endpoint_service.go`).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointResponse {
    /// The HTTP status. The daemon takes any number, but its HTTP server serves 100 to 999 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The headers: one value a name, whatever HTTP would allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// Bytes of the body, in hex of either case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

impl EndpointResponse {
    /// Status and headers without a body, which follows.
    pub fn head(status: u16, headers: BTreeMap<String, String>) -> Self {
        Self { status: Some(status), headers: Some(headers), result: None }
    }

    /// A piece of the body. In hex it is twice as long, and must fit a line
    /// ([`DAEMON_LINE_BYTES`](crate::limits::DAEMON_LINE_BYTES)).
    pub fn body(bytes: &[u8]) -> Self {
        Self { status: None, headers: None, result: Some(encode_hex(bytes)) }
    }

    /// An answer whole: status, headers and body in one piece.
    pub fn whole(status: u16, headers: BTreeMap<String, String>, body: &[u8]) -> Self {
        Self { result: Some(encode_hex(body)), ..Self::head(status, headers) }
    }

    /// The bytes of its piece of the body, if it has one.
    ///
    /// # Errors
    ///
    /// If `result` is no hex.
    pub fn body_bytes(&self) -> Result<Option<Vec<u8>>, HexError> {
        self.result.as_deref().map(decode_hex).transpose()
    }
}

crate::redacted_debug!(EndpointResponse { status, headers, result });

/// Hex of lower case.
pub fn encode_hex(bytes: &[u8]) -> String {
    const_hex::encode(bytes)
}

/// Undoes [`encode_hex`]; takes either case.
///
/// # Errors
///
/// If the text is of odd length, or has anything but hex digits. A prefix `0x` is none.
pub fn decode_hex(text: &str) -> Result<Vec<u8>, HexError> {
    if text.starts_with("0x") {
        // The decoder would skip it; the daemon's does not.
        return Err(HexError("invalid character 'x' at position 1".to_owned()));
    }
    const_hex::decode(text).map_err(|error| HexError(error.to_string()))
}

/// A text that is no hex.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an even number of hex digits: {0}")]
pub struct HexError(String);
