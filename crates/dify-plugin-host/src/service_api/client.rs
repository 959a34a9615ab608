//! Calls to Dify, and its responses as a plugin reads them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use dify_plugin_protocol::invoke::InvokeSpec;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, redirect};
use serde_json::{Map, Value};

use super::app::{App, Route};
use super::error::ServiceApiError;
use super::request::{self, Mode};
use super::sse::{EventReader, TooLong};
use crate::frame::beginning;
use crate::platform::{PlatformError, Reply, ReverseCall, one};

/// How long Dify may take to accept a connection, as at the daemon (`internal/core/dify_invocation/calldify/http_client.go`).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest event or object, in bytes (daemon `internal/types/app/config.go`, `RESPONSE_MAX_BUFFER_SIZE`).
const ANSWER_BYTES: usize = 30 * 1024 * 1024;

/// How much of a refusal's body is read, in bytes.
const REFUSAL_BYTES: usize = 64 * 1024;

/// How long a request about an app, and the body of a refusal, may take. Dify needs to run nothing for them.
const SHORT_TIMEOUT: Duration = Duration::from_secs(30);

type Replies = BoxStream<'static, Result<Reply, PlatformError>>;

/// Where and how Dify is called.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    /// Ends in a slash.
    pub(super) base: Url,
    pub(super) user: Arc<str>,
    pub(super) silence_timeout: Duration,
}

impl Client {
    pub(super) fn new(url: &str, user: &str) -> Result<Self, ServiceApiError> {
        let base = base(url)?;
        // Fails if the program has installed a provider itself, which is then used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // The key is meant only for the given address, and a redirected POST would become a GET.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|source| ServiceApiError::Client(Arc::new(source)))?;
        Ok(Self { http, base, user: user.into(), silence_timeout: Duration::from_secs(60) })
    }

    /// Returns the reply to `fetch_app`.
    pub(super) async fn parameters(&self, app: &App, call: &ReverseCall) -> Result<Replies, PlatformError> {
        let app_call = AppCall { app, spec: call.spec };
        let response = app_call.about(self, "parameters").await?;
        let body = app_call.object(response).await?;
        Ok(one(Ok(Reply::from(&Value::Object(body)))))
    }

    /// Runs an app. The replies of a stream arrive as Dify sends them.
    pub(super) async fn answer(&self, app: &App, call: &ReverseCall) -> Result<Replies, PlatformError> {
        let mode = Mode::of(&call.request)?;
        let app_call = AppCall { app, spec: call.spec };
        let user = if call.session.user_id.is_empty() { &*self.user } else { &call.session.user_id };
        let no_query = request::text(&call.request, "query").is_empty();
        let (routes, sure) = match self.route(&app_call).await? {
            Some(route) => (vec![route], true),
            None if no_query => (vec![Route::Workflow, Route::Completion], false),
            None => (vec![Route::Chat, Route::Workflow, Route::Completion], false),
        };
        let mut refusal = request::missing_query();
        for route in routes {
            let response = self.run(&app_call, route, &call.request, user, mode).await?;
            match app_call.accepted(response).await {
                Err(PlatformError::Refused { status: 400, body }) if !sure && is_wrong_route(&body) => {
                    // Without a query the only route left is a chat, and that needs one.
                    if !no_query {
                        refusal = PlatformError::Refused { status: 400, body };
                    }
                }
                Err(error) => return Err(error),
                Ok(response) => {
                    let _ = app.route.set(route);
                    return app_call.replies(response, mode, self.silence_timeout).await;
                }
            }
        }
        Err(refusal)
    }

    /// Returns the app's route, or `None` if Dify is too old to report the app's mode.
    async fn route(&self, app_call: &AppCall<'_>) -> Result<Option<Route>, PlatformError> {
        if let Some(route) = app_call.app.route.get() {
            return Ok(Some(*route));
        }
        let info = match app_call.about(self, "info").await {
            Ok(response) => app_call.object(response).await?,
            Err(PlatformError::Refused { status: 404, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(mode) = info.get("mode").and_then(Value::as_str).filter(|mode| !mode.is_empty()) else {
            return Ok(None);
        };
        let route = Route::of_mode(mode)
            .ok_or_else(|| PlatformError::refused(400, "invalid_param", "unexpected app type"))?;
        let _ = app_call.app.route.set(route);
        Ok(Some(route))
    }

    async fn run(
        &self,
        app_call: &AppCall<'_>,
        route: Route,
        request: &Map<String, Value>,
        user: &str,
        mode: Mode,
    ) -> Result<Response, PlatformError> {
        let body = request::body(route, request, user)?.to_string();
        let request = self.request(Method::POST, route.path(), app_call.app)?;
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        let sent = app_call.send(request);
        match mode {
            // Dify runs the whole app before it responds.
            Mode::Blocking => sent.await,
            Mode::Streaming => match tokio::time::timeout(self.silence_timeout, sent).await {
                Ok(sent) => sent,
                Err(_) => Err(app_call.silent(false, self.silence_timeout)),
            },
        }
    }

    fn request(&self, method: Method, path: &str, app: &App) -> Result<RequestBuilder, PlatformError> {
        // The base ends in a slash and the paths are ours.
        let url = self.base.join(path).map_err(|error| PlatformError::Other(error.to_string()))?;
        Ok(self.http.request(method, url).header(AUTHORIZATION, app.authorization.clone()))
    }
}

/// Parses the address below which the routes are.
fn base(url: &str) -> Result<Url, ServiceApiError> {
    let illegal = |problem: &'static str| ServiceApiError::Url { problem };
    let mut base = Url::parse(url).map_err(|_| illegal("it is not a valid URL"))?;
    if !["http", "https"].contains(&base.scheme()) || base.host_str().is_none() {
        return Err(illegal("it doesn't begin with http:// or https:// and a host"));
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(illegal("it contains a user name or password, but the app's key is sent in their place"));
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err(illegal("it has a query or a fragment"));
    }
    let path = base.path().trim_end_matches('/').to_owned();
    base.set_path(&if path.ends_with("/v1") { format!("{path}/") } else { format!("{path}/v1/") });
    Ok(base)
}

/// Whether Dify refused a call because the route is for another kind of app.
fn is_wrong_route(body: &str) -> bool {
    let code = serde_json::from_str::<Map<String, Value>>(body).ok().and_then(|mut body| body.remove("code"));
    let wrong = ["not_chat_app", "not_workflow_app", "app_unavailable"];
    code.as_ref().and_then(Value::as_str).is_some_and(|code| wrong.contains(&code))
}

/// A call of an app, with what its errors need.
struct AppCall<'a> {
    app: &'a App,
    spec: &'static InvokeSpec,
}

impl AppCall<'_> {
    /// Creates the error of a failure before the first reply, as the daemon does.
    fn failed(&self, text: &str) -> PlatformError {
        PlatformError::Other(format!("{}{}", self.spec.error_prefix, self.app.without_key(text)))
    }

    fn silent(&self, reading: bool, limit: Duration) -> PlatformError {
        let prefix = self.spec.stream_error_prefix.filter(|_| reading).unwrap_or(self.spec.error_prefix);
        PlatformError::Other(format!("{prefix}Dify sent nothing for {} s", limit.as_secs_f64()))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, PlatformError> {
        let (client, request) = request.build_split();
        let request = request.map_err(|error| self.failed(&cause(error)))?;
        let verb = if request.method() == Method::GET { "Get" } else { "Post" };
        let to = format!("{verb} \"{}\"", request.url());
        client.execute(request).await.map_err(|error| self.failed(&format!("{to}: {}", cause(error))))
    }

    /// Requests something about the app.
    async fn about(&self, client: &Client, path: &str) -> Result<Response, PlatformError> {
        let request = client.request(Method::GET, path, self.app)?.timeout(SHORT_TIMEOUT);
        self.accepted(self.send(request).await?).await
    }

    /// Accepts a response with status 200 and refuses all others, as the daemon does.
    async fn accepted(&self, response: Response) -> Result<Response, PlatformError> {
        let (status, url) = (response.status(), response.url().clone());
        if status == StatusCode::OK {
            return Ok(response);
        }
        if status.is_redirection() {
            let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
            let location = location.and_then(|location| url.join(location).ok()).map(|mut location| {
                location.set_query(None);
                format!(" to {location}")
            });
            let location = location.unwrap_or_default();
            return Err(self.failed(&format!(
                "{url} sent a redirect{location} (status {}); use the address that it leads to",
                status.as_u16()
            )));
        }
        let body = self.refusal_body(response).await;
        let fields: Map<String, Value> = serde_json::from_str(&body).unwrap_or_default();
        let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        if status == StatusCode::UNAUTHORIZED {
            // The daemon has no error for this, because it needs no keys.
            let id = &self.app.id;
            let said = beginning(field("message"));
            let text = format!("{url} does not accept the API key of the app `{id}` (status 401): {said}");
            return Err(self.failed(&text));
        }
        if status == StatusCode::NOT_FOUND
            && field("message").eq_ignore_ascii_case("conversation not exists.")
        {
            // Behind the daemon a plugin reads Dify's exception without its text.
            return Err(PlatformError::refused(400, "invalid_param", ""));
        }
        Err(PlatformError::Refused { status: status.as_u16(), body })
    }

    /// Reads the beginning of a refusal's body.
    async fn refusal_body(&self, mut response: Response) -> String {
        let mut body = Vec::new();
        let read = async {
            while body.len() <= REFUSAL_BYTES
                && let Ok(Some(bytes)) = response.chunk().await
            {
                body.extend_from_slice(&bytes);
            }
        };
        let whole = tokio::time::timeout(SHORT_TIMEOUT, read).await.is_ok() && body.len() <= REFUSAL_BYTES;
        let mut body = self.app.without_key(&String::from_utf8_lossy(&body));
        if !whole {
            // The cut may leave the beginning of the key at the end.
            let end = body.len().min(REFUSAL_BYTES).saturating_sub(self.app.key_bytes());
            body.truncate(body.floor_char_boundary(end));
        }
        body
    }

    /// Reads a response that is one JSON object.
    async fn object(&self, mut response: Response) -> Result<Map<String, Value>, PlatformError> {
        let url = response.url().clone();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(bytes)) => body.extend_from_slice(&bytes),
                Ok(None) => break,
                Err(error) if error.is_timeout() => return Err(self.failed(&cause(error))),
                Err(_) => return Err(self.failed("unexpected EOF")),
            }
            if body.len() > ANSWER_BYTES {
                return Err(self.failed(&format!("data length is too long: {}", body.len())));
            }
        }
        match serde_json::from_str(&String::from_utf8_lossy(&body)) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) | Err(_) => Err(self.failed(&format!(
                "{url} did not send a JSON object; is it the address of a Dify Service API?"
            ))),
        }
    }

    /// Returns the replies of an accepted response.
    async fn replies(
        &self,
        response: Response,
        mode: Mode,
        silence: Duration,
    ) -> Result<Replies, PlatformError> {
        if mode == Mode::Blocking {
            let answer = self.object(response).await?;
            return Ok(one(Ok(Reply::from(&Value::Object(answer)))));
        }
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_stream = content_type.is_some_and(|name| name.trim_start().starts_with("text/event-stream"));
        if !is_stream {
            let what = content_type.map_or_else(|| "no content type".to_owned(), |name| format!("`{name}`"));
            return Err(self.failed(&format!(
                "{} sent {what} instead of a stream of events; is it the address of a Dify Service API?",
                response.url()
            )));
        }
        let reading = Reading {
            response,
            reader: Some(EventReader::new(ANSWER_BYTES)),
            events: VecDeque::new(),
            failure: None,
            silent: self.silent(true, silence),
            silence,
            prefix: self.spec.stream_error_prefix.unwrap_or(self.spec.error_prefix),
        };
        Ok(stream::unfold(reading, |mut reading| async move { Some((reading.next().await?, reading)) })
            .boxed())
    }
}

/// A stream of events.
struct Reading {
    response: Response,
    /// `None` after the end of the stream.
    reader: Option<EventReader>,
    /// The data of events that have arrived.
    events: VecDeque<Vec<u8>>,
    /// The failure that follows them.
    failure: Option<PlatformError>,
    silent: PlatformError,
    silence: Duration,
    prefix: &'static str,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<Reply, PlatformError>> {
        loop {
            while let Some(data) = self.events.pop_front() {
                match read_event(&data) {
                    Ok(None) => {}
                    Ok(Some(item)) => return Some(Ok(item)),
                    Err(problem) => {
                        self.events.clear();
                        self.reader = None;
                        return Some(Err(self.broken(&problem)));
                    }
                }
            }
            if let Some(failure) = self.failure.take() {
                return Some(Err(failure));
            }
            let mut reader = self.reader.take()?;
            match tokio::time::timeout(self.silence, self.response.chunk()).await {
                Ok(Ok(Some(bytes))) => match reader.feed(&bytes, &mut self.events) {
                    Ok(()) => self.reader = Some(reader),
                    Err(TooLong { bytes }) => {
                        self.failure = Some(self.broken(&format!("data length is too long: {bytes}")));
                    }
                },
                // Some servers omit the last empty line. An event that isn't complete JSON was cut off.
                Ok(Ok(None)) => match reader.rest() {
                    Some(rest) if serde_json::from_slice::<serde::de::IgnoredAny>(&rest).is_err() => {
                        self.failure = Some(self.broken("EOF\nfailed to read data"));
                    }
                    rest => self.events.extend(rest),
                },
                Ok(Err(_)) => {
                    self.failure = Some(self.broken("unexpected EOF\nfailed to read system header"))
                }
                Err(_) => self.failure = Some(self.silent.clone()),
            }
        }
    }

    /// Creates the error of a failure in mid-stream, as the daemon does.
    fn broken(&self, text: &str) -> PlatformError {
        PlatformError::Other(format!("{}{text}", self.prefix))
    }
}

/// Reads an event. Dify passes only objects on to a plugin, and no pings (dify `api/core/plugin/backwards_invocation/base.py`).
fn read_event(data: &[u8]) -> Result<Option<Reply>, String> {
    let text = String::from_utf8_lossy(data);
    match serde_json::from_str(&text) {
        Ok(Value::Object(event)) if event.get("event").is_some_and(|name| name == "ping") => Ok(None),
        Ok(event @ Value::Object(_)) => Ok(Some(Reply::from(&event))),
        Ok(_) => Ok(None),
        Err(_) if text == "ping" || text.is_empty() => Ok(None),
        Err(error) => Err(format!("an event is not JSON: {error}")),
    }
}

/// Returns the innermost cause of a failure, which is the most specific.
fn cause(error: reqwest::Error) -> String {
    if error.is_timeout() && error.is_connect() {
        return "dial tcp: i/o timeout".to_owned();
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
