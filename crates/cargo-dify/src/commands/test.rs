//! `cargo dify test`: whether a package runs under the daemon.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use dify_plugin_host::{Host, HostConfig, SessionFailure};
use dify_plugin_manifest::check;
use serde_json::{Map, json};

use crate::archive::{self, PackedBinary};
use crate::args::Launch;
use crate::console::Console;
use crate::error::{Context, Error};
use crate::humanize::{count, size};
use crate::launch::{Ready, unreadable};
use crate::stop::Stop;
use crate::{output, report};

/// Run a package as the daemon does and check that it works
///
/// The package is unpacked with mode 0644 for every file, and its entry module is started with Python. The plugin must then send a
/// heartbeat, respond to a request, write only protocol messages to stdout, and exit when its input is closed. Use
/// `cargo dify call PACKAGE` to call one of its tools or endpoints.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo dify test duck-0.0.1.difypkg")]
pub(crate) struct Test {
    /// Package to test
    package: PathBuf,

    /// Python that starts the entry module [default: python3]
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,

    /// Print the result to stdout as one JSON object
    #[arg(long)]
    json: bool,
}

/// A tool that no plugin has. Every plugin can respond to a request for it, and the request has no effect.
const UNKNOWN: &str = "cargo-dify-test";

/// How long the plugin may take to respond, and then to exit.
const GRACE: Duration = Duration::from_secs(10);

/// Runs all checks; the first that fails is the error.
pub(crate) async fn run(args: &Test, console: &Console) -> Result<(), Error> {
    let mut stop = Stop::new()?;
    let package = archive::read(&args.package)?;
    let folder = archive::unpack(&package)?;
    let checked = check(folder.path());
    report::refuse_errors(folder.path(), &checked.findings, args.json, console)?;
    let plugin = checked.plugin.map_err(|error| unreadable(&args.package, error))?;
    let identifier = archive::identifier(&plugin.manifest, &package)?;
    let is_native = !PackedBinary::all_valid(&package)?.is_empty();
    console.status("Read", &format!("{identifier}\n{} unpacked", size(package.bytes())));

    let launch = Launch { python: args.python.clone(), as_daemon: true, ..Launch::default() };
    let ready = Ready::new(&plugin, &launch, None, console)?;
    let mut config = HostConfig::default();
    config.shutdown_grace = GRACE;
    let started = Instant::now();
    let host = ready.start(config, console, &mut stop).await?;
    let heartbeat = started.elapsed();
    console.status("Received", &format!("a heartbeat after {} ms", heartbeat.as_millis()));

    tokio::select! {
        biased;
        called = call_unknown_tool(&host) => called?,
        () = tokio::time::sleep(GRACE) => {
            return Err(Error::new(format!("the plugin did not respond to a request within {} s", GRACE.as_secs())));
        }
        () = stop.asked() => return Err(Error::interrupted()),
    }
    console.status("Called", "an unknown tool; the plugin reported it correctly");

    let junk = host.stats().junk_frames;
    if junk > 0 {
        let lines = count(usize::try_from(junk).unwrap_or(usize::MAX), "line");
        let error =
            Error::new(format!("the plugin wrote to stdout what is not a protocol message ({lines})"));
        return Err(error.with_help("`cargo dify call` shows them; write diagnostics to stderr instead"));
    }
    // The official Python SDK ignores its closed input, and the daemon doesn't require an exit.
    match host.shutdown().await {
        _ if !is_native => {}
        Some(status) if status.success() => console.status("Exited", "when its input was closed"),
        Some(status) => {
            return Err(Error::new(format!("the plugin ended with {status} when its input was closed")));
        }
        None => return Err(Error::new("the plugin ended, but its exit status is not known")),
    }
    if args.json {
        let result = json!({
            "unique_identifier": identifier.as_str(),
            "heartbeat_ms": heartbeat.as_secs_f64() * 1000.0,
            "passed": true,
        });
        output::json(&result, console)?;
    }
    Ok(())
}

/// Calls a tool that doesn't exist, which must end in an error of the plugin's own.
async fn call_unknown_tool(host: &Host) -> Result<(), Error> {
    let messages = host.invoke_tool(UNKNOWN, UNKNOWN, Map::new(), Map::new()).await;
    let mut messages = messages.context("cannot call the plugin")?;
    while let Some(message) = messages.next().await {
        match message {
            Ok(_) => {}
            Err(SessionFailure::Plugin(_)) => return Ok(()),
            Err(failure) => return Err(failure.into()),
        }
    }
    Err(Error::new(format!("the plugin has no tool `{UNKNOWN}/{UNKNOWN}`, but a call of it succeeded")))
}
