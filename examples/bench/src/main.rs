//! Small tools and endpoints whose answers are known, to compare and to measure plugins with.

mod endpoints;
mod tools;

use std::process::ExitCode;

use dify_plugin::{NoParameters, Plugin, Result, Session};

/// The provider has no credentials; whatever comes is good.
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
