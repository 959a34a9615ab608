//! From a folder to a running plugin: read its declarations, build it, start it under the host.

use std::path::{Path, PathBuf};

use dify_plugin_host::{Host, HostConfig, PluginCommand};
use dify_plugin_manifest::{Plugin, check};

use crate::answering::Answering;
use crate::args::Launch;
use crate::build::{self, Purpose};
use crate::console::Console;
use crate::error::{Error, Runner};
use crate::keys;
use crate::stop::Stop;
use crate::unpacked::{self, Unpacked};

/// A plugin that is ready to be started.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    command: PluginCommand,
    pub(crate) answering: Answering,
    /// What was built.
    pub(crate) binary: Option<PathBuf>,
    /// What is run and who answers for apps, for people.
    title: String,
    pub(crate) runner: Runner,
}

/// A plugin that is there as a folder, or as a package.
#[derive(Debug)]
pub(crate) enum Opened {
    Folder(Plugin),
    Package(Unpacked),
}

impl Opened {
    pub(crate) fn plugin(&self) -> &Plugin {
        match self {
            Self::Folder(plugin) => plugin,
            Self::Package(unpacked) => &unpacked.plugin,
        }
    }

    /// How it is started: a package as the daemon starts it, whatever is in it.
    pub(crate) fn launch(&self, launch: &Launch) -> Launch {
        Launch { as_daemon: launch.as_daemon || matches!(self, Self::Package(_)), ..launch.clone() }
    }
}

/// Reads the declarations in a folder, or in a package, which is unpacked as the daemon does it.
///
/// # Errors
///
/// If they can't be read. What only the daemon would refuse is a warning.
pub(crate) fn open(path: &Path, console: &Console) -> Result<Opened, Error> {
    if !path.is_file() {
        let plugin = read_quietly(path)?;
        warn_if_illegal(&plugin, console);
        return Ok(Opened::Folder(plugin));
    }
    let unpacked = Unpacked::new(&unpacked::open(path)?, path)?;
    warn_if_illegal(&unpacked.plugin, console);
    Ok(Opened::Package(unpacked))
}

/// Reads the declarations in `dir`.
///
/// # Errors
///
/// If they can't be read. Whatever else is wrong with them is a warning.
pub(crate) fn read(dir: &Path, console: &Console) -> Result<Plugin, Error> {
    let checked = check(dir);
    let plugin =
        checked.plugin.map_err(|source| Error::Manifest { dir: dir.to_owned(), source: Box::new(source) })?;
    for finding in checked.findings.iter().take(SHOWN) {
        console.warning(&finding.to_string());
    }
    if let Some(more @ 1..) = checked.findings.len().checked_sub(SHOWN) {
        console.warning(&format!("{more} more; `cargo dify check` shows all of them"));
    }
    Ok(plugin)
}

/// How many findings are shown by a command that is for something else.
const SHOWN: usize = 3;

fn warn_if_illegal(plugin: &Plugin, console: &Console) {
    for finding in check(&plugin.root).findings.iter().filter(|finding| finding.code == "illegal") {
        console.warning(&format!("the daemon would not install this plugin: {finding}"));
    }
}

/// Reads the declarations in `dir` without a word about what the daemon would refuse.
///
/// # Errors
///
/// If they can't be read.
pub(crate) fn read_quietly(dir: &Path) -> Result<Plugin, Error> {
    Plugin::read(dir).map_err(|source| Error::Manifest { dir: dir.to_owned(), source: Box::new(source) })
}

/// Reads what answers for Dify and builds the plugin.
///
/// # Errors
///
/// If the script or a key is wrong, the folder has nothing to run, or it doesn't build.
pub(crate) fn prepare(plugin: &Plugin, launch: &Launch, console: &Console) -> Result<Ready, Error> {
    prepare_again(plugin, launch, None, console)
}

/// As [`prepare`], for a plugin that was prepared before: of what answered for Dify then, the storage stays.
pub(crate) fn prepare_again(
    plugin: &Plugin,
    launch: &Launch,
    before: Option<&Answering>,
    console: &Console,
) -> Result<Ready, Error> {
    let dir = &plugin.root;
    let answering = Answering::new(plugin, launch, before, console)?;
    let package = dir.join("Cargo.toml").is_file();
    if package && !launch.as_daemon {
        if launch.python.is_some() {
            return Err(Error::PythonUnused { dir: dir.clone() });
        }
        console.status("Building", &dir.display().to_string());
        let binary = build::build(dir, Purpose::Run { release: launch.release })?;
        let title = format!("{}{}", from_here(&binary).display(), answering.title);
        let command = PluginCommand::binary(plugin, &binary).env_remove(keys::VARIABLE);
        return Ok(Ready { command, answering, binary: Some(binary), title, runner: Runner::Binary });
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
    let command = command.env_remove(keys::VARIABLE);
    let title = format!("python -m {entrypoint} in {}{}", dir.display(), answering.title);
    let runner = if package { Runner::PythonForPackage } else { Runner::Python };
    Ok(Ready { command, answering, binary: None, title, runner })
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
        tokio::select! {
            biased;
            host = self.launch(config, console) => host,
            () = stop.asked() => Err(Error::Interrupted),
        }
    }

    /// As [`start`](Self::start), which nobody stops.
    pub(crate) async fn launch(self, config: HostConfig, console: &Console) -> Result<Host, Error> {
        console.status("Running", &self.title);
        let runner = self.runner;
        Host::start(self.command, config, self.answering.router)
            .await
            .map_err(|source| Error::Start { source, runner })
    }
}
