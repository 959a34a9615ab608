//! A plugin under test.

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use dify_plugin::Plugin;
use dify_plugin::session_layer::{Config, Connection};
use dify_plugin_host::{Host, HostConfig, Platform, ReverseCall, Script, ScriptedApp};
use dify_plugin_manifest::Permission;
use http::Method;
use tokio::sync::OnceCell;

use crate::credentials::CredentialsCheck;
use crate::dify::{self, Asked, StandIn};
use crate::endpoint::EndpointCall;
use crate::tool::ToolCall;

/// How much fits into each pipe.
const PIPE_BYTES: usize = 64 * 1024;

/// A plugin that runs inside the test, and what stands in for Dify.
///
/// It is started by the first call, and runs until it is dropped. One serves any number of calls, also at once. Time may
/// be paused (`#[tokio::test(start_paused = true)]`): a script's waits and a handler's then take none.
///
/// What can't be set up panics, as a test's own mistakes should: what stands in for Dify is set before the first call, and a
/// first call that is given up before the plugin has started can't be made again.
pub struct TestPlugin {
    /// What it is made of, until it is started.
    parts: Mutex<Option<Parts>>,
    asked: Asked,
    host: OnceCell<Host>,
}

struct Parts {
    plugin: Plugin,
    stand_in: StandIn,
    permission: Option<Permission>,
}

impl TestPlugin {
    /// The plugin as its `main` would run it. No app answers yet, and all that it asks of Dify is permitted.
    pub fn new(plugin: Plugin) -> Self {
        let stand_in = StandIn::default();
        let asked = stand_in.asked.clone();
        let parts = Parts { plugin, stand_in, permission: None };
        Self { parts: Mutex::new(Some(parts)), asked, host: OnceCell::new() }
    }

    /// Adds a chat app that answers every question in these pieces; `*` stands for all apps that have no answer of their
    /// own.
    ///
    /// ```
    /// # use dify_plugin_test::TestPlugin;
    /// # let plugin = dify_plugin::Plugin::new();
    /// TestPlugin::new(plugin).app("app-1", ["Hello", " world"]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn app(self, id: impl Into<String>, pieces: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scripted_app(id, dify::chat_app(pieces))
    }

    /// Adds an app with events of any kind, waits between them, or a failure.
    #[must_use]
    #[track_caller]
    pub fn scripted_app(self, id: impl Into<String>, app: ScriptedApp) -> Self {
        self.with(|parts| {
            let script = std::mem::take(&mut parts.stand_in.script);
            parts.stand_in.script = script.app(id, app);
        })
    }

    /// Takes a script for all apps, such as `Script::read("script.yaml")`; those added before are gone.
    #[must_use]
    #[track_caller]
    pub fn script(self, script: Script) -> Self {
        self.with(|parts| parts.stand_in.script = script)
    }

    /// Answers whatever the plugin asks of Dify and no scripted app is there for: models, tools, storage, other apps.
    #[must_use]
    #[track_caller]
    pub fn platform(self, platform: impl Platform) -> Self {
        self.with(|parts| parts.stand_in.otherwise = Some(Box::new(platform)))
    }

    /// Permits what the manifest in `folder` permits, and no more: all else is refused in the daemon's words. In a
    /// plugin's own tests the folder is `env!("CARGO_MANIFEST_DIR")`.
    ///
    /// # Panics
    ///
    /// If the plugin's YAML can't be read.
    #[must_use]
    #[track_caller]
    pub fn manifest(self, folder: impl AsRef<Path>) -> Self {
        let folder = folder.as_ref();
        match dify_plugin_manifest::Plugin::read(folder) {
            Ok(plugin) => self.with(|parts| parts.permission = Some(plugin.manifest.resource.permission)),
            Err(error) => {
                panic!("the plugin's YAML in {} can't be read: {}", folder.display(), with_sources(&error))
            }
        }
    }

    /// A call of a tool, by the names that the plugin gives its provider and itself.
    pub fn tool(&self, provider: &str, tool: &str) -> ToolCall<'_> {
        ToolCall::new(self, provider, tool)
    }

    /// A check of a provider's credentials, as when a user fills them in.
    pub fn check_credentials(&self, provider: &str) -> CredentialsCheck<'_> {
        CredentialsCheck::new(self, provider)
    }

    /// A GET request to the plugin's endpoints, by the path that the YAML declares, with or without a query.
    #[track_caller]
    pub fn get(&self, path: &str) -> EndpointCall<'_> {
        self.request(Method::GET, path)
    }

    /// A POST request to the plugin's endpoints.
    #[track_caller]
    pub fn post(&self, path: &str) -> EndpointCall<'_> {
        self.request(Method::POST, path)
    }

    /// A request of any method to the plugin's endpoints.
    ///
    /// # Panics
    ///
    /// If `path` is none.
    #[track_caller]
    pub fn request(&self, method: Method, path: &str) -> EndpointCall<'_> {
        EndpointCall::new(self, method, path)
    }

    /// What the plugin has asked of Dify so far, in order. A call that the manifest does not permit, or that is malformed,
    /// is not among them: Dify would not hear of it either.
    pub fn asked(&self) -> Vec<ReverseCall> {
        self.asked.calls()
    }

    /// The host that the plugin runs under, for what has no method here. Starts the plugin, if nothing has yet.
    pub async fn host(&self) -> &Host {
        self.host.get_or_init(|| self.start()).await
    }

    async fn start(&self) -> Host {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Parts { plugin, stand_in, permission } =
            parts.expect("a plugin is started once; the start before this one was given up");
        let (host_end, plugin_end) = tokio::io::duplex(PIPE_BYTES);
        let (reader, writer) = tokio::io::split(plugin_end);
        tokio::spawn(async move { plugin.serve(Connection::new(reader, writer, Config::default())).await });
        let (output, input) = tokio::io::split(host_end);
        match Host::over(output, input, permission, HostConfig::default(), stand_in.platform()).await {
            Ok(host) => host,
            Err(error) => panic!("the plugin does not start: {}", with_sources(&error)),
        }
    }

    #[track_caller]
    fn with(self, change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.as_mut().map(change).expect("what stands in for Dify is set before the first call");
        drop(parts);
        self
    }
}

impl fmt::Debug for TestPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestPlugin").field("host", &self.host.get()).finish_non_exhaustive()
    }
}

fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
