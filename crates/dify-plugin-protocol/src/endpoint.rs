//! Endpoints: an HTTP request to the plugin, and the chunks of its response.

pub mod http;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::credentials::Settings;
use crate::endpoint::http::{HttpRequest, HttpRequestError};
use crate::hex::decode_hex;
use crate::tool::request::rest_of_request;

/// The payload of `invoke_endpoint`: one HTTP request (`pkg/entities/requests/endpoint.go`). The plugin sends
/// [`EndpointResponse`]s.
///
/// Deserialize it from the same `data` as [`RequestHeader`](crate::RequestHeader).
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InvokeEndpoint<'a> {
    /// An HTTP/1.1 request message, in lower-case hex.
    #[serde(borrow)]
    pub raw_http_request: Cow<'a, str>,
    /// The endpoint's settings.
    #[serde(default)]
    pub settings: Settings,
    /// Fields that this version does not know.
    #[serde(flatten, deserialize_with = "rest_of_request")]
    pub extra: Map<String, Value>,
}

impl InvokeEndpoint<'_> {
    /// Parses the HTTP request.
    ///
    /// # Errors
    ///
    /// If it is not hex, or not a complete HTTP/1.1 request.
    pub fn http_request(&self) -> Result<HttpRequest, HttpRequestError> {
        HttpRequest::parse(decode_hex(&self.raw_http_request)?)
    }
}

crate::redacted_debug!(InvokeEndpoint<'_> { raw_http_request, settings, extra });

/// A chunk of an endpoint's response (`pkg/entities/endpoint_entities/endpoint.go`).
///
/// The daemon reads status and headers up to and including the first chunk with a `result`. It ends the body at a later
/// chunk without one (`internal/core/io_tunnel/endpoint_service.go`).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointResponse {
    /// The HTTP status. The daemon accepts any number, but its HTTP server only sends 100 to 999.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The headers, with one value per name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// Bytes of the body, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

crate::redacted_debug!(EndpointResponse { status, headers, result });
