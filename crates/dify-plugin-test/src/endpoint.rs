//! Endpoints: a request, and its response.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use bytes::Bytes;
use dify_plugin_host::{EndpointError, SessionFailure};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use serde_json::{Map, Value};

use crate::plugin::TestPlugin;
use crate::show::{self, Outcome, quoted};

/// The hook id in the endpoint's public URL.
const HOOK_ID: &str = "test";

impl TestPlugin {
    /// Creates a GET request to an endpoint, by the path that the YAML declares, with or without a query.
    #[track_caller]
    pub fn get(&self, path: &str) -> EndpointRequest<'_> {
        self.request(Method::GET, path)
    }

    /// Creates a POST request to an endpoint.
    #[track_caller]
    pub fn post(&self, path: &str) -> EndpointRequest<'_> {
        self.request(Method::POST, path)
    }

    /// Creates a request of any method to an endpoint.
    ///
    /// # Panics
    ///
    /// If `path` is not a path.
    #[track_caller]
    pub fn request(&self, method: Method, path: &str) -> EndpointRequest<'_> {
        EndpointRequest::new(self, method, path)
    }
}

/// A request to an endpoint. It is sent when it is awaited.
#[derive(Debug)]
#[must_use = "the request is sent when it is awaited"]
pub struct EndpointRequest<'a> {
    plugin: &'a TestPlugin,
    request: Request<Bytes>,
    settings: Map<String, Value>,
}

impl<'a> EndpointRequest<'a> {
    #[track_caller]
    pub(crate) fn new(plugin: &'a TestPlugin, method: Method, path: &str) -> Self {
        let uri = match path.parse::<Uri>() {
            Ok(uri) if path.starts_with('/') => uri,
            _ => panic!("{} is not a path; write it as in the YAML, such as /duck/app-1", quoted(path)),
        };
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        Self { plugin, request, settings: Map::new() }
    }

    /// Adds a header.
    ///
    /// # Panics
    ///
    /// If it is not valid in HTTP.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let header = name.parse::<HeaderName>().ok().zip(value.parse::<HeaderValue>().ok());
        let Some((name, value)) = header else { panic!("the header `{name}: {value}` is not valid in HTTP") };
        self.request.headers_mut().append(name, value);
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }

    /// Sets the body to JSON, and the header `content-type` with it.
    pub fn json(mut self, value: impl Into<Value>) -> Self {
        let json = HeaderValue::from_static("application/json");
        self.request.headers_mut().insert(http::header::CONTENT_TYPE, json);
        self.body(value.into().to_string())
    }

    /// Adds a setting of the endpoint, as its user fills it in.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    async fn send(self) -> EndpointResponse {
        let name = format!("{} {}", self.request.method(), self.request.uri());
        let host = self.plugin.host().await;
        let (head, chunks, failure) = match host.invoke_endpoint(self.request, HOOK_ID, self.settings).await {
            Ok(response) => {
                let (head, mut body) = response.into_parts();
                let (mut chunks, mut failure) = (Vec::new(), None);
                while let Some(chunk) = body.next().await {
                    match chunk {
                        Ok(chunk) => chunks.push(chunk),
                        Err(error) => failure = Some(error),
                    }
                }
                (head, chunks, failure)
            }
            Err(error @ EndpointError::Host(_)) => panic!("cannot open a session for {name}: {error}"),
            Err(error) => {
                let (head, body) = error.response().into_parts();
                let failure = if let EndpointError::Failed(failure) = error { Some(failure) } else { None };
                (head, vec![body], failure)
            }
        };
        EndpointResponse { name, status: head.status, headers: head.headers, chunks, failure }
    }
}

impl<'a> IntoFuture for EndpointRequest<'a> {
    type Output = EndpointResponse;
    type IntoFuture = Pin<Box<dyn Future<Output = EndpointResponse> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// The response of an endpoint. If the plugin fails before its response begins, this is the daemon's response with status
/// 500.
#[derive(Debug, Clone)]
#[must_use = "a response that is not asserted tests nothing"]
pub struct EndpointResponse {
    name: String,
    status: StatusCode,
    headers: HeaderMap,
    chunks: Vec<Bytes>,
    failure: Option<SessionFailure>,
}

impl EndpointResponse {
    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the chunks of the body as they came.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// Returns the whole body.
    pub fn bytes(&self) -> Bytes {
        self.chunks.concat().into()
    }

    /// Returns the whole body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Returns the error, if the plugin failed before or within the body.
    pub fn failure(&self) -> Option<&SessionFailure> {
        self.failure.as_ref()
    }

    /// Asserts that the response has this status.
    #[track_caller]
    pub fn assert_status(&self, expected: u16) -> &Self {
        self.expect(self.status.as_u16() == expected, &format!("status {expected}"))
    }

    /// Asserts that the response has this header.
    #[track_caller]
    pub fn assert_header(&self, name: &str, expected: &str) -> &Self {
        let is_equal = self.headers.get(name).is_some_and(|value| value == expected);
        self.expect(is_equal, &format!("the header {name}: {expected}"))
    }

    /// Asserts that the whole body is this text.
    #[track_caller]
    pub fn assert_text(&self, expected: &str) -> &Self {
        self.expect(self.failure.is_none() && self.bytes() == expected.as_bytes(), &quoted(expected))
    }

    /// Asserts that the body contains this text.
    #[track_caller]
    pub fn assert_text_contains(&self, part: &str) -> &Self {
        self.expect(self.text().contains(part), &format!("a text that contains {}", quoted(part)))
    }

    /// Asserts that the body is this JSON, in whatever format.
    #[track_caller]
    pub fn assert_json(&self, expected: impl Into<Value>) -> &Self {
        let expected = expected.into();
        let is_equal = serde_json::from_slice::<Value>(&self.bytes()).is_ok_and(|json| json == expected);
        self.expect(self.failure.is_none() && is_equal, &expected)
    }
}

impl Outcome for EndpointResponse {
    fn name(&self) -> &str {
        &self.name
    }
}

/// Prints the status, the headers, the body and the error.
impl fmt::Display for EndpointResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value:?}"));
        let body = format!("{} {}", self.status, show::bytes(&self.bytes()));
        let failure = self.failure.iter().map(|failure| format!("error {failure}"));
        f.write_str(&show::lines(std::iter::once(body).chain(headers).chain(failure)))
    }
}
