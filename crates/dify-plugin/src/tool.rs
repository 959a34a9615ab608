//! Tools: the trait that authors implement, and its form without types.

mod builder;
mod context;
mod kind;

pub use context::ToolContext;
pub(crate) use kind::ToolKind;

use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::describe::schema;
use crate::error::Result;
use crate::output::Output;
use crate::payload::{TOOL_PARAMETERS, parse_object};
use dify_plugin_protocol::tool::parameter::ToolParameter;

/// A tool: something that a workflow or an agent can run.
///
/// ```
/// use dify_plugin::schemars::{self, JsonSchema};
/// use dify_plugin::{Output, Result, Tool, ToolContext};
/// use serde::Deserialize;
///
/// struct Shout;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct ShoutParameters {
///     text: String,
/// }
///
/// impl Tool for Shout {
///     type Parameters = ShoutParameters;
///
///     async fn invoke(&self, _cx: &ToolContext, p: ShoutParameters, out: &mut Output) -> Result<()> {
///         out.text(p.text.to_uppercase()).await
///     }
/// }
/// # let _ = dify_plugin::Plugin::new().tool("voice", "shout", Shout);
/// ```
///
/// One value runs all requests, many of them at once: keep what they share in its fields.
pub trait Tool: Send + Sync + 'static {
    /// The tool's parameters as its YAML declares them; [`NoParameters`] if there are none.
    ///
    /// Its JSON schema is what `cargo dify check` compares with the YAML. The daemon writes whole numbers without a
    /// fraction (`1`, not `1.0`), and Dify may leave out what is not required: make such fields `Option`s. Don't deny
    /// unknown fields, since Dify may send more.
    type Parameters: DeserializeOwned + JsonSchema + Send;

    /// Runs the tool once. Messages that are sent through `out` go out at once; the session ends when this returns.
    ///
    /// # Errors
    ///
    /// An error is sent to Dify after the messages that were sent before.
    fn invoke(
        &self,
        cx: &ToolContext,
        parameters: Self::Parameters,
        out: &mut Output,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Returns the parameters that depend on the credentials, in addition to those in the YAML. Dify requests them when it
    /// shows the tool. Default: none.
    ///
    /// # Errors
    ///
    /// An error is sent to Dify.
    fn runtime_parameters(
        &self,
        cx: &ToolContext,
    ) -> impl Future<Output = Result<Vec<ToolParameter>>> + Send {
        let _ = cx;
        async { Ok(Vec::new()) }
    }
}

/// The parameters of a tool that has none; values that come all the same are ignored.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
pub struct NoParameters {}

/// A [`Tool`] without its types.
pub(crate) trait AnyTool: Send + Sync {
    fn invoke(
        self: Arc<Self>,
        cx: ToolContext,
        parameters: Option<Box<RawValue>>,
        out: Output,
    ) -> BoxFuture<'static, Result<()>>;

    fn runtime_parameters(self: Arc<Self>, cx: ToolContext)
    -> BoxFuture<'static, Result<Vec<ToolParameter>>>;

    /// Returns the description of the tool, with the schema of its parameters.
    fn describe(&self, name: &str) -> Value;
}

impl<T: Tool> AnyTool for T {
    fn invoke(
        self: Arc<Self>,
        cx: ToolContext,
        parameters: Option<Box<RawValue>>,
        mut out: Output,
    ) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            let typed = parse_object(TOOL_PARAMETERS, parameters.as_deref())?;
            drop(parameters);
            Tool::invoke(&*self, &cx, typed, &mut out).await
        })
    }

    fn runtime_parameters(
        self: Arc<Self>,
        cx: ToolContext,
    ) -> BoxFuture<'static, Result<Vec<ToolParameter>>> {
        Box::pin(async move { Tool::runtime_parameters(&*self, &cx).await })
    }

    fn describe(&self, name: &str) -> Value {
        json!({"name": name, "parameters": schema::<T::Parameters>()})
    }
}
