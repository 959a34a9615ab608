//! From a folder to a running plugin: read its declarations, build it, start it under the host.

use std::io;
use std::path::{Path, PathBuf};

use dify_plugin_host::{
    Host, HostConfig, HostError, Item, Platform, PlatformError, PluginCommand, ReverseCall, Script,
    ScriptError,
};
use dify_plugin_manifest::Plugin;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};

use crate::args::Launch;
use crate::build::{self, Purpose};
use crate::console::Console;
use crate::error::{Error, Runner};
use crate::stop::Stop;

/// A plugin that is ready to be started.
#[derive(Debug)]
pub(crate) struct Ready {
    command: PluginCommand,
    apps: Apps,
    /// What is run and who answers for apps, for people.
    title: String,
    pub(crate) runner: Runner,
}

/// Reads the declarations in `dir`.
///
/// # Errors
///
/// If they can't be read. What only the daemon would refuse is a warning.
pub(crate) fn read(dir: &Path, console: &Console) -> Result<Plugin, Error> {
    let plugin = read_quietly(dir)?;
    if let Err(illegal) = plugin.manifest.validate() {
        console.warning(&format!("the daemon would not install this plugin: {illegal}"));
    }
    Ok(plugin)
}

/// Reads the declarations in `dir` without a word about what the daemon would refuse.
///
/// # Errors
///
/// If they can't be read.
pub(crate) fn read_quietly(dir: &Path) -> Result<Plugin, Error> {
    Plugin::read(dir).map_err(|source| Error::Manifest { dir: dir.to_owned(), source: Box::new(source) })
}

/// Reads the script and builds the plugin.
///
/// # Errors
///
/// If the script is wrong, the folder has nothing to run, or it doesn't build.
pub(crate) fn prepare(plugin: &Plugin, launch: &Launch, console: &Console) -> Result<Ready, Error> {
    let dir = &plugin.root;
    let (apps, answering) = match &launch.script {
        Some(file) => {
            let script = Script::read(file).map_err(|error| script_error(error, file, dir))?;
            for warning in script.warnings() {
                console.warning(&format!("{}: {warning}", file.display()));
            }
            (Apps::Scripted(script), format!("; apps answer as in {}", file.display()))
        }
        None => (Apps::None, String::new()),
    };
    let package = dir.join("Cargo.toml").is_file();
    if package && !launch.as_daemon {
        if launch.python.is_some() {
            return Err(Error::PythonUnused { dir: dir.clone() });
        }
        console.status("Building", &dir.display().to_string());
        let binary = build::build(dir, Purpose::Run { release: launch.release })?;
        let title = format!("{}{answering}", from_here(&binary).display());
        return Ok(Ready {
            command: PluginCommand::binary(plugin, binary),
            apps,
            title,
            runner: Runner::Binary,
        });
    }
    let entrypoint = &plugin.manifest.meta.runner.entrypoint;
    let module = dir.join(entrypoint.replace('.', "/"));
    if !module.is_dir() && !module.with_extension("py").is_file() {
        return Err(Error::NothingToRun { dir: dir.clone(), entrypoint: entrypoint.clone() });
    }
    let command = match &launch.python {
        Some(path) => PluginCommand::as_daemon_with(plugin, absolute(path)),
        None => PluginCommand::as_daemon(plugin),
    };
    let title = format!("python -m {entrypoint} in {}{answering}", dir.display());
    let runner = if package { Runner::PythonForPackage } else { Runner::Python };
    Ok(Ready { command, apps, title, runner })
}

/// A script that isn't there is often one in the plugin's folder.
fn script_error(error: ScriptError, file: &Path, dir: &Path) -> Error {
    match error {
        ScriptError::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            // `join` with an absolute path is that path, which isn't there.
            let in_plugin = Some(dir.join(file)).filter(|file| file.is_file());
            Error::NoScript { file: file.to_owned(), in_plugin, source }
        }
        error => Error::Script(error),
    }
}

/// A path below the current directory, written as from there.
fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).to_owned()
}

/// The plugin starts in its own folder: a path has to be made absolute, while a bare name is looked up in `PATH`.
fn absolute(program: &Path) -> PathBuf {
    if program.components().count() == 1 && !program.is_absolute() {
        return program.to_owned();
    }
    // Nothing is looked up, so that this only fails for an empty path; then the start says so.
    std::path::absolute(program).unwrap_or_else(|_| program.to_owned())
}

impl Ready {
    /// Starts the plugin and waits until it is ready.
    ///
    /// # Errors
    ///
    /// If it can't be started or isn't ready in time, or if the user stops it before.
    pub(crate) async fn start(
        self,
        config: HostConfig,
        console: &Console,
        stop: &mut Stop,
    ) -> Result<Host, Error> {
        console.status("Running", &self.title);
        let runner = self.runner;
        let explain = |source: HostError| Error::Start { source, runner };
        tokio::select! {
            biased;
            host = Host::start(self.command, config, self.apps) => host.map_err(explain),
            () = stop.asked() => Err(Error::Interrupted),
        }
    }
}

/// What answers when the plugin calls an app.
#[derive(Debug)]
enum Apps {
    Scripted(Script),
    None,
}

impl Platform for Apps {
    fn invoke(&self, call: ReverseCall) -> BoxStream<'static, Result<Item, PlatformError>> {
        match self {
            Self::Scripted(script) => script.invoke(call),
            Self::None => {
                let text = format!(
                    "nobody answers a reverse invocation of type `{}`: start cargo dify with --script FILE, a file that \
                     says what apps answer",
                    call.invoke_type
                );
                stream::iter([Err(PlatformError::Other(text))]).boxed()
            }
        }
    }
}
