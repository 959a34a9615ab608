//! `cargo dify install`: a package into a running plugin daemon.

mod daemon;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

pub(crate) use self::daemon::DaemonError;
use self::daemon::{Begun, Daemon, State};
use crate::args::Install;
use crate::console::{Console, Tone};
use crate::error::Error;
use crate::output::Output;
use crate::stop::Stop;

/// The variable with the daemon's key, as Dify's own deployments name it.
pub(crate) const KEY: &str = "PLUGIN_DAEMON_KEY";

/// How often the daemon is asked how far it is.
const PACE: Duration = Duration::from_millis(100);

/// Uploads the package, installs it, or puts it in an older one's place, and waits until the daemon is done.
pub(crate) async fn run(install: &Install, console: &Console) -> Result<(), Error> {
    let key = std::env::var(KEY).ok().filter(|key| !key.is_empty()).ok_or(Error::NoKey)?;
    let package = match &install.package {
        Some(file) => file.clone(),
        None => only_package(Path::new("."))?,
    };
    let bytes =
        std::fs::read(&package).map_err(|source| Error::NoPackage { file: package.clone(), source })?;
    let daemon = Daemon::new(&install.url, &install.tenant, &key)?;
    let mut stop = Stop::new().map_err(Error::Runtime)?;
    tokio::select! {
        biased;
        done = through(&daemon, &package, bytes, install.json, console) => done,
        // What the daemon has begun it goes on with.
        () = stop.asked() => Err(Error::Interrupted),
    }
}

async fn through(
    daemon: &Daemon,
    package: &Path,
    bytes: Vec<u8>,
    as_json: bool,
    console: &Console,
) -> Result<(), Error> {
    let begun = Instant::now();
    console.status("Uploading", &format!("{} ({} KiB)", package.display(), bytes.len().div_ceil(1024)));
    let identifier = daemon.upload(bytes).await?;
    let plugin = identifier.split_once(':').map_or(&*identifier, |(plugin, _)| plugin);

    let outcome = match daemon.installed(plugin).await? {
        Some(installed) if installed == identifier => "already_installed",
        Some(installed) => {
            console.status("Upgrading", &format!("{installed}\nto {identifier}"));
            finish(daemon, daemon.upgrade(&installed, &identifier).await?, console).await?;
            "upgraded"
        }
        None => {
            console.status("Installing", &identifier);
            finish(daemon, daemon.install(&identifier).await?, console).await?;
            "installed"
        }
    };

    let seconds = begun.elapsed().as_secs_f64();
    match outcome {
        "already_installed" => console.status("Unchanged", &format!("{identifier} is installed already")),
        _ => console.status("Installed", &format!("{identifier} in {seconds:.1} s")),
    }
    if as_json {
        let said = json!({"unique_identifier": identifier, "outcome": outcome, "seconds": seconds});
        Output::new(console).line(&said.to_string())?;
    }
    Ok(())
}

/// Waits for a task, and says what the daemon says of it.
async fn finish(daemon: &Daemon, begun: Begun, console: &Console) -> Result<(), Error> {
    let Begun::Task(task) = begun else { return Ok(()) };
    let mut said = String::new();
    loop {
        let progress = daemon.progress(&task).await?;
        match progress.state {
            State::Success => return Ok(()),
            State::Failed => return Err(Error::InstallFailed { message: progress.message }),
            State::Running => {}
        }
        if progress.message != said {
            console.entry(Tone::Note, "Daemon", &progress.message);
            said = progress.message;
        }
        tokio::time::sleep(PACE).await;
    }
}

/// The package in a folder, where there is exactly one.
fn only_package(dir: &Path) -> Result<PathBuf, Error> {
    let entries =
        std::fs::read_dir(dir).map_err(|source| Error::NoPackage { file: dir.to_owned(), source })?;
    let mut packages: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "difypkg"))
        .collect();
    packages.sort();
    match packages.len() {
        1 => Ok(packages.remove(0)),
        _ => Err(Error::WhichPackage { packages }),
    }
}
