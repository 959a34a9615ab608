//! The rogue plugin: `/bin/sh` with a few helper functions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dify_plugin_host::{Host, HostConfig, Messages, OpenSession, Platform, PluginCommand, SessionFailure};
use dify_plugin_protocol::{AccessType, Action};
use serde_json::{Map, Value};
use tempfile::TempDir;

/// The beginning of every script. `say` writes one line, `beat` a heartbeat, and `session ID TYPE DATA` a session message.
/// `ask` reads a frame into `$line` and its session id into `$id`, `keep` reads a frame into the file `heard`, and `rest`
/// keeps all frames until stdin is closed.
const HELPERS: &str = r#"
say() { printf '%s\n' "$1"; }
beat() { say '{"event":"heartbeat","session_id":null,"data":{}}'; }
session() { say '{"event":"session","session_id":"'"$1"'","data":{"type":"'"$2"'","data":'"$3"'}}'; }
ask() { IFS= read -r line; id=${line#*\"session_id\":\"}; id=${id%%\"*}; }
keep() { IFS= read -r line && printf '%s\n' "$line" >> heard; }
rest() { while keep; do :; done; }
"#;

pub(crate) struct Rogue {
    pub(crate) host: Host,
    folder: TempDir,
}

/// Returns a configuration with a grace that is long enough for a busy machine.
pub(crate) fn config() -> HostConfig {
    let mut config = HostConfig::default();
    config.shutdown_grace = Duration::from_secs(20);
    config
}

/// Starts a script that sends a heartbeat.
pub(crate) async fn start(script: &str, config: HostConfig, platform: impl Platform) -> Rogue {
    let (folder, command) = command(script);
    let host = Host::start(command, config, platform).await.unwrap();
    Rogue { host, folder }
}

/// Returns the command for a script in its own folder.
pub(crate) fn command(script: &str) -> (TempDir, PluginCommand) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin.sh");
    std::fs::write(&path, format!("{HELPERS}{script}")).unwrap();
    let command = PluginCommand::new("/bin/sh").arg("plugin.sh").current_dir(folder.path());
    (folder, command)
}

impl Rogue {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Opens a tool session with an id of the test's choice.
    pub(crate) async fn open(&self, id: &str) -> Messages {
        self.host.open(tool_session(id)).await.unwrap()
    }

    /// Shuts the plugin down and returns the frames that it kept.
    pub(crate) async fn heard(self) -> Vec<Value> {
        let path = self.path("heard");
        assert!(self.host.shutdown().await.unwrap().success());
        lines(&path)
    }
}

/// A platform for tests without reverse calls.
pub(crate) fn nobody() -> impl Platform {
    dify_plugin_host::Script::new()
}

pub(crate) fn tool_session(id: &str) -> OpenSession {
    session(id, AccessType::Tool, Action::InvokeTool)
}

pub(crate) fn session(id: &str, access_type: AccessType, action: Action) -> OpenSession {
    let mut session = OpenSession::new(access_type, action, Map::new());
    session.session_id = Some(id.to_owned());
    session
}

pub(crate) fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Receives all messages of a session, and the failure that ended it, if any.
pub(crate) async fn drain(messages: &mut Messages) -> (Vec<Value>, Option<SessionFailure>) {
    let mut items = Vec::new();
    while let Some(answer) = messages.next().await {
        match answer {
            Ok(item) => items.push(serde_json::from_str(item.get()).unwrap()),
            Err(failure) => return (items, Some(failure)),
        }
    }
    (items, None)
}
