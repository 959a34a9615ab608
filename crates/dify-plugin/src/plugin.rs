//! The plugin an author builds and runs.

use std::fmt;
use std::sync::Arc;

use dify_plugin_protocol::{AccessType, Action};
use dify_plugin_session::{Connection, ConnectionError};
use serde_json::value::RawValue;
use tracing::Instrument;

use crate::actions::HandlerContext;
use crate::dispatch::Handlers;
use crate::error::Result;
use crate::output::RawOutput;

/// A plugin: its handlers, registered under the names that its YAML gives them.
///
/// ```no_run
/// # use dify_plugin::{NoParameters, Output, Plugin, Result, Tool, ToolContext};
/// # struct Hello;
/// # impl Tool for Hello {
/// #     type Parameters = NoParameters;
/// #     async fn invoke(&self, _: &ToolContext, _: NoParameters, out: &mut Output) -> Result<()> {
/// #         out.text("hello").await
/// #     }
/// # }
/// fn main() -> std::process::ExitCode {
///     Plugin::new().tool("greeter", "hello", Hello).run()
/// }
/// ```
#[derive(Default)]
#[must_use = "a plugin does nothing until it is run"]
pub struct Plugin {
    pub(crate) handlers: Handlers,
    pub(crate) workers: Option<usize>,
}

impl Plugin {
    /// Creates a plugin without handlers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a handler for an action that has no builder method of its own.
    ///
    /// The handler gets the request's payload as it came and sends its messages in the form that the action asks for. The
    /// session ends when it returns; an error becomes the session's error. Handlers of type `model` take a
    /// [`RequestContext`](crate::RequestContext), since a model may not call back to Dify; all others may take a
    /// [`Session`](crate::Session).
    ///
    /// ```
    /// use dify_plugin::protocol::{AccessType, Action};
    /// use dify_plugin::{Plugin, RawOutput, RequestContext, Result};
    /// use serde_json::{json, value::RawValue};
    ///
    /// async fn voices(_cx: RequestContext, _payload: Box<RawValue>, out: RawOutput) -> Result<()> {
    ///     out.send(&json!({"voices": [{"name": "Ada", "value": "ada"}]})).await
    /// }
    ///
    /// # let _ =
    /// Plugin::new().on(AccessType::Model, Action::GetTtsModelVoices, voices);
    /// ```
    ///
    /// # Panics
    ///
    /// If the pair is registered already, if it belongs to a kind that has a builder method, or if the handler takes a
    /// `Session` for type `model`.
    #[track_caller]
    pub fn on<C, F, Fut>(mut self, access_type: AccessType, action: Action, handler: F) -> Self
    where
        C: HandlerContext,
        F: Fn(C, Box<RawValue>, RawOutput) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let kind = self.handlers.kinds.of(&access_type);
        assert!(
            !kind.is_some_and(|kind| kind.actions().contains(&action)),
            "type `{access_type}`, action `{action}` has a builder method of its own; use that"
        );
        self.handlers.actions.add(access_type, action, handler);
        self
    }

    /// Sets the number of worker threads; 1 runs everything on one thread. Overrides DIFY_PLUGIN_WORKERS.
    ///
    /// # Panics
    ///
    /// If `workers` is 0.
    #[track_caller]
    pub fn workers(mut self, workers: usize) -> Self {
        assert!(workers > 0, "a plugin needs a worker");
        self.workers = Some(workers);
        self
    }

    /// Serves one connection until it is over.
    ///
    /// Can be called again for the next connection, and for several at once. This touches neither signals nor descriptors,
    /// log, exit code or environment, so it suits tests and programs that do more than being a plugin. It starts one
    /// thread per process, which reports handlers that block their worker.
    ///
    /// ```
    /// # use dify_plugin::{Plugin, session_layer::{Config, Connection}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (plugin_end, _daemon_end) = tokio::io::duplex(64 * 1024);
    /// let (reader, writer) = tokio::io::split(plugin_end);
    /// let plugin = Plugin::new();
    /// # drop(_daemon_end);
    /// plugin.serve(Connection::new(reader, writer, Config::default())).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// If the connection broke.
    pub async fn serve(&self, mut connection: Connection) -> Result<(), ConnectionError> {
        let handlers = Arc::new(self.handlers.clone());
        while let Some(request) = connection.accept().await? {
            let span = request.session().span().clone();
            tokio::spawn(handlers.clone().answer(request).instrument(span));
        }
        Ok(())
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("handlers", &self.handlers.summary()).finish_non_exhaustive()
    }
}
