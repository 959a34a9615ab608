//! How endpoints are added to a plugin.

use super::service::Endpoints;
use crate::plugin::Plugin;

impl Plugin {
    /// Serves the plugin's endpoints with any tower service of HTTP requests, such as an axum `Router`. Pass an
    /// [`Endpoints`] to change how they are served.
    ///
    /// The service sees paths as the YAML declares them, without the leading `/e/<hook id>`. Each request has in its
    /// extensions the [`Session`](crate::Session), the settings ([`RawSettings`](super::RawSettings)) and, if the daemon
    /// gave it, the [`HookId`](super::HookId); with the feature `axum` each of them is an extractor. The module
    /// [`endpoint`](crate::endpoint) lists what the daemon cannot carry, and what is done so that a body arrives whole.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use axum::{Router, routing::get};
    /// # use dify_plugin::{Plugin, endpoint::Endpoints};
    /// let router = || Router::new().route("/hello", get(|| async { "hello" }));
    /// # let _ =
    /// Plugin::new().endpoints(router());
    /// # let _ =
    /// Plugin::new().endpoints(Endpoints::new(router()).end_delay(Duration::from_millis(200)));
    /// ```
    ///
    /// # Panics
    ///
    /// If the plugin has endpoints already: merge the routers first.
    #[track_caller]
    pub fn endpoints(mut self, endpoints: impl Into<Endpoints>) -> Self {
        let before = self.handlers.kinds.endpoints.endpoints.replace(endpoints.into());
        assert!(before.is_none(), "`endpoints` is called twice; merge the routers first");
        self
    }
}
