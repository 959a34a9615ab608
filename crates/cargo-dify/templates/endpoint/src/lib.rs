//! {{description}}

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use dify_plugin::Plugin;

/// Returns the plugin with all its endpoints.
pub fn plugin() -> Plugin {
    Plugin::new().endpoints(Router::new().route("/hello/{name}", get(hello)))
}

/// Greets a person by name.
async fn hello(Path(name): Path<String>) -> String {
    format!("Hello, {name}!")
}
