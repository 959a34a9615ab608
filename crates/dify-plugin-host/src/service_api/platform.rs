//! The platform: which app is called with which key.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dify_plugin_protocol::InvokeType;
use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use serde_json::Value;

use super::app::App;
use super::client::Client;
use super::error::ServiceApiError;
use crate::platform::{Platform, PlatformError, Reply, ReverseCall, one};

/// The user for whom Dify runs an app if none is given, such as for callers of an endpoint
/// (dify `api/core/plugin/backwards_invocation/app.py`).
const DEFAULT_USER: &str = "DEFAULT-USER";

/// A platform whose apps are those of a real Dify, called through its public Service API with one API key for each app.
///
/// It answers calls of type `app` and `fetch_app` and refuses all others; combine it with other platforms in a
/// [`Router`](crate::Router). A plugin reads what it would read from Dify behind the daemon: the same events and objects, and
/// refusals and failures in the daemon's words. As there, the app's own mode decides which route is called
/// (`chat-messages`, `workflows/run` or `completion-messages`), not what the plugin takes the app for; the mode is read once
/// from `info`. `fetch_app` returns what `parameters` returns.
///
/// It differs from the daemon in three ways:
///
/// - Calling an app without a key is an error that says so. Behind the daemon every app of the workspace can be called.
/// - An app whose API is switched off, or whose key is wrong, is refused only by the Service API.
/// - A completion app answers. (Behind the daemon it fails in every Dify so far.)
///
/// The user is that of the session, or [`user`](Self::user) if it has none; what a plugin writes in `user` has no effect, as
/// in Dify. Keys are in no error, no event and no `Debug`.
///
/// ```
/// use dify_plugin_host::{Router, Script, ServiceApi};
///
/// let api = ServiceApi::new("https://api.dify.ai/v1")?
///     .app("2b0e4a8c-7a1d-4c1e-9f53-0d6a1c2b3e4f", "app-0123456789")?;
/// let platform = Router::new().apps(api.app_ids(), api.clone()).fallback(Script::new());
/// # Ok::<(), dify_plugin_host::ServiceApiError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct ServiceApi {
    client: Client,
    apps: BTreeMap<String, Arc<App>>,
}

impl ServiceApi {
    /// Creates a client of the Service API at an address such as `https://api.dify.ai/v1`; `/v1` may be omitted. Apps are added
    /// with [`app`](Self::app). Uses the system's proxy and certificates.
    ///
    /// Installs ring as the process's TLS provider, unless the program has installed another.
    ///
    /// # Errors
    ///
    /// Fails if this is not an http or https address, or if it holds a password, a query or a fragment.
    pub fn new(url: &str) -> Result<Self, ServiceApiError> {
        Ok(Self { client: Client::new(url, DEFAULT_USER)?, apps: BTreeMap::new() })
    }

    /// Adds an app by its id, with a key of its API. Replaces the app's previous key, if any.
    ///
    /// # Errors
    ///
    /// Fails if the key is empty or not allowed in an HTTP header.
    pub fn app(mut self, id: impl Into<String>, key: impl AsRef<str>) -> Result<Self, ServiceApiError> {
        let id = id.into();
        self.apps.insert(id.clone(), Arc::new(App::new(id, key.as_ref())?));
        Ok(self)
    }

    /// Sets the user for sessions without one, such as those of endpoints. Default: `DEFAULT-USER`, which Dify also uses.
    pub fn user(mut self, user: impl Into<Arc<str>>) -> Self {
        self.client.user = user.into();
        self
    }

    /// Sets how long a stream of events may be silent before the call fails. A blocking call is limited only by its session.
    /// Dify sends a ping every 10 s. Default: 60 s.
    pub fn silence_timeout(mut self, limit: Duration) -> Self {
        self.client.silence_timeout = limit;
        self
    }

    /// Returns the ids of the apps that have a key.
    pub fn app_ids(&self) -> impl Iterator<Item = &str> {
        self.apps.keys().map(String::as_str)
    }

    /// Returns the address of the Service API, with a slash at the end.
    pub fn url(&self) -> &str {
        self.client.base.as_str()
    }
}

impl std::fmt::Debug for ServiceApi {
    /// Shows the ids of the apps and omits their keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceApi")
            .field("url", &self.url())
            .field("apps", &self.apps.keys())
            .finish_non_exhaustive()
    }
}

impl Platform for ServiceApi {
    fn invoke(&self, call: ReverseCall) -> BoxStream<'static, Result<Reply, PlatformError>> {
        if !matches!(call.invoke_type, InvokeType::App | InvokeType::FetchApp) {
            return one(Err(PlatformError::unhandled("Dify's Service API", &call)));
        }
        let id = call.request.get("app_id").and_then(Value::as_str).unwrap_or_default();
        let Some(app) = self.apps.get(id).map(Arc::clone) else {
            return one(Err(PlatformError::Other(format!(
                "{}there is no API key for the app `{id}` at {}; add it with `ServiceApi::app`",
                call.spec.error_prefix,
                self.url()
            ))));
        };
        let client = self.client.clone();
        let answer = async move {
            let answer = match call.invoke_type {
                InvokeType::App => client.answer(&app, &call).await,
                _ => client.parameters(&app, &call).await,
            };
            answer.unwrap_or_else(|error| one(Err(error)))
        };
        answer.flatten_stream().boxed()
    }
}
