//! Endpoints: a request, and what came of it.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use bytes::Bytes;
use dify_plugin_host::{EndpointError, SessionFailure};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use serde_json::{Map, Value};

use crate::plugin::TestPlugin;
use crate::show::{self, fail, quoted};

/// The hook's part of the public address.
const HOOK_ID: &str = "test";

/// A request to the plugin's endpoints, put together piece by piece. It is made when it is awaited.
#[must_use = "a request is made when it is awaited"]
pub struct EndpointCall<'a> {
    plugin: &'a TestPlugin,
    request: Request<Bytes>,
    settings: Map<String, Value>,
}

impl<'a> EndpointCall<'a> {
    #[track_caller]
    pub(crate) fn new(plugin: &'a TestPlugin, method: Method, path: &str) -> Self {
        let uri = match path.parse::<Uri>() {
            Ok(uri) if path.starts_with('/') => uri,
            _ => panic!("{} is no path; write it as the YAML has it, as in /duck/app-1", quoted(Some(path))),
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
    /// If it is not legal in HTTP.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let header = name.parse::<HeaderName>().ok().zip(value.parse::<HeaderValue>().ok());
        let Some((name, value)) = header else { panic!("the header `{name}: {value}` is not legal in HTTP") };
        self.request.headers_mut().append(name, value);
        self
    }

    /// Gives the request's body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }

    /// Gives JSON as the request's body, and says so in `content-type`.
    pub fn json(mut self, value: impl Into<Value>) -> Self {
        let json = HeaderValue::from_static("application/json");
        self.request.headers_mut().insert(http::header::CONTENT_TYPE, json);
        self.body(value.into().to_string())
    }

    /// Gives a setting of the endpoint, as its user fills it in.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    async fn ask(self) -> EndpointAnswer {
        let name = format!("{} {}", self.request.method(), self.request.uri());
        let host = self.plugin.host().await;
        let response = match host.invoke_endpoint(self.request, HOOK_ID, self.settings).await {
            Ok(response) => response,
            Err(error @ EndpointError::Host(_)) => panic!("{name} could not be asked: {error}"),
            Err(error) => {
                let (head, body) = error.response().into_parts();
                let failure = match error {
                    EndpointError::Failed(failure) => Some(failure),
                    _ => None,
                };
                return EndpointAnswer {
                    name,
                    status: head.status,
                    headers: head.headers,
                    pieces: vec![body],
                    failure,
                };
            }
        };
        let (head, mut body) = response.into_parts();
        let (mut pieces, mut failure) = (Vec::new(), None);
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) => pieces.push(piece),
                Err(error) => failure = Some(error),
            }
        }
        EndpointAnswer { name, status: head.status, headers: head.headers, pieces, failure }
    }
}

impl<'a> IntoFuture for EndpointCall<'a> {
    type Output = EndpointAnswer;
    type IntoFuture = Pin<Box<dyn Future<Output = EndpointAnswer> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.ask())
    }
}

impl fmt::Debug for EndpointCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointCall")
            .field("method", self.request.method())
            .field("uri", self.request.uri())
            .finish_non_exhaustive()
    }
}

/// What an endpoint answered. A plugin that fails before its answer begins is answered for with the daemon's status 500.
#[derive(Debug, Clone)]
#[must_use = "an answer that nobody looks at tests nothing"]
pub struct EndpointAnswer {
    name: String,
    status: StatusCode,
    headers: HeaderMap,
    pieces: Vec<Bytes>,
    failure: Option<SessionFailure>,
}

impl EndpointAnswer {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A header, if it is there and a text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Its body, piece by piece as it came.
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// Its whole body.
    pub fn bytes(&self) -> Bytes {
        self.pieces.concat().into()
    }

    /// Its whole body as text; what is no UTF-8 in it is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// How it failed, if it did, before its body began or in the middle.
    pub fn failure(&self) -> Option<&SessionFailure> {
        self.failure.as_ref()
    }

    /// Holds that the answer has this status.
    #[track_caller]
    pub fn assert_status(&self, expected: u16) -> &Self {
        if self.status.as_u16() != expected {
            self.fail("with another status", &expected.to_string());
        }
        self
    }

    /// Holds that the answer has this header.
    #[track_caller]
    pub fn assert_header(&self, name: &str, expected: &str) -> &Self {
        if self.header(name) != Some(expected) {
            let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value:?}"));
            let what = format!("{} answered with other headers", self.name);
            fail(&what, &format!("{name}: {expected}"), &show::lines(headers));
        }
        self
    }

    /// Holds that the body is this text, whole.
    #[track_caller]
    pub fn assert_text(&self, expected: &str) -> &Self {
        if self.bytes() != expected.as_bytes() || self.failure.is_some() {
            self.fail("something else", &quoted(Some(expected)));
        }
        self
    }

    /// Holds that this text is somewhere in the body.
    #[track_caller]
    pub fn assert_text_contains(&self, part: &str) -> &Self {
        if !self.text().contains(part) {
            self.fail("something else", &format!("a text with {}", quoted(Some(part))));
        }
        self
    }

    /// Holds that the body is this JSON, however it is written.
    #[track_caller]
    pub fn assert_json(&self, expected: impl Into<Value>) -> &Self {
        let expected = expected.into();
        let same = serde_json::from_slice::<Value>(&self.bytes()).is_ok_and(|json| json == expected);
        if !same || self.failure.is_some() {
            self.fail("something else", &expected.to_string());
        }
        self
    }

    #[track_caller]
    fn fail(&self, what: &str, expected: &str) -> ! {
        fail(&format!("{} answered {what}", self.name), &expected, self)
    }
}

/// Status and body, and how it failed.
impl fmt::Display for EndpointAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, show::bytes(&self.bytes()))?;
        match &self.failure {
            Some(failure) => write!(f, ", and failed: error {failure}"),
            None => Ok(()),
        }
    }
}
