//! A plugin under test, and what stands in for Dify.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use dify_plugin::Plugin;
use dify_plugin::session_layer::{Config, Connection};
use dify_plugin_host::{Host, HostConfig, Platform, ReverseCall, Router, Script, ScriptedApp};
use dify_plugin_manifest::Permission;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::show::with_sources;

/// The capacity of each pipe, in bytes.
const PIPE_BYTES: usize = 64 * 1024;

/// A plugin that runs inside the test.
///
/// The first request starts it, and it runs until it is dropped. It serves any number of requests, also at once. With
/// paused time (`#[tokio::test(start_paused = true)]`), waiting takes no time, in a script as in a handler.
///
/// Mistakes in the set-up panic. Set up what stands in for Dify before the first request: it has no effect afterwards.
pub struct TestPlugin {
    plugin: Arc<Plugin>,
    script: Script,
    otherwise: Option<Arc<dyn Platform>>,
    permission: Option<Permission>,
    calls: Arc<Mutex<Vec<ReverseCall>>>,
    host: OnceCell<Host>,
}

impl TestPlugin {
    /// Creates the plugin as its `main` would run it. There are no apps yet, and every reverse invocation is permitted.
    pub fn new(plugin: Plugin) -> Self {
        Self {
            plugin: Arc::new(plugin),
            script: Script::default(),
            otherwise: None,
            permission: None,
            calls: Arc::default(),
            host: OnceCell::new(),
        }
    }

    /// Adds a chat app that answers every question with these chunks. The id `*` stands for every app that is not added.
    ///
    /// ```
    /// # use dify_plugin_test::TestPlugin;
    /// # let plugin = dify_plugin::Plugin::new();
    /// TestPlugin::new(plugin).app("app-1", ["Hello", " world"]);
    /// ```
    #[must_use]
    pub fn app(self, id: impl Into<String>, chunks: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scripted_app(id, chat_app(chunks))
    }

    /// Adds an app with events of any type, waits between them, or a failure.
    #[must_use]
    pub fn scripted_app(mut self, id: impl Into<String>, app: ScriptedApp) -> Self {
        self.script = self.script.app(id, app);
        self
    }

    /// Sets the script of all apps, for example `Script::read("script.yaml")`. Replaces the apps added before.
    #[must_use]
    pub fn script(mut self, script: Script) -> Self {
        self.script = script;
        self
    }

    /// Sets the platform that answers all reverse invocations other than those of the apps: models, tools, storage.
    #[must_use]
    pub fn platform(mut self, platform: impl Platform) -> Self {
        self.otherwise = Some(Arc::new(platform));
        self
    }

    /// Permits only what the manifest in `folder` permits, and refuses the rest as the daemon does. In a plugin's own
    /// tests the folder is `env!("CARGO_MANIFEST_DIR")`.
    ///
    /// # Panics
    ///
    /// If the plugin's YAML cannot be read.
    #[must_use]
    #[track_caller]
    pub fn manifest(mut self, folder: impl AsRef<Path>) -> Self {
        let folder = folder.as_ref();
        match dify_plugin_manifest::Plugin::read(folder) {
            Ok(plugin) => self.permission = Some(plugin.manifest.resource.permission),
            Err(error) => {
                panic!("cannot read the plugin's YAML in {}: {}", folder.display(), with_sources(&error))
            }
        }
        self
    }

    /// Returns the reverse invocations that the plugin has made so far, in order. Those that are malformed or that the
    /// manifest does not permit are left out, since they would not reach Dify.
    pub fn calls(&self) -> Vec<ReverseCall> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the host that the plugin runs under, for what has no method here. Starts the plugin if necessary.
    pub async fn host(&self) -> &Host {
        self.host.get_or_init(|| self.start()).await
    }

    async fn start(&self) -> Host {
        let (host_end, plugin_end) = tokio::io::duplex(PIPE_BYTES);
        let (reader, writer) = tokio::io::split(plugin_end);
        let plugin = self.plugin.clone();
        tokio::spawn(async move { plugin.serve(Connection::new(reader, writer, Config::default())).await });
        let (output, input) = tokio::io::split(host_end);
        let permission = self.permission.clone();
        match Host::over(output, input, permission, HostConfig::default(), self.dify()).await {
            Ok(host) => host,
            Err(error) => panic!("the plugin does not start: {}", with_sources(&error)),
        }
    }

    /// Returns the platform that stands in for Dify and remembers the calls.
    fn dify(&self) -> impl Platform + use<> {
        let router = Router::new().apps(self.script.app_ids(), self.script.clone());
        let router = match self.otherwise.clone() {
            Some(otherwise) => router.fallback(move |call| otherwise.invoke(call)),
            None => router.fallback(self.script.clone()),
        };
        let calls = self.calls.clone();
        move |call: ReverseCall| {
            calls.lock().unwrap_or_else(PoisonError::into_inner).push(call.clone());
            router.invoke(call)
        }
    }
}

impl fmt::Debug for TestPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestPlugin").field("host", &self.host.get()).finish_non_exhaustive()
    }
}

/// Returns a chat app that answers with these chunks.
fn chat_app(chunks: impl IntoIterator<Item = impl Into<String>>) -> ScriptedApp {
    let event = |name: &str| {
        json!({
            "event": name, "task_id": "task-1", "id": "message-1", "message_id": "message-1",
            "conversation_id": "conversation-1", "created_at": 1_767_225_600,
        })
    };
    let app = chunks.into_iter().fold(ScriptedApp::new(), |app, chunk| {
        let mut event = event("message");
        event["answer"] = chunk.into().into();
        app.event(event)
    });
    let mut end = event("message_end");
    end["metadata"] = json!({});
    app.event(end)
}
