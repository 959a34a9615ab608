//! The plugin an author builds and runs.

use std::collections::btree_map::Entry;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dify_plugin_session::{Connection, ConnectionError};
use http::{Request, Response};
use serde::de::DeserializeOwned;
use tower_service::Service;
use tracing::Instrument;

use crate::dispatch::{Handlers, RegisteredTool};
use crate::endpoint::{Body, END_DELAY, Endpoints};
use crate::error::Result;
use crate::run::run;
use crate::session::Session;
use crate::tool::{Tool, TypedCheck};

/// A plugin: its tools and endpoints, by the names that its YAML gives them.
///
/// ```no_run
/// # use dify_plugin::{NoParameters, Plugin, Result, Tool, ToolContext, ToolOutput};
/// # struct Hello;
/// # impl Tool for Hello {
/// #     type Parameters = NoParameters;
/// #     async fn invoke(&self, _: &ToolContext, _: NoParameters, out: &mut ToolOutput) -> Result<()> {
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
    pub(crate) end_delay: Option<Duration>,
}

impl Plugin {
    /// A plugin that does nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the tool `name` of the provider `provider`.
    ///
    /// # Panics
    ///
    /// If that provider has a tool of this name already.
    #[track_caller]
    pub fn tool(mut self, provider: impl Into<String>, name: impl Into<String>, tool: impl Tool) -> Self {
        let (provider, name) = (provider.into(), name.into());
        let handler = format!("the tool {provider}/{name}").into();
        match self.handlers.providers.entry(provider).or_default().tools.entry(name) {
            Entry::Vacant(free) => free.insert(RegisteredTool { handler, tool: Arc::new(tool) }),
            Entry::Occupied(_) => panic!("{handler} is registered twice"),
        };
        self
    }

    /// Adds the check of the provider's credentials, which Dify asks for when a user fills them in. They are good if it
    /// returns `Ok`; else the error's text tells the user why not.
    ///
    /// ```
    /// # use dify_plugin::{Error, Plugin, Result, Session};
    /// #[derive(serde::Deserialize)]
    /// struct Credentials {
    ///     api_key: String,
    /// }
    ///
    /// async fn check(_session: Session, credentials: Credentials) -> Result<()> {
    ///     match credentials.api_key.as_str() {
    ///         "" => Err(Error::new("EmptyKey", "the API key is empty")),
    ///         _ => Ok(()),
    ///     }
    /// }
    /// # let _ =
    /// Plugin::new().validate_credentials("greeter", check);
    /// ```
    ///
    /// # Panics
    ///
    /// If that provider has a check already.
    #[track_caller]
    pub fn validate_credentials<F, C, Fut>(mut self, provider: impl Into<String>, check: F) -> Self
    where
        F: Fn(Session, C) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
        C: DeserializeOwned + 'static,
    {
        let provider = provider.into();
        let message = format!("the check of {provider}'s credentials is registered twice");
        let entry = self.handlers.providers.entry(provider).or_default();
        assert!(entry.check.replace(Arc::new(TypedCheck::new(check))).is_none(), "{message}");
        self
    }

    /// Serves the plugin's endpoints with any tower service of HTTP requests: an axum `Router`, for one, as it is.
    ///
    /// The service sees paths as the YAML declares them, without the `/e/<hook id>` before. In the extensions of each
    /// request are the [`Session`], the settings ([`RawSettings`](crate::endpoint::RawSettings)) and, if the daemon named
    /// it, the [`HookId`](crate::endpoint::HookId); with the feature `axum` each is an extractor. What can't go through the
    /// daemon, and what is done so that a body arrives whole, stands in [`endpoint`](crate::endpoint).
    ///
    /// # Panics
    ///
    /// If there is a service already: routes of several are merged into one first.
    #[track_caller]
    pub fn endpoints<S, B>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let before = self.handlers.endpoints.replace(Endpoints::new(service));
        assert!(before.is_none(), "`endpoints` is called twice; merge the routers first");
        self
    }

    /// Worker threads; 1 runs everything on the one thread. Wins over DIFY_PLUGIN_WORKERS.
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

    /// How long the end of an endpoint's answer keeps its distance from the first piece of a body in several; see
    /// [`endpoint`](crate::endpoint). Wins over DIFY_PLUGIN_ENDPOINT_END_DELAY.
    pub fn endpoint_end_delay(mut self, delay: Duration) -> Self {
        self.end_delay = Some(delay);
        self
    }

    /// Runs the plugin until the daemon lets go of it: the body of `main`.
    ///
    /// Reads the environment (see the table on the [front page](crate)), takes over stdin and stdout, sends `tracing` events
    /// to the daemon's log unless a subscriber is installed, and ends open sessions when it gets SIGTERM or SIGINT. Its last
    /// line on stderr says why it ended; so does the exit code: 0, all is well; 1, the connection broke; 2, it could not
    /// start as it was set up, or was started by hand in a terminal.
    ///
    /// With `DIFY_PLUGIN_DESCRIBE=1` it serves nothing: it prints what it has, as the [front page](crate#description) shows,
    /// and exits.
    pub fn run(self) -> ExitCode {
        run(self)
    }

    /// Serves a connection of another kind until it is over. For tests, and for programs that do more than
    /// being a plugin: no signal, descriptor, log or exit is touched, and no environment read. One thread is started, which
    /// looks for handlers that block.
    ///
    /// # Errors
    ///
    /// If the connection broke.
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
    pub async fn serve(self, mut connection: Connection) -> Result<(), ConnectionError> {
        let handlers = Arc::new(Handlers { end_delay: self.end_delay.unwrap_or(END_DELAY), ..self.handlers });
        while let Some(request) = connection.accept().await? {
            let span = request.session().span().clone();
            tokio::spawn(handlers.clone().answer(request).instrument(span));
        }
        Ok(())
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tools = self.handlers.providers.values().flat_map(|provider| provider.tools.values());
        f.debug_struct("Plugin")
            .field("tools", &tools.map(|tool| &tool.handler).collect::<Vec<_>>())
            .field("endpoints", &self.handlers.endpoints.is_some())
            .finish_non_exhaustive()
    }
}
