//! The plugin inside a test, asked as Dify asks it.

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
    let answer = call.parameter("tone", "formal").invoke().await;
    answer.assert_text("Good day, Ada!");
}
