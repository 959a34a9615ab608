//! The tools.

mod kinds;

pub(crate) use kinds::Kinds;

use dify_plugin::schemars::{self, JsonSchema};
use dify_plugin::{BlobMeta, Error, NoParameters, Output, Result, Tool, ToolContext};
use serde::Deserialize;

/// The parameters of `echo` and `relay`.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Text {
    text: String,
}

/// Sends its text back.
pub(crate) struct Echo;

impl Tool for Echo {
    type Parameters = Text;

    async fn invoke(&self, _: &ToolContext, p: Text, out: &mut Output) -> Result<()> {
        out.text(p.text).await
    }
}

/// Asks a chat app and forwards its answer chunk by chunk.
pub(crate) struct Relay;

impl Tool for Relay {
    type Parameters = Text;

    async fn invoke(&self, cx: &ToolContext, p: Text, out: &mut Output) -> Result<()> {
        let mut events = cx.app().chat("app-1").query(p.text).stream().await?;
        while let Some(event) = events.try_next().await? {
            if let Some(text) = event.answer() {
                out.text(text).await?;
            }
        }
        Ok(())
    }
}

/// Sends a text, then fails.
pub(crate) struct Fail;

impl Tool for Fail {
    type Parameters = NoParameters;

    async fn invoke(&self, _: &ToolContext, _: NoParameters, out: &mut Output) -> Result<()> {
        out.text("before").await?;
        Err(Error::new("RuntimeError", "upstream said no"))
    }
}

/// Sends a file of one MiB.
pub(crate) struct Blob;

impl Tool for Blob {
    type Parameters = NoParameters;

    async fn invoke(&self, _: &ToolContext, _: NoParameters, out: &mut Output) -> Result<()> {
        let bytes: Vec<u8> = (0..=250).cycle().take(1024 * 1024).collect();
        out.blob(bytes, BlobMeta::new("application/octet-stream").filename("big.bin")).await
    }
}
