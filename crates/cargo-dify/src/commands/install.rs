//! `cargo dify install`: a package into a running plugin daemon.

mod daemon;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use http::Uri;
use serde_json::json;

use self::daemon::{Daemon, KEY};
use crate::console::Console;
use crate::error::{Context, Error};
use crate::humanize::size;
use crate::output;
use crate::stop::Stop;

/// Install or upgrade a plugin on a running daemon
///
/// This uses the management API of the daemon, as Dify does when a package is uploaded on its plugins page. The daemon's key (its
/// SERVER_KEY) is read from the environment variable PLUGIN_DAEMON_KEY.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo dify install http://127.0.0.1:5002 --tenant 1a2b3c4d-… duck-0.0.1.difypkg
  PLUGIN_DAEMON_KEY=… cargo dify install http://plugin_daemon:5002 --tenant 1a2b3c4d-… --json")]
pub(crate) struct Install {
    /// Address of the daemon, such as `http://127.0.0.1:5002`
    #[arg(value_parser = daemon_url)]
    url: String,

    /// Package to install [default: the only .difypkg in the current folder]
    package: Option<PathBuf>,

    /// Id of the workspace to install it for: the `id` in Dify's table `tenants`
    #[arg(long, value_name = "ID", value_parser = tenant)]
    tenant: String,

    /// Print the result to stdout as one JSON object
    #[arg(long)]
    json: bool,
}

fn daemon_url(text: &str) -> Result<String, String> {
    let url: Uri = text.parse().map_err(|_| "not a URL".to_owned())?;
    match (url.scheme_str(), url.query()) {
        (Some("http" | "https"), None) if url.host().is_some() => Ok(text.to_owned()),
        _ => Err("expected the daemon's address, such as http://127.0.0.1:5002".to_owned()),
    }
}

/// Checks an id, which becomes a part of a path.
fn tenant(text: &str) -> Result<String, String> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if text.is_empty() || !text.bytes().all(valid) {
        return Err("the id of a workspace is a UUID".to_owned());
    }
    Ok(text.to_owned())
}

/// Uploads the package, installs or upgrades the plugin, and waits until the daemon is done.
pub(crate) async fn run(args: &Install, console: &Console) -> Result<(), Error> {
    let key = std::env::var(KEY).ok().filter(|key| !key.is_empty()).ok_or_else(|| {
        Error::new("the daemon's key is not set").with_help(format!("set {KEY} to the daemon's SERVER_KEY"))
    })?;
    let package = match &args.package {
        Some(file) => file.clone(),
        None => only_package(Path::new("."))?,
    };
    let bytes = fs::read(&package).context(format!("cannot read the package `{}`", package.display()))?;
    let daemon = Daemon::new(&args.url, &args.tenant, &key, console)?;
    let mut stop = Stop::new()?;
    tokio::select! {
        biased;
        done = install(&daemon, &package, bytes, args.json, console) => done,
        // The daemon finishes what it has begun.
        () = stop.asked() => Err(Error::interrupted()),
    }
}

async fn install(
    daemon: &Daemon<'_>,
    package: &Path,
    bytes: Vec<u8>,
    as_json: bool,
    console: &Console,
) -> Result<(), Error> {
    let started = Instant::now();
    console.status("Uploading", &format!("{} ({})", package.display(), size(bytes.len() as u64)));
    let identifier = daemon.upload(bytes).await?;
    let plugin = identifier.split_once(':').map_or(&*identifier, |(plugin, _)| plugin);

    let outcome = match daemon.installed(plugin).await? {
        Some(installed) if installed == identifier => "already_installed",
        Some(installed) => {
            console.status("Upgrading", &format!("{installed}\nto {identifier}"));
            daemon.upgrade(&installed, &identifier).await?;
            "upgraded"
        }
        None => {
            console.status("Installing", &identifier);
            daemon.install(&identifier).await?;
            "installed"
        }
    };

    let seconds = started.elapsed().as_secs_f64();
    match outcome {
        "already_installed" => console.status("Unchanged", &format!("{identifier} is already installed")),
        _ => console.status("Installed", &format!("{identifier} in {seconds:.1} s")),
    }
    if as_json {
        let result = json!({"unique_identifier": identifier, "outcome": outcome, "seconds": seconds});
        output::json(&result, console)?;
    }
    Ok(())
}

/// Returns the package in a folder that has exactly one.
fn only_package(dir: &Path) -> Result<PathBuf, Error> {
    let entries = fs::read_dir(dir).context("cannot read the current folder")?;
    let packages = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut packages: Vec<PathBuf> =
        packages.filter(|path| path.extension().is_some_and(|extension| extension == "difypkg")).collect();
    packages.sort();
    let names: Vec<_> = packages.iter().map(|path| path.display().to_string()).collect();
    match packages.len() {
        1 => Ok(packages.remove(0)),
        0 => Err(Error::new("there is no .difypkg in the current folder")
            .with_help("create one with `cargo dify package`, or name a package after the URL")),
        _ => {
            Err(Error::new(format!("there are several packages in the current folder: {}", names.join(", ")))
                .with_help("name one of them after the URL"))
        }
    }
}
