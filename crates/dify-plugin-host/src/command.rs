//! How a plugin's process is started.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use dify_plugin_manifest::{Permission, Plugin};

/// The command that starts a plugin, and what its manifest allows it.
///
/// The process gets the host's environment and `INSTALL_METHOD=local`, three pipes and no terminal, as from the daemon
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
    /// A command of one's own. It runs in the current directory, and what it asks of Dify is not checked until
    /// [`permission`](Self::permission) is given.
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

    /// The command for a plugin's folder: where it has a `Cargo.toml`, the built binary (see [`binary`](Self::binary)),
    /// else its Python entrypoint.
    ///
    /// # Errors
    ///
    /// If there is a `Cargo.toml` and no built binary is found.
    pub fn for_plugin(plugin: &Plugin) -> Result<Self, BinaryNotFound> {
        if !plugin.root.join("Cargo.toml").is_file() {
            return Ok(Self::as_daemon(plugin));
        }
        find_binary(&plugin.root).map(|path| Self::binary(plugin, path))
    }

    /// Starts a binary, in the plugin's folder and with the rights of its manifest.
    pub fn binary(plugin: &Plugin, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // The process starts in another directory.
        let path = std::path::absolute(&path).unwrap_or(path);
        Self::new(path).in_folder_of(plugin)
    }

    /// Starts what the daemon starts, whatever else the folder holds: `python -m` and the manifest's entrypoint. Python
    /// is that of the folder's `.venv`, or else `python3` from the `PATH`.
    pub fn as_daemon(plugin: &Plugin) -> Self {
        let own = plugin.root.join(".venv/bin/python");
        let python = match std::path::absolute(&own) {
            Ok(own) if own.is_file() => own.into_os_string(),
            _ => OsString::from("python3"),
        };
        Self::as_daemon_with(plugin, python)
    }

    /// As [`as_daemon`](Self::as_daemon), with a Python of the caller's choice.
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

    /// Keeps a variable of the host's environment from the plugin.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.without.push(name.as_ref().to_owned());
        self
    }

    /// Sets the directory to run in.
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = directory.into();
        self
    }

    /// Sets what the plugin may ask of Dify.
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
        // A terminal's Ctrl-C is for us alone: the plugin is to be ended in order.
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

impl std::fmt::Debug for PluginCommand {
    /// Names the variables of the environment and leaves out their values, which may be secrets.
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

/// A plugin in Rust that has not been built.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no built binary `{name}` found; run `cargo build` in `{folder}` (looked in {looked_in})")]
#[non_exhaustive]
pub struct BinaryNotFound {
    /// The name that was looked for: that of the folder.
    pub name: String,
    /// The plugin's folder.
    pub folder: String,
    /// The directories that were looked in.
    pub looked_in: String,
}

/// Finds the newest build of a binary with the folder's name, in `CARGO_TARGET_DIR` or in a `target` of the folder or one
/// above it.
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
            looked_in: targets.iter().map(|t| t.display().to_string()).collect::<Vec<_>>().join(", "),
        })
}
