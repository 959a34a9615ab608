//! A real Dify that answers for apps, through its public Service API.

mod answer;
mod app;
mod error;
mod request;
mod sse;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dify_plugin_protocol::InvokeType;
use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use reqwest::{Client, Url, redirect};
use serde_json::Value;

pub use error::ServiceApiError;

use self::app::App;
use crate::platform::{Platform, PlatformError, Reply, ReverseCall, Words, one};

/// How long Dify may take to accept a connection, as at the daemon (`internal/core/dify_invocation/calldify/http_client.go`).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// In whose name Dify runs an app where it is told nobody's, as it does for the callers of an endpoint
/// (dify `api/core/plugin/backwards_invocation/app.py`).
const DEFAULT_USER: &str = "DEFAULT-USER";

/// A platform that has apps answered by a real Dify, through its public Service API, with one API key for each app.
///
/// A plugin reads what it would read from Dify behind the daemon: the same events and objects, refusals and failures in the
/// daemon's words. Which route is asked (`chat-messages`, `workflows/run` or `completion-messages`) follows the app's own
/// mode, as there, and not what the plugin takes the app for; the mode is read once from `info`. `fetch_app` gets what
/// `parameters` says. What else a plugin asks is passed to the platform given with [`otherwise`](Self::otherwise).
///
/// Where it is not the daemon:
///
/// - An app without a key is an error that says so. Behind the daemon every app of the workspace can be called.
/// - An app whose API is switched off, or whose key is wrong, is refused by the Service API alone.
/// - A completion app answers. (Behind the daemon it fails in every Dify so far.)
///
/// The user is the session's, or [`user`](Self::user) where it has none; what a plugin writes in `user` has no effect, as
/// in Dify. Keys are in no error, no event and no `Debug`.
///
/// ```
/// use dify_plugin_host::{Script, ServiceApi};
///
/// let platform = ServiceApi::new("https://api.dify.ai/v1")?
///     .app("2b0e4a8c-7a1d-4c1e-9f53-0d6a1c2b3e4f", "app-0123456789")?
///     .otherwise(Script::new());
/// # Ok::<(), dify_plugin_host::ServiceApiError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct ServiceApi {
    client: Client,
    /// Ends in a slash.
    base: Url,
    apps: HashMap<String, Arc<App>>,
    user: Arc<str>,
    silence_timeout: Duration,
    otherwise: Option<Arc<dyn Platform>>,
}

impl ServiceApi {
    /// The Service API at an address such as `https://api.dify.ai/v1`; `/v1` may be left out. Apps are added with
    /// [`app`](Self::app). Uses the proxy and the certificates of the system.
    ///
    /// The process's TLS provider is set to ring's where the program has chosen none itself.
    ///
    /// # Errors
    ///
    /// If that is no http or https address, or if it holds a password, a query or a fragment.
    pub fn new(url: &str) -> Result<Self, ServiceApiError> {
        let base = base(url)?;
        // Err: the program has chosen one itself.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A key is for the address that was given, and a POST would arrive as a GET.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|source| ServiceApiError::Client(Arc::new(source)))?;
        Ok(Self {
            client,
            base,
            apps: HashMap::new(),
            user: DEFAULT_USER.into(),
            silence_timeout: Duration::from_secs(60),
            otherwise: None,
        })
    }

    /// Adds an app by its id, as the plugin names it, with a key of its API. A second key of the same app replaces the first.
    ///
    /// # Errors
    ///
    /// If the key is empty or can't stand in an HTTP header.
    pub fn app(mut self, id: impl Into<String>, key: impl AsRef<str>) -> Result<Self, ServiceApiError> {
        let id = id.into();
        self.apps.insert(id.clone(), Arc::new(App::new(id, key.as_ref())?));
        Ok(self)
    }

    /// Sets the user in whose name an app runs where the session has none, as those of endpoints. Default: `DEFAULT-USER`,
    /// the user of whom Dify then thinks itself.
    pub fn user(mut self, user: impl Into<Arc<str>>) -> Self {
        self.user = user.into();
        self
    }

    /// Sets how long a stream of events may be silent before it counts as broken; a blocking answer may take as long as the
    /// session. Dify sends a sign of life every 10 s. Default: 60 s.
    pub fn silence_timeout(mut self, limit: Duration) -> Self {
        self.silence_timeout = limit;
        self
    }

    /// Sets who answers what is no call of an app. Without one such a call is an error.
    pub fn otherwise(mut self, platform: impl Platform) -> Self {
        self.otherwise = Some(Arc::new(platform));
        self
    }

    /// Whether there is a key for the app.
    pub fn has_app(&self, id: &str) -> bool {
        self.apps.contains_key(id)
    }

    /// The address that is asked, ending in a slash.
    pub fn url(&self) -> &str {
        self.base.as_str()
    }
}

impl std::fmt::Debug for ServiceApi {
    /// Names the apps and leaves out their keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut apps: Vec<_> = self.apps.keys().collect();
        apps.sort_unstable();
        f.debug_struct("ServiceApi").field("url", &self.url()).field("apps", &apps).finish_non_exhaustive()
    }
}

impl Platform for ServiceApi {
    fn invoke(&self, call: ReverseCall) -> BoxStream<'static, Result<Reply, PlatformError>> {
        let streams = match &call.invoke_type {
            InvokeType::App => true,
            InvokeType::FetchApp => false,
            kind => {
                return match &self.otherwise {
                    Some(platform) => platform.invoke(call),
                    None => one(Err(PlatformError::Other(format!(
                        "Dify's Service API has no answer for a reverse invocation of type `{kind}`; it knows `app` and \
                         `fetch_app`"
                    )))),
                };
            }
        };
        let id = call.request.get("app_id").and_then(Value::as_str).unwrap_or_default();
        let Some(app) = self.apps.get(id).map(Arc::clone) else {
            return one(Err(PlatformError::Other(format!(
                "{}there is no API key for the app `{id}` at {}; add it with `ServiceApi::app`",
                Words::of(&call.invoke_type).asking,
                self.base
            ))));
        };
        let api = self.clone();
        if !streams {
            return async move { api.parameters(&app).await }.into_stream().boxed();
        }
        let answer = async move {
            match api.answer(&app, &call).await {
                Ok(items) => items,
                Err(error) => one(Err(error)),
            }
        };
        answer.flatten_stream().boxed()
    }
}

/// The address below which the routes are.
fn base(url: &str) -> Result<Url, ServiceApiError> {
    let illegal = |problem: &'static str| ServiceApiError::Url { problem };
    let mut base = Url::parse(url).map_err(|_| illegal("it can't be read as an address"))?;
    if !["http", "https"].contains(&base.scheme()) || base.host_str().is_none() {
        return Err(illegal("it doesn't begin with http:// or https:// and a host"));
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(illegal(
            "it holds a name or a password, in the place of which the key of the app is sent",
        ));
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err(illegal("nothing may follow its path"));
    }
    let path = base.path().trim_end_matches('/').to_owned();
    base.set_path(&if path.ends_with("/v1") { format!("{path}/") } else { format!("{path}/v1/") });
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_lack_its_last_part() {
        for (given, expected) in [
            ("https://api.dify.ai/v1", "https://api.dify.ai/v1/"),
            ("https://api.dify.ai/v1/", "https://api.dify.ai/v1/"),
            ("http://localhost:8080", "http://localhost:8080/v1/"),
            ("https://a.example/dify/", "https://a.example/dify/v1/"),
        ] {
            assert_eq!(ServiceApi::new(given).unwrap().url(), expected);
        }
        for illegal in
            ["api.dify.ai", "ftp://a/v1", "https://k:secret@a/v1", "https://a/v1?key=secret", "", "http://"]
        {
            let error = ServiceApi::new(illegal).unwrap_err();
            assert!(matches!(error, ServiceApiError::Url { .. }), "{illegal}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let api = ServiceApi::new("http://localhost").unwrap().app("app-1", "app-hunter2").unwrap();
        assert_eq!(format!("{api:?}"), r#"ServiceApi { url: "http://localhost/v1/", apps: ["app-1"], .. }"#);
        assert!(api.has_app("app-1") && !api.has_app("app-2"));
        for key in ["", " ", "hunter2\n", "hunter2\u{e9}"] {
            let error = api.clone().app("app-2", key).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
