//! The plugin as the daemon runs it: a process with declarations.

use dify_plugin_host::{Host, HostConfig, PluginCommand, Script};
use dify_plugin_manifest::Plugin;
use serde_json::{Map, json};

#[tokio::test]
async fn the_tool_answers_under_the_host() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let plugin = Plugin::read(folder).unwrap();
    let command = PluginCommand::binary(&plugin, env!("CARGO_BIN_EXE_embedded"));
    let script = Script::read(folder.join("script.yaml")).unwrap();
    let host = Host::start(command, HostConfig::default(), script).await.unwrap();

    let parameters = Map::from_iter([("question".to_owned(), "how many?".into())]);
    let mut answers = host.invoke_tool("embedded", "count_words", parameters, Map::new()).await.unwrap();
    let message = serde_json::to_value(answers.next().await.unwrap().unwrap()).unwrap();
    assert_eq!(message["message"], json!({"json_object": {"words": 4}}));
    assert!(answers.next().await.is_none());
    host.shutdown().await;
}
