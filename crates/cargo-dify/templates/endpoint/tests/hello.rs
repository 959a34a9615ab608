//! Calls the plugin as Dify does, inside the test's own process.

use dify_plugin_test::TestPlugin;

#[tokio::test]
async fn it_greets_by_name() {
    let plugin = TestPlugin::new({{crate}}::plugin());
    let response = plugin.get("/hello/Ada").await;
    response.assert_status(200).assert_text("Hello, Ada!");
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let plugin = TestPlugin::new({{crate}}::plugin());
    plugin.get("/goodbye").await.assert_status(404);
}
