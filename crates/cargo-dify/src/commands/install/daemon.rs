//! The management API of a plugin daemon (`internal/server/http_server.go`, `pluginManagementGroup`).

use std::fmt;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// How long the daemon may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may be silent before and in an answer. It decodes a package, and writes it to its storage, before it answers.
const SILENCE: Duration = Duration::from_secs(120);
/// Of an answer that isn't the daemon's, as much is shown.
const FOREIGN: usize = 300;

/// Why the daemon didn't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DaemonError {
    #[error("the key is not one that an HTTP header can hold")]
    Key,
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    #[error("cannot reach the daemon")]
    Unreachable(#[source] reqwest::Error),
    /// The daemon's own words.
    #[error("the daemon refuses: {message}")]
    Refused { message: String, error_type: String },
    /// Something else listens there.
    #[error("the answer (status {status}) is not a plugin daemon's: {body}")]
    Foreign { status: u16, body: String },
}

/// One workspace of a daemon.
pub(crate) struct Daemon {
    client: Client,
    /// Of the workspace's management, without a slash at the end.
    url: String,
}

/// Without the key, which the client holds.
impl fmt::Debug for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Daemon").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What an installation leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It was done at once.
    Done,
    /// The task of this id does it.
    Task(String),
}

/// How far a task is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) state: State,
    /// What the daemon says of it, empty at first.
    pub(crate) message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Success,
    Failed,
}

impl Daemon {
    /// `url` as in `http://127.0.0.1:5002`; `tenant` is the workspace's id, `key` the daemon's SERVER_KEY.
    pub(crate) fn new(url: &str, tenant: &str, key: &str) -> Result<Self, DaemonError> {
        let mut key = HeaderValue::from_str(key).map_err(|_| DaemonError::Key)?;
        key.set_sensitive(true);
        // Err: the program has chosen one itself.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            // Elsewhere the key is nobody's business.
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(HeaderMap::from_iter([(
                reqwest::header::HeaderName::from_static("x-api-key"),
                key,
            )]))
            .build()
            .map_err(DaemonError::Client)?;
        Ok(Self { client, url: format!("{}/plugin/{tenant}/management", url.trim_end_matches('/')) })
    }

    /// Uploads a package; gives its unique identifier, as in `author/name:0.0.1@checksum`.
    pub(crate) async fn upload(&self, package: Vec<u8>) -> Result<String, DaemonError> {
        #[derive(Deserialize)]
        struct Uploaded {
            unique_identifier: String,
        }

        let file = Part::bytes(package).file_name("plugin.difypkg");
        let request = self.post("install/upload/package").multipart(Form::new().part("dify_pkg", file));
        Ok(answer::<Uploaded>(request).await?.unique_identifier)
    }

    /// The unique identifier under which the workspace has this plugin (`author/name`), if it does.
    pub(crate) async fn installed(&self, plugin: &str) -> Result<Option<String>, DaemonError> {
        #[derive(Deserialize)]
        struct Installation {
            plugin_unique_identifier: String,
        }

        let request = self.post("installation/fetch/batch").json(&json!({"plugin_ids": [plugin]}));
        let found: Vec<Installation> = answer(request).await?;
        Ok(found.into_iter().next().map(|installation| installation.plugin_unique_identifier))
    }

    /// Installs what was uploaded. For a plugin of which the workspace has any version, the daemon does nothing and calls it
    /// done: then [`upgrade`](Self::upgrade) is the way.
    pub(crate) async fn install(&self, identifier: &str) -> Result<Begun, DaemonError> {
        self.begin(
            "install/identifiers",
            json!({"plugin_unique_identifiers": [identifier], "source": "package", "metas": [{}]}),
        )
        .await
    }

    /// Puts what was uploaded in another version's place.
    pub(crate) async fn upgrade(&self, from: &str, to: &str) -> Result<Begun, DaemonError> {
        self.begin(
            "install/upgrade",
            json!({
                "original_plugin_unique_identifier": from,
                "new_plugin_unique_identifier": to,
                "source": "package",
                "meta": {},
            }),
        )
        .await
    }

    async fn begin(&self, path: &str, body: serde_json::Value) -> Result<Begun, DaemonError> {
        #[derive(Deserialize)]
        struct Installing {
            all_installed: bool,
            task_id: String,
        }

        let installing: Installing = answer(self.post(path).json(&body)).await?;
        Ok(if installing.all_installed { Begun::Done } else { Begun::Task(installing.task_id) })
    }

    /// How far a task is. The daemon forgets it a minute after its success.
    pub(crate) async fn progress(&self, task: &str) -> Result<Progress, DaemonError> {
        #[derive(Deserialize)]
        struct Task {
            plugins: Vec<Part>,
        }
        #[derive(Deserialize)]
        struct Part {
            status: String,
            message: String,
        }

        let request = self.client.get(format!("{}/install/tasks/{task}", self.url));
        let task: Task = answer(request).await?;
        // One package was asked for.
        let Some(part) = task.plugins.into_iter().next() else {
            return Ok(Progress { state: State::Running, message: String::new() });
        };
        let state = match &*part.status {
            "success" => State::Success,
            "failed" => State::Failed,
            _ => State::Running,
        };
        Ok(Progress { state, message: part.message })
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}/{path}", self.url))
    }
}

/// What every answer is wrapped in (`pkg/entities/response.go`). Refusals come with status 200 as a rule.
#[derive(Deserialize)]
struct Wrapped<T> {
    code: i64,
    #[serde(default)]
    message: String,
    data: Option<T>,
}

/// An error's text, which is JSON in the answer's JSON (`internal/types/exception`).
#[derive(Deserialize)]
struct Refusal {
    message: String,
    #[serde(default)]
    error_type: String,
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, DaemonError> {
    let response = request.send().await.map_err(DaemonError::Unreachable)?;
    let status = response.status().as_u16();
    let body = response.bytes().await.map_err(DaemonError::Unreachable)?;
    read(status, &body)
}

fn read<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, DaemonError> {
    let foreign = || {
        let text = String::from_utf8_lossy(body);
        let shown: String = text.trim().chars().take(FOREIGN).collect();
        let body = if shown.is_empty() { "it is empty".to_owned() } else { shown };
        DaemonError::Foreign { status, body }
    };
    let wrapped: Wrapped<serde_json::Value> = serde_json::from_slice(body).map_err(|_| foreign())?;
    if wrapped.code != 0 {
        let refusal = serde_json::from_str(&wrapped.message)
            .unwrap_or(Refusal { message: wrapped.message, error_type: String::new() });
        return Err(DaemonError::Refused { message: refusal.message, error_type: refusal.error_type });
    }
    serde_json::from_value(wrapped.data.unwrap_or_default()).map_err(|_| foreign())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The bodies are the daemon's own.

    #[test]
    fn a_refusal_is_told_in_the_daemons_words() {
        let body = br#"{"code":-400,"message":"{\"message\":\"difypkg: not a valid difypkg file\",\"error_type\":\"PluginDaemonBadRequestError\",\"args\":null}","data":null}"#;
        let error = read::<serde_json::Value>(200, body).unwrap_err();
        assert_eq!(error.to_string(), "the daemon refuses: difypkg: not a valid difypkg file");
        assert!(
            matches!(error, DaemonError::Refused { error_type, .. } if error_type == "PluginDaemonBadRequestError")
        );
        // Its validator's texts aren't JSON.
        let body = br#"{"code":-400,"message":"Key: 'TenantID' Error:Field validation","data":null}"#;
        assert_eq!(
            read::<serde_json::Value>(200, body).unwrap_err().to_string(),
            "the daemon refuses: Key: 'TenantID' Error:Field validation"
        );
    }

    #[test]
    fn what_is_no_daemons_answer_is_shown() {
        for (status, body, shown) in [
            (404, &br#"{"code":"not_found","message":"route not found"}"#[..], "route not found"),
            (200, b"<html>Welcome</html>", "Welcome"),
            (502, b"", "it is empty"),
            (200, br#"{"code":0,"message":"success","data":{"other":1}}"#, "other"),
        ] {
            let error = read::<Vec<u32>>(status, body).unwrap_err();
            assert!(matches!(error, DaemonError::Foreign { .. }), "{error:?}");
            assert!(error.to_string().contains(shown), "{error}");
            assert!(error.to_string().contains(&status.to_string()), "{error}");
        }
    }

    #[test]
    fn the_key_is_in_no_debug_output() {
        let daemon = Daemon::new("http://127.0.0.1:5002/", "t", "marked-secret").unwrap();
        assert_eq!(daemon.url, "http://127.0.0.1:5002/plugin/t/management");
        assert!(!format!("{daemon:?}").contains("marked-secret"));
        assert!(!format!("{:?}", daemon.post("list")).contains("marked-secret"));
        assert!(matches!(Daemon::new("http://a", "t", "a\nb"), Err(DaemonError::Key)));
    }
}
