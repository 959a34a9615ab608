//! From a folder or a package to a running plugin: read its declarations, build it, start it under the host.

use std::path::{Path, PathBuf};

use dify_plugin_host::{Host, HostConfig, HostError, PluginCommand};
use dify_plugin_manifest::{ManifestError, Plugin, check};
use tempfile::TempDir;

use crate::args::Launch;
use crate::build::{self, Purpose};
use crate::console::Console;
use crate::error::Error;
use crate::platform::LocalPlatform;
use crate::stop::Stop;
use crate::{archive, keys};

/// What runs a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    /// Its own binary.
    Binary,
    /// Python.
    Python,
    /// Python, although the plugin is a Cargo package.
    PythonForPackage,
}

/// The number of findings shown by commands that are not about findings.
const SHOWN: usize = 3;

/// A plugin that was read from a folder or a package.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) plugin: Plugin,
    /// The folder that the package was unpacked into.
    unpacked: Option<TempDir>,
}

impl Opened {
    /// Reads the declarations in a folder, or in a package, which is unpacked.
    ///
    /// # Errors
    ///
    /// Fails if they can't be read. If the daemon would refuse them, that is a warning.
    pub(crate) fn new(path: &Path, console: &Console) -> Result<Self, Error> {
        let package = if path.is_file() { Some(archive::read(path)?) } else { None };
        let unpacked = package.as_ref().map(archive::unpack).transpose()?;
        let root = unpacked.as_ref().map_or(path, TempDir::path);
        let checked = check(root);
        let plugin = checked.plugin.map_err(|error| unreadable(path, error))?;
        for finding in checked.findings.iter().filter(|finding| finding.code == "illegal") {
            console.warning(&format!("the daemon would not install this plugin: {finding}"));
        }
        Ok(Self { plugin, unpacked })
    }

    /// Builds what has to be built. A package is started as the daemon starts it.
    ///
    /// # Errors
    ///
    /// See [`Ready::new`].
    pub(crate) fn prepare(&self, launch: &Launch, console: &Console) -> Result<Ready, Error> {
        let as_daemon = launch.as_daemon || self.unpacked.is_some();
        Ready::new(&self.plugin, &Launch { as_daemon, ..launch.clone() }, None, console)
    }
}

/// Reads the declarations in `dir`. Findings are shown as warnings.
///
/// # Errors
///
/// Fails if they can't be read.
pub(crate) fn read(dir: &Path, console: &Console) -> Result<Plugin, Error> {
    let checked = check(dir);
    let plugin = checked.plugin.map_err(|error| unreadable(dir, error))?;
    for finding in checked.findings.iter().take(SHOWN) {
        console.warning(&finding.to_string());
    }
    if let Some(more @ 1..) = checked.findings.len().checked_sub(SHOWN) {
        console.warning(&format!("{more} more; run `cargo dify check` to see all of them"));
    }
    Ok(plugin)
}

/// Returns the error of declarations at `path` that could not be read.
pub(crate) fn unreadable(path: &Path, error: ManifestError) -> Error {
    Error::new(format!("cannot read the plugin in `{}`", path.display())).caused_by(error)
}

/// A plugin that is ready to be started.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    command: PluginCommand,
    pub(crate) platform: LocalPlatform,
    /// What was built.
    pub(crate) binary: Option<PathBuf>,
    /// What runs, and where apps are answered, for people.
    title: String,
    pub(crate) runner: Runner,
}

impl Ready {
    /// Prepares the platform and builds the plugin. The storage of `before`, the platform before a restart, is kept.
    ///
    /// # Errors
    ///
    /// Fails if the script or a key is wrong, there is nothing to run, or it doesn't build.
    pub(crate) fn new(
        plugin: &Plugin,
        launch: &Launch,
        before: Option<&LocalPlatform>,
        console: &Console,
    ) -> Result<Self, Error> {
        let dir = &plugin.root;
        let platform = LocalPlatform::new(plugin, launch, before, console)?;
        let is_package = dir.join("Cargo.toml").is_file();
        if is_package && !launch.as_daemon {
            if launch.python.is_some() {
                let message = format!(
                    "--python has no effect: `{}` has a Cargo.toml, so its binary runs",
                    dir.display()
                );
                return Err(Error::new(message)
                    .with_help("add --as-daemon to start the entrypoint, or drop --python"));
            }
            console.status("Building", &dir.display().to_string());
            let binary = build::build(dir, Purpose::Run { release: launch.release })?;
            let title = format!("{}{}", from_here(&binary).display(), platform.title);
            let command = PluginCommand::binary(plugin, &binary).env_remove(keys::VARIABLE);
            return Ok(Self { command, platform, binary: Some(binary), title, runner: Runner::Binary });
        }
        let entrypoint = &plugin.manifest.meta.runner.entrypoint;
        let module = dir.join(entrypoint.replace('.', "/"));
        if !module.is_dir() && !module.with_extension("py").is_file() {
            let message = format!("`{}` has neither a Cargo.toml nor a {entrypoint}.py", dir.display());
            let help = format!(
                "a plugin is a Cargo package, or a Python module named by `meta.runner.entrypoint` ({entrypoint})"
            );
            return Err(Error::new(message).with_help(help));
        }
        let command = match &launch.python {
            Some(path) => PluginCommand::as_daemon_with(plugin, absolute(path)),
            None => PluginCommand::as_daemon(plugin),
        };
        let command = command.env_remove(keys::VARIABLE);
        let title = format!("python -m {entrypoint} in {}{}", dir.display(), platform.title);
        let runner = if is_package { Runner::PythonForPackage } else { Runner::Python };
        Ok(Self { command, platform, binary: None, title, runner })
    }

    /// Starts the plugin and waits until it is ready.
    ///
    /// # Errors
    ///
    /// Fails if it can't be started or isn't ready in time, or if the user stops the command meanwhile.
    pub(crate) async fn start(
        self,
        config: HostConfig,
        console: &Console,
        stop: &mut Stop,
    ) -> Result<Host, Error> {
        tokio::select! {
            biased;
            host = self.launch(config, console) => host,
            () = stop.asked() => Err(Error::interrupted()),
        }
    }

    /// Like [`start`](Self::start), but the user can't stop it.
    pub(crate) async fn launch(self, config: HostConfig, console: &Console) -> Result<Host, Error> {
        console.status("Running", &self.title);
        let runner = self.runner;
        Host::start(self.command, config, self.platform.router).await.map_err(|cause| {
            let help = start_help(&cause, runner);
            Error::new("the plugin could not be started").caused_by(cause).with_help_if_any(help)
        })
    }
}

/// What to do about a plugin that doesn't start.
fn start_help(cause: &HostError, runner: Runner) -> Option<String> {
    let help = match (cause, runner) {
        (HostError::Spawn { .. }, Runner::Python | Runner::PythonForPackage) => {
            "install Python 3.12, or name another Python with --python"
        }
        (_, Runner::PythonForPackage) => {
            "--as-daemon builds nothing: the folder must hold what a package holds, including the binary"
        }
        (HostError::FailedToStart(exit), Runner::Python)
            if exit.stderr.contains("No module named 'dify_plugin'") =>
        {
            "install the plugin's requirements.txt into a .venv in its folder, or name a Python that has them with --python"
        }
        (HostError::FailedToStart(exit), _) if exit.status.is_some_and(|status| status.success()) => {
            match runner {
                Runner::Binary => {
                    "a plugin runs until its stdin is closed; does `main` end in `Plugin::new()….run()`?"
                }
                _ => "a plugin runs until its stdin is closed; does it end in `plugin.run()`?",
            }
        }
        _ => return None,
    };
    Some(help.to_owned())
}

/// Returns a path below the current folder relative to it.
fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).to_owned()
}

/// Makes a program's path absolute, because the plugin starts in its own folder. A bare name is looked up in `PATH` instead.
fn absolute(program: &Path) -> PathBuf {
    if program.components().count() == 1 && !program.is_absolute() {
        return program.to_owned();
    }
    // Fails only for an empty path, which is then reported when it is started.
    std::path::absolute(program).unwrap_or_else(|_| program.to_owned())
}
