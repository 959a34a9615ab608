//! {{description}}

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use dify_plugin::Plugin;

/// The plugin, with everything it serves.
pub fn plugin() -> Plugin {
    Plugin::new().endpoints(Router::new().route("/hello/{name}", get(hello)))
}

/// Greets whoever asks.
async fn hello(Path(name): Path<String>) -> String {
    format!("Hello, {name}!")
}
