//! The command that starts a plugin's process.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use dify_plugin_manifest::{Permission, Plugin};

/// The command that starts a plugin, and the permissions of its manifest.
///
/// As under the daemon, the process has the host's environment with `INSTALL_METHOD=local`, three pipes and no terminal
/// (`internal/core/local_runtime/subprocess.go`).
#[derive(Clone)]
#[must_use]
pub struct PluginCommand {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    without: Vec<OsString>,
    directory: PathBuf,
    permission: Option<Permission>,
}

impl PluginCommand {
    /// Creates a command for a program. It runs in the current directory, and its reverse calls are not checked unless a
    /// [`permission`](Self::permission) is set.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            without: Vec::new(),
            directory: PathBuf::from("."),
            permission: None,
        }
    }

    /// Creates the command for a plugin's folder: the [built binary](Self::binary) if there is a `Cargo.toml`, else the
    /// [Python entrypoint](Self::as_daemon).
    ///
    /// # Errors
    ///
    /// Fails if there is a `Cargo.toml` but no built binary.
    pub fn for_plugin(plugin: &Plugin) -> Result<Self, BinaryNotFound> {
        if !plugin.root.join("Cargo.toml").is_file() {
            return Ok(Self::as_daemon(plugin));
        }
        find_binary(&plugin.root).map(|path| Self::binary(plugin, path))
    }

    /// Creates a command that starts a binary in the plugin's folder, with the permissions of its manifest.
    pub fn binary(plugin: &Plugin, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // The process runs in another directory.
        let path = std::path::absolute(&path).unwrap_or(path);
        Self::new(path).in_folder_of(plugin)
    }

    /// Creates the command that the daemon runs: `python -m` with the manifest's entrypoint. Uses Python from the folder's
    /// `.venv`, or else `python3` from the `PATH`.
    pub fn as_daemon(plugin: &Plugin) -> Self {
        let own = plugin.root.join(".venv/bin/python");
        let python = match std::path::absolute(&own) {
            Ok(own) if own.is_file() => own.into_os_string(),
            _ => OsString::from("python3"),
        };
        Self::as_daemon_with(plugin, python)
    }

    /// Does the same as [`as_daemon`](Self::as_daemon), with the given Python.
    pub fn as_daemon_with(plugin: &Plugin, python: impl Into<OsString>) -> Self {
        Self::new(python).arg("-m").arg(&plugin.manifest.meta.runner.entrypoint).in_folder_of(plugin)
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Sets a variable of the plugin's environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Removes a variable of the host's environment from the plugin's.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.without.push(name.as_ref().to_owned());
        self
    }

    /// Sets the working directory. Default: the current directory.
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = directory.into();
        self
    }

    /// Sets the permissions that reverse calls are checked against. Default: no checks.
    pub fn permission(mut self, permission: Permission) -> Self {
        self.permission = Some(permission);
        self
    }

    fn in_folder_of(self, plugin: &Plugin) -> Self {
        self.current_dir(&plugin.root).permission(plugin.manifest.resource.permission.clone())
    }

    pub(crate) fn take_permission(&mut self) -> Option<Permission> {
        self.permission.take()
    }

    pub(crate) fn program(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    pub(crate) fn directory(&self) -> String {
        self.directory.display().to_string()
    }

    pub(crate) fn build(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(&self.args)
            .env("INSTALL_METHOD", "local")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for name in &self.without {
            command.env_remove(name);
        }
        // Ctrl-C in a terminal must reach only the host, which then shuts the plugin down in order.
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

impl std::fmt::Debug for PluginCommand {
    /// Shows the names of environment variables and omits their values, which may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("PluginCommand")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &names)
            .field("directory", &self.directory)
            .field("permission", &self.permission)
            .finish()
    }
}

/// A Rust plugin's binary was not found, because it has not been built.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no built binary `{name}` found; run `cargo build` in `{folder}` (searched in {searched})")]
#[non_exhaustive]
pub struct BinaryNotFound {
    /// The name of the binary, which is that of the folder.
    pub name: String,
    /// The plugin's folder.
    pub folder: String,
    /// The directories that were searched.
    pub searched: String,
}

/// Finds the newest build of a binary with the folder's name, in `CARGO_TARGET_DIR` or in the `target` of the folder or of one
/// of its parents.
fn find_binary(root: &Path) -> Result<PathBuf, BinaryNotFound> {
    let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let name = root.file_name().unwrap_or_default();
    let file = format!("{}{}", name.to_string_lossy(), env::consts::EXE_SUFFIX);
    let targets: Vec<PathBuf> = match env::var_os("CARGO_TARGET_DIR") {
        Some(target) => vec![target.into()],
        None => {
            root.ancestors().map(|folder| folder.join("target")).filter(|target| target.is_dir()).collect()
        }
    };
    targets
        .iter()
        .flat_map(|target| ["debug", "release"].map(|profile| target.join(profile).join(&file)))
        .filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path)))
        .max()
        .map(|(_, path)| path)
        .ok_or_else(|| BinaryNotFound {
            name: file,
            folder: root.display().to_string(),
            searched: targets.iter().map(|t| t.display().to_string()).collect::<Vec<_>>().join(", "),
        })
}
