//! Calls the plugin as Dify does, inside the test's own process.

use dify_plugin_test::TestPlugin;

#[tokio::test]
async fn it_greets_by_name() {
    let plugin = TestPlugin::new({{crate}}::plugin());
    let call = plugin.tool("{{name}}", "hello").parameter("name", "Ada");
    call.invoke().await.assert_text("Hello, Ada!");
}

#[tokio::test]
async fn it_can_be_formal() {
    let plugin = TestPlugin::new({{crate}}::plugin());
    let call = plugin.tool("{{name}}", "hello").parameter("name", "Ada");
    let response = call.parameter("tone", "formal").invoke().await;
    response.assert_text("Good day, Ada!");
}
