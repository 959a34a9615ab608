//! `cargo dify test`: whether a package runs as the daemon runs it.

use std::path::Path;
use std::time::{Duration, Instant};

use dify_plugin_host::{Host, HostConfig, SessionFailure};
use dify_plugin_manifest::{Severity, check};
use dify_plugin_package::{Arch, Binary, UniqueIdentifier};
use serde_json::{Map, json};

use crate::args::{Launch, Test};
use crate::commands::package::size;
use crate::console::Console;
use crate::error::Error;
use crate::launch::{self, Opened};
use crate::output::Output;
use crate::report;
use crate::stop::Stop;
use crate::unpacked::{self, Unpacked};

/// A tool that no plugin has: what it is asked for must be answered, and does nothing.
const NOBODY: &str = "cargo-dify-test";

/// How long the plugin may take to answer that, and then to exit.
const GRACE: Duration = Duration::from_secs(10);

/// Goes through the package step by step; the first that fails is the error.
pub(crate) async fn run(args: &Test, console: &Console) -> Result<(), Error> {
    let mut stop = Stop::new().map_err(Error::Runtime)?;
    let package = unpacked::open(&args.package)?;
    let opened = Opened::Package(Unpacked::new(&package, &args.package)?);
    let plugin = opened.plugin();
    refuse_what_is_refused(&plugin.root, args.json, console)?;
    let identifier = UniqueIdentifier::new(&plugin.manifest, &package)?;
    for arch in Arch::ALL {
        let path = arch.binary_path();
        if let Some(bytes) = package.file(&path) {
            let fits = Binary::read(bytes).and_then(|binary| binary.check(arch));
            fits.map_err(|source| Error::Binary { path, source })?;
        }
    }
    console.status("Read", &format!("{identifier}\n{} unpacked", size(package.bytes())));

    let how = Launch { python: args.python.clone(), ..Launch::default() };
    let ready = launch::prepare(plugin, &opened.launch(&how), console)?;
    let mut config = HostConfig::default();
    config.shutdown_grace = GRACE;
    let began = Instant::now();
    let host = ready.start(config, console, &mut stop).await?;
    let heartbeat = began.elapsed();
    console.status("Heard", &format!("its heartbeat after {} ms", heartbeat.as_millis()));

    tokio::select! {
        biased;
        answered = answers(&host) => answered?,
        () = tokio::time::sleep(GRACE) => {
            return Err(Error::Trial(format!("the plugin didn't answer a request within {} s", GRACE.as_secs())));
        }
        () = stop.asked() => return Err(Error::Interrupted),
    }
    console.status("Asked", "it for a tool that it hasn't, which it said");

    let junk = host.stats().junk_frames;
    if junk > 0 {
        return Err(Error::Trial(format!(
            "the plugin wrote {junk} lines on stdout that aren't the protocol's, as `cargo dify call` shows"
        )));
    }
    // The official Python SDK takes no notice of its closed input, and the daemon doesn't ask anybody to.
    let native = Arch::ALL.iter().any(|arch| package.file(&arch.binary_path()).is_some());
    match host.shutdown().await {
        _ if !native => {}
        Some(status) if status.success() => console.status("Ended", "once its input was closed"),
        Some(status) => {
            return Err(Error::Trial(format!("once its input was closed, the plugin ended with {status}")));
        }
        None => return Err(Error::Trial("nobody knows how the plugin ended".to_owned())),
    }
    if args.json {
        let said = json!({
            "unique_identifier": identifier.as_str(),
            "heartbeat_ms": heartbeat.as_secs_f64() * 1000.0,
            "passed": true,
        });
        Output::new(console).line(&said.to_string())?;
    }
    Ok(())
}

/// Shows what the daemon would refuse of the declarations.
fn refuse_what_is_refused(root: &Path, as_json: bool, console: &Console) -> Result<(), Error> {
    let (refused, misread): (Vec<_>, Vec<_>) =
        check(root).findings.into_iter().partition(|finding| finding.severity == Severity::Refused);
    if refused.is_empty() {
        return Ok(());
    }
    report::refuse(root, &refused, misread.len(), as_json, console)
}

/// Asks for what isn't there: the one question that every plugin can answer, and that has no effect.
async fn answers(host: &Host) -> Result<(), Error> {
    let answers = host.invoke_tool(NOBODY, NOBODY, Map::new(), Map::new()).await;
    let mut answers = answers.map_err(Error::Ask)?;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(_) => {}
            Err(SessionFailure::Plugin(_)) => return Ok(()),
            Err(failure) => return Err(Error::Failed(failure)),
        }
    }
    Err(Error::Trial(format!("the plugin has no tool `{NOBODY}/{NOBODY}`, but answered without an error")))
}
