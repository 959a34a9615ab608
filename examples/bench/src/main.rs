//! Small tools and endpoints with known output, for comparing and measuring plugins.

mod endpoints;
mod tools;

use std::process::ExitCode;

use dify_plugin::{NoParameters, Plugin, Result, Session};

/// Accepts any credentials: the provider has none.
async fn no_credentials(_: Session, _: NoParameters) -> Result<()> {
    Ok(())
}

fn main() -> ExitCode {
    Plugin::new()
        .tool("bench", "echo", tools::Echo)
        .tool("bench", "relay", tools::Relay)
        .tool("bench", "fail", tools::Fail)
        .tool("bench", "kinds", tools::Kinds)
        .tool("bench", "blob", tools::Blob)
        .tool_credentials("bench", no_credentials)
        .endpoints(endpoints::router())
        .run()
}
