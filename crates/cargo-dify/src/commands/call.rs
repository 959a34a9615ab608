//! `cargo dify call`: one question, one answer.

mod endpoint;

mod render;
mod tool;

use std::io;
use std::time::{Duration, Instant};

use dify_plugin_host::{Host, HostConfig};
use dify_plugin_manifest::Plugin;
use tokio::sync::mpsc;

use crate::args::{Call, Target};
use crate::console::Console;
use crate::error::Error;
use crate::launch;
use crate::narrator::{self, Detail, seconds};
use crate::stop::Stop;

use self::endpoint::EndpointQuestion;
use self::tool::ToolQuestion;
use crate::output::Output;

/// How long a plugin that has answered may take to exit. Nothing of it is wanted any more, and those of the official
/// Python SDK never exit by themselves.
const GRACE: Duration = Duration::from_millis(500);

/// Starts the plugin, asks, writes the answer and ends the plugin.
///
/// # Errors
///
/// Whatever kept the answer from coming whole, an error as the answer included.
pub(crate) async fn run(call: &Call, console: &Console) -> Result<(), Error> {
    let opened = launch::open(&call.plugin, console)?;
    let question = Question::new(call, opened.plugin(), console)?;
    let ready = launch::prepare(opened.plugin(), &opened.launch(&call.launch), console)?;

    let mut stop = Stop::new().map_err(Error::Runtime)?;
    let mut config = HostConfig::default();
    config.shutdown_grace = GRACE;
    let runner = ready.runner;
    let host = ready.start(config, console, &mut stop).await?;
    let notes = mpsc::unbounded_channel().1;
    let events =
        narrator::narrate(console.clone(), Detail::Call, runner, host.events(), notes, Instant::now());
    let narrator = tokio::spawn(events);

    console.status("Calling", &question.title());
    let started = Instant::now();
    let answer = tokio::select! {
        biased;
        answer = question.ask(&host, call.json, console) => answer,
        () = stop.asked() => Err(Error::Interrupted),
    };
    let time = started.elapsed();
    // What the plugin says while it is ended, it says to nobody. The narrator can't fail.
    let _ = narrator.await;
    host.shutdown().await;
    match answer {
        Ok(sum) => {
            console.status("Done", &format!("{sum} in {}", seconds(time)));
            Ok(())
        }
        // Who reads stdout has enough, as `head` has.
        Err(Error::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error),
    }
}

/// What the plugin is asked.
enum Question {
    Tool(ToolQuestion),
    Endpoint(EndpointQuestion),
}

impl Question {
    fn new(call: &Call, plugin: &Plugin, console: &Console) -> Result<Self, Error> {
        Ok(match &call.target {
            Target::Tool(tool) => Self::Tool(ToolQuestion::new(tool, plugin, console)?),
            Target::Endpoint(endpoint) => Self::Endpoint(EndpointQuestion::new(endpoint, plugin, console)?),
        })
    }

    fn title(&self) -> String {
        match self {
            Self::Tool(tool) => tool.title(),
            Self::Endpoint(endpoint) => endpoint.title(),
        }
    }

    /// Asks, writes the answer as it comes, and says in the end how much it was.
    async fn ask(&self, host: &Host, json: bool, console: &Console) -> Result<String, Error> {
        let mut output = Output::new(console);
        let sum = match self {
            Self::Tool(tool) => tool.ask(host, json, &mut output).await,
            Self::Endpoint(endpoint) => endpoint.ask(host, json, &mut output, console).await,
        };
        // The text of tools comes in pieces and need not end with a newline, but a command's output should. The body of
        // an endpoint stays as it is, but on a terminal; the console keeps what it says apart from it.
        if matches!(self, Self::Tool(_)) || output.terminal {
            output.end_line()?;
        }
        sum
    }
}

/// `3 messages`, `1 message`.
fn count(number: usize, unit: &str) -> String {
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}
