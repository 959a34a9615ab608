//! Calls a plugin's tool once, with a scripted app that answers every call.
//!
//! `cargo run -p dify-plugin-host --example call -- FOLDER PROVIDER TOOL [KEY=VALUE …]`. A Python plugin runs under the
//! interpreter in the variable `PYTHON`.

use std::time::{Duration, Instant};

use dify_plugin_host::{Host, HostConfig, PluginCommand, Script, ScriptedApp};
use dify_plugin_manifest::Plugin;
use serde_json::{Map, json};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the messages are the output")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(provider), Some(tool)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: call FOLDER PROVIDER TOOL [KEY=VALUE …]".into());
    };
    let mut parameters = Map::new();
    for arg in args {
        let (key, value) = arg.split_once('=').ok_or("a parameter is KEY=VALUE")?;
        parameters.insert(key.to_owned(), value.into());
    }

    let plugin = Plugin::read(&folder)?;
    let command = match std::env::var_os("PYTHON") {
        Some(python) => PluginCommand::as_daemon_with(&plugin, python),
        None => PluginCommand::for_plugin(&plugin)?,
    };
    let event = json!({"event": "message", "answer": "{query} {i} "});
    let app = ScriptedApp::new()
        .repeat(3, Duration::from_millis(50), event)
        .event(json!({"event": "message_end", "metadata": {}}));
    let script = Script::new().app("*", app);

    let started = Instant::now();
    let host = Host::start(command, HostConfig::default(), script).await?;
    println!("ready after {:?}", started.elapsed());
    let mut answers = host.invoke_tool(&provider, &tool, parameters, Map::new()).await?.join_blobs();
    while let Some(message) = answers.next().await {
        println!("{:?} {}", started.elapsed(), serde_json::to_string(&message?)?);
    }
    println!("{:?}, {:?} bytes resident", host.stats(), host.rss_bytes());
    println!("{:?}", host.shutdown().await);
    Ok(())
}
