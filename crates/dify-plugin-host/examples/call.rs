//! Runs a plugin in the foreground and asks it one thing: `call <plugin folder> <provider> <tool> [key=value …]`, with
//! a scripted app that answers everybody.

use std::time::Instant;

use dify_plugin_host::{Host, HostConfig, OpenSession, PluginCommand, Script, ScriptedApp};
use dify_plugin_manifest::Plugin;
use dify_plugin_protocol::{AccessType, Action};
use serde_json::{Map, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(provider), Some(tool)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: call <plugin folder> <provider> <tool> [key=value …]".into());
    };
    let mut parameters = Map::new();
    for arg in args {
        let (key, value) = arg.split_once('=').ok_or("a parameter is key=value")?;
        parameters.insert(key.to_owned(), value.into());
    }
    let plugin = Plugin::read(&folder)?;
    let command = match std::env::var("PYTHON") {
        Ok(python) => PluginCommand::as_daemon_with(&plugin, python),
        Err(_) => PluginCommand::for_plugin(&plugin)?,
    };
    let script = Script::new().app(
        "*",
        ScriptedApp::new()
            .repeat(
                3,
                std::time::Duration::from_millis(50),
                json!({"event": "message", "answer": "{query} {i}"}),
            )
            .event(json!({"event": "message_end"})),
    );
    let started = Instant::now();
    let host = Host::start(command, HostConfig::default(), script).await?;
    println!("ready after {:?}", started.elapsed());
    let mut payload = Map::new();
    payload.insert("provider".to_owned(), provider.into());
    payload.insert("tool".to_owned(), tool.into());
    payload.insert("tool_parameters".to_owned(), parameters.into());
    payload.insert("credentials".to_owned(), json!({}));
    let mut answers = host.open(OpenSession::new(AccessType::Tool, Action::InvokeTool, payload)).await?;
    while let Some(answer) = answers.next().await {
        println!("{:?} {}", started.elapsed(), answer?.get());
    }
    drop(answers);
    println!("{host:?} {:?}", host.rss_bytes());
    println!("{:?}", host.shutdown().await);
    Ok(())
}
