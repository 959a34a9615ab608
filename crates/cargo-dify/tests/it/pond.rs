//! A plugin's folder, and the command that runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

const MANIFEST: &str = "\
version: 0.0.1
type: plugin
author: tests
name: pond
label: {en_US: Pond}
description: {en_US: Pond}
icon: icon.svg
created_at: 2026-01-01T00:00:00Z
resource: {memory: 1, permission: {app: {enabled: true}, endpoint: {enabled: true}, storage: {enabled: true, size: 1048576}}}
plugins: {tools: [pond.yaml], endpoints: [group.yaml]}
meta: {version: 0.0.1, arch: [amd64], runner: {language: python, version: '3.12', entrypoint: main}}
";

const PROVIDER: &str = "\
identity: {author: tests, name: pond, label: {en_US: Pond}, description: {en_US: Pond}, icon: icon.svg}
tools:
- identity: {author: tests, name: swim, label: {en_US: Swim}}
  description: {human: {en_US: Swim}, llm: Swim}
  parameters:
  - {name: far, type: number, form: llm, required: true, label: {en_US: Far}, human_description: {en_US: Far}, llm_description: Far}
";

/// The script that runs instead of Python.
pub(crate) const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/plugin.sh");

/// A handler that calls an app with a field that the daemon drops, and fails when the app does; and a script in which it does.
pub(crate) const CALLING: &str = r#"
    case "$line" in
    *'"event":"request"'*)
        say invoke '{"type":"app","backwards_request_id":"1","request":{"app_id":"a","inputs":{},"response_mode":"streaming","files":[{"type":"image"}]}}' ;;
    *'"event":"error"'*)
        echo quack >&2
        say error '{"error_type":"ValueError","message":"bad","args":{}}'
        say end null ;;
    esac"#;
pub(crate) const SCRIPT: &str = "apps: {a: {error: {status: 400, code: invalid_param, message: no}}}";

/// A plugin whose handler is a shell script, read by `plugin.sh`: `$line` is a frame, and `say` sends a message.
pub(crate) struct Pond(TempDir);

impl Pond {
    pub(crate) fn answering(answer: &str) -> Self {
        let pond = Self(tempfile::tempdir().unwrap());
        fs::create_dir(pond.path("_assets")).unwrap();
        for (name, text) in [
            ("manifest.yaml", MANIFEST),
            ("pond.yaml", PROVIDER),
            ("group.yaml", "settings: []\nendpoints: [{path: /duck/<app_id>, method: GET}]\n"),
            ("_assets/icon.svg", "<svg/>"),
            ("main.py", ""),
            ("requirements.txt", ""),
            ("answer.sh", answer),
        ] {
            fs::write(pond.path(name), text).unwrap();
        }
        pond
    }

    /// A plugin that prints a line and exits.
    pub(crate) fn that_only_prints() -> Self {
        let pond = Self::answering("");
        fs::write(pond.path("start.sh"), "echo hello; exit 0").unwrap();
        pond
    }

    pub(crate) fn dir(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// Ends a `wait_for` in the shell script.
    pub(crate) fn let_go(&self, name: &str) {
        fs::write(self.path(name), "").unwrap();
    }

    /// Returns the command `cargo dify <what> <this folder> <args>`, with pipes.
    pub(crate) fn command(&self, what: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-dify"));
        command.arg("dify").arg(what).arg(self.dir()).args(args).args(["--python", PYTHON]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}
