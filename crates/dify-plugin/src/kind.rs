//! What a kind of plugin (tool, endpoint, …) is to the rest of this crate.
//!
//! A kind is a folder with a type that implements [`Kind`], and a line in `kinds.rs`. Everything that is the same for all
//! kinds (spans, panics, deadlines, errors, the end of the session) is done once, in `dispatch.rs`.

use std::sync::Arc;

use dify_plugin_protocol::error::HANDLER_NOT_FOUND;
use dify_plugin_protocol::{AccessType, Action};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::output::RawOutput;
use crate::session::Session;

/// One kind of plugin: the handlers that the author has registered for it.
pub(crate) trait Kind: Send + Sync {
    /// The `type` of the requests that this kind answers.
    fn access_type(&self) -> AccessType;

    /// The actions of that type that this kind answers, whether or not a handler is registered for them.
    fn actions(&self) -> &'static [Action];

    /// Finds the handler for a request whose action is one of [`Kind::actions`].
    fn find(&self, request: Incoming<'_>) -> Result<Handler>;

    /// Names what is registered, for the error that answers a request for something else; `None` if nothing is.
    fn summary(&self) -> Option<String>;

    /// Adds what is registered to the description of the plugin.
    fn describe(&self, description: &mut Map<String, Value>);
}

/// A request whose handler is being looked for.
pub(crate) struct Incoming<'a> {
    pub(crate) session: Session,
    pub(crate) payload: &'a RawValue,
}

impl<'a> Incoming<'a> {
    pub(crate) fn access_type(&self) -> &AccessType {
        self.session.transport().access_type()
    }

    pub(crate) fn action(&self) -> &Action {
        self.session.transport().action()
    }

    /// Reads the payload, or the part of it that `T` has fields for.
    pub(crate) fn read<T: Deserialize<'a>>(&self) -> Result<T> {
        serde_json::from_str(self.payload.get()).map_err(|error| Error::unreadable("the request", &error))
    }
}

/// A handler that was found for one request, ready to run.
pub(crate) struct Handler {
    /// Names the handler in warnings and errors.
    pub(crate) name: Arc<str>,
    pub(crate) running: BoxFuture<'static, Result<()>>,
}

impl Handler {
    /// A handler that sends its messages itself.
    pub(crate) fn new(name: Arc<str>, running: impl Future<Output = Result<()>> + Send + 'static) -> Self {
        Self { name, running: Box::pin(running) }
    }

    /// A handler whose result is the one message of the session.
    pub(crate) fn returning<T: Serialize + Send + Sync>(
        name: Arc<str>,
        session: &Session,
        running: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Self {
        let out = RawOutput::new(session);
        Self::new(name, async move { out.send(&running.await?).await })
    }
}

/// The error for a request that no handler is registered for.
pub(crate) fn not_found(message: impl Into<String>) -> Error {
    Error::new(HANDLER_NOT_FOUND, message)
}

/// Quotes names and joins them with commas.
pub(crate) fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
