//! The plugin inside a test, asked as Dify asks it.

use dify_plugin_test::TestPlugin;

#[tokio::test]
async fn it_greets_by_name() {
    let plugin = TestPlugin::new({{crate}}::plugin());
    let answer = plugin.get("/hello/Ada").await;
    answer.assert_status(200).assert_text("Hello, Ada!");
}

#[tokio::test]
async fn nobody_else_is_served() {
    let plugin = TestPlugin::new({{crate}}::plugin());
    plugin.get("/goodbye").await.assert_status(404);
}
