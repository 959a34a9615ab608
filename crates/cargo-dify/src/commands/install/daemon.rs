//! The management API of a plugin daemon (`internal/server/http_server.go`, `pluginManagementGroup`).

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::console::{Console, Tone};
use crate::error::{Context, Error};

/// The variable with the daemon's key, as Dify's own deployments name it.
pub(super) const KEY: &str = "PLUGIN_DAEMON_KEY";

/// How long the daemon may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the daemon may be silent before and during a response. It decodes and stores a package before it responds.
const SILENCE: Duration = Duration::from_secs(120);
/// How often the progress of a task is requested.
const PACE: Duration = Duration::from_millis(100);
/// The number of characters shown of a response that isn't the daemon's.
const FOREIGN: usize = 300;

/// One workspace of a daemon.
pub(super) struct Daemon<'a> {
    client: Client,
    /// The workspace's management API, without a slash at the end.
    url: String,
    console: &'a Console,
}

impl<'a> Daemon<'a> {
    /// Connects to the daemon at `url`, such as `http://127.0.0.1:5002`, for the workspace with the id `tenant`. `key` is the
    /// daemon's SERVER_KEY.
    pub(super) fn new(url: &str, tenant: &str, key: &str, console: &'a Console) -> Result<Self, Error> {
        let mut key = HeaderValue::from_str(key).context(format!("{KEY} is not valid in an HTTP header"))?;
        key.set_sensitive(true);
        // Fails only if there is a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            // A redirect must not carry the key elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(HeaderMap::from_iter([(HeaderName::from_static("x-api-key"), key)]))
            .build()
            .context("cannot create an HTTP client")?;
        let url = format!("{}/plugin/{tenant}/management", url.trim_end_matches('/'));
        Ok(Self { client, url, console })
    }

    /// Uploads a package and returns its unique identifier, such as `author/name:0.0.1@checksum`.
    pub(super) async fn upload(&self, package: Vec<u8>) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Uploaded {
            unique_identifier: String,
        }

        let file = Part::bytes(package).file_name("plugin.difypkg");
        let request = self.post("install/upload/package").multipart(Form::new().part("dify_pkg", file));
        Ok(send::<Uploaded>(request).await?.unique_identifier)
    }

    /// Returns the unique identifier of the workspace's version of a plugin (`author/name`), if it has one.
    pub(super) async fn installed(&self, plugin: &str) -> Result<Option<String>, Error> {
        #[derive(Deserialize)]
        struct Installation {
            plugin_unique_identifier: String,
        }

        let request = self.post("installation/fetch/batch").json(&json!({"plugin_ids": [plugin]}));
        let found: Vec<Installation> = send(request).await?;
        Ok(found.into_iter().next().map(|installation| installation.plugin_unique_identifier))
    }

    /// Installs an uploaded package. If the workspace has any version of the plugin, the daemon does nothing and reports success:
    /// use [`upgrade`](Self::upgrade) then.
    pub(super) async fn install(&self, identifier: &str) -> Result<(), Error> {
        let body = json!({"plugin_unique_identifiers": [identifier], "source": "package", "metas": [{}]});
        self.run_task("install/identifiers", body).await
    }

    /// Replaces an installed version by an uploaded package.
    pub(super) async fn upgrade(&self, from: &str, to: &str) -> Result<(), Error> {
        let body = json!({
            "original_plugin_unique_identifier": from,
            "new_plugin_unique_identifier": to,
            "source": "package",
            "meta": {},
        });
        self.run_task("install/upgrade", body).await
    }

    /// Starts a task and waits for its end, showing the daemon's messages.
    async fn run_task(&self, path: &str, body: Value) -> Result<(), Error> {
        #[derive(Deserialize)]
        struct Started {
            all_installed: bool,
            task_id: String,
        }
        #[derive(Deserialize)]
        struct Task {
            plugins: Vec<Progress>,
        }
        #[derive(Deserialize)]
        struct Progress {
            status: String,
            message: String,
        }

        let started: Started = send(self.post(path).json(&body)).await?;
        if started.all_installed {
            return Ok(());
        }
        let url = format!("{}/install/tasks/{}", self.url, started.task_id);
        let mut shown = String::new();
        // The daemon forgets a task one minute after its success.
        loop {
            let task: Task = send(self.client.get(&url)).await?;
            if let Some(Progress { status, message }) = task.plugins.into_iter().next() {
                match &*status {
                    "success" => return Ok(()),
                    "failed" if message.is_empty() => return Err(Error::new("the installation failed")),
                    "failed" => {
                        return Err(Error::new(format!("the installation failed: {}", message.trim())));
                    }
                    _ if message != shown => {
                        self.console.entry(Tone::Note, "Daemon", &message);
                        shown = message;
                    }
                    _ => {}
                }
            }
            tokio::time::sleep(PACE).await;
        }
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}/{path}", self.url))
    }
}

/// What wraps every response (`pkg/entities/response.go`). Refusals usually come with status 200.
#[derive(Deserialize)]
struct Wrapped {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Value,
}

/// The text of an error, which is JSON in the response's JSON (`internal/types/exception`).
#[derive(Deserialize)]
struct Refusal {
    message: String,
    #[serde(default)]
    error_type: String,
}

const WRONG_URL: &str = "use the URL of the plugin daemon (usually port 5002), not of Dify";

async fn send<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Error> {
    let unreachable =
        |cause: reqwest::Error| Error::new("cannot reach the daemon").caused_by(cause).with_help(WRONG_URL);
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    let body = response.bytes().await.map_err(unreachable)?;

    let foreign = |_| {
        let text = String::from_utf8_lossy(&body);
        let shown: String = text.trim().chars().take(FOREIGN).collect();
        let shown = if shown.is_empty() { "it is empty" } else { &shown };
        let message = format!("the response (status {status}) is not from a plugin daemon: {shown}");
        Error::new(message).with_help(WRONG_URL)
    };
    let wrapped: Wrapped = serde_json::from_slice(&body).map_err(foreign)?;
    if wrapped.code == 0 {
        return serde_json::from_value(wrapped.data).map_err(foreign);
    }
    let Refusal { message, error_type } = serde_json::from_str(&wrapped.message)
        .unwrap_or(Refusal { message: wrapped.message, error_type: String::new() });
    let error = Error::new(format!("the daemon refused: {message}"));
    Err(if error_type == "PluginDaemonUnauthorizedError" {
        error.with_help(format!("set {KEY} to the daemon's SERVER_KEY"))
    } else if message.contains("bad signature") {
        error.with_help(
            "sign the package with a key that the daemon trusts (`cargo dify sign`), or set the daemon's \
             FORCE_VERIFYING_SIGNATURE to false",
        )
    } else {
        error
    })
}
