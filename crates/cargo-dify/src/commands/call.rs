//! `cargo dify call`: one request, one response.

mod endpoint;
mod render;
mod tool;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use dify_plugin_host::{Host, HostConfig};
use dify_plugin_manifest::Plugin;
use tokio::sync::mpsc;

use self::endpoint::{EndpointArgs, EndpointCall};
use self::tool::{ToolArgs, ToolCall};
use crate::args::Launch;
use crate::console::Console;
use crate::error::Error;
use crate::humanize::seconds;
use crate::launch::Opened;
use crate::narrator::{self, Detail};
use crate::output::Output;
use crate::stop::Stop;

/// Call a tool or an endpoint of a plugin
///
/// The plugin is built, started, called once and stopped. The result goes to stdout as it arrives, everything else to stderr. The
/// exit code is 1 if the call fails, or if an endpoint responds with a status of 400 or above.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo dify call . tool duck/quack --param times=3
  cargo dify call . endpoint GET /duck/app-1 --script script.yaml
  cargo dify call duck-0.0.1.difypkg tool duck/quack --json")]
pub(crate) struct Call {
    /// Folder of the plugin, which holds manifest.yaml, or a package, which is unpacked and started as the daemon does
    #[arg(value_name = "DIR|PACKAGE")]
    plugin: PathBuf,

    /// Print the raw messages to stdout, as one JSON object per line
    #[arg(long, global = true)]
    json: bool,

    #[command(flatten)]
    launch: Launch,

    #[command(subcommand)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Target {
    Tool(ToolArgs),
    Endpoint(EndpointArgs),
}

/// How long a plugin may take to exit after the call. Nothing more is expected of it, and plugins of the official Python SDK never
/// exit by themselves.
const GRACE: Duration = Duration::from_millis(500);

/// Starts the plugin, calls it, and stops it.
pub(crate) async fn run(args: &Call, console: &Console) -> Result<(), Error> {
    let opened = Opened::new(&args.plugin, console)?;
    let call = PreparedCall::new(&args.target, &opened.plugin, console)?;
    let ready = opened.prepare(&args.launch, console)?;

    let mut stop = Stop::new()?;
    let mut config = HostConfig::default();
    config.shutdown_grace = GRACE;
    let runner = ready.runner;
    let host = ready.start(config, console, &mut stop).await?;
    let notes = mpsc::unbounded_channel().1;
    let events =
        narrator::narrate(console.clone(), Detail::Call, runner, host.events(), notes, Instant::now());
    let narrator = tokio::spawn(events);

    console.status("Calling", &call.title());
    let started = Instant::now();
    let result = tokio::select! {
        biased;
        result = call.send(&host, args.json, console) => result,
        () = stop.asked() => Err(Error::interrupted()),
    };
    let time = started.elapsed();
    // The narrator can't fail. What the plugin writes while it is being stopped is not shown.
    let _ = narrator.await;
    host.shutdown().await;
    match result {
        Ok(summary) => {
            console.status("Done", &format!("{summary} in {}", seconds(time)));
            Ok(())
        }
        Err(error) if error.is_broken_pipe() => Ok(()),
        Err(error) => Err(error),
    }
}

/// A call whose arguments have their declared types.
enum PreparedCall {
    Tool(ToolCall),
    Endpoint(EndpointCall),
}

impl PreparedCall {
    fn new(target: &Target, plugin: &Plugin, console: &Console) -> Result<Self, Error> {
        Ok(match target {
            Target::Tool(args) => Self::Tool(ToolCall::new(args, plugin, console)?),
            Target::Endpoint(args) => Self::Endpoint(EndpointCall::new(args, plugin, console)?),
        })
    }

    fn title(&self) -> String {
        match self {
            Self::Tool(tool) => tool.title(),
            Self::Endpoint(endpoint) => endpoint.title(),
        }
    }

    /// Sends the call, writes the result as it arrives, and returns how much it was.
    async fn send(&self, host: &Host, json: bool, console: &Console) -> Result<String, Error> {
        let mut output = Output::new(console);
        let (summary, is_text) = match self {
            Self::Tool(tool) => (tool.send(host, json, &mut output).await, true),
            Self::Endpoint(endpoint) => (endpoint.send(host, json, &mut output, console).await, false),
        };
        // A tool's text is written as it comes and may lack the final newline that a command's output should have. The body of an
        // endpoint is never changed, except on a terminal.
        if is_text || output.is_terminal {
            output.end_line()?;
        }
        summary
    }
}
