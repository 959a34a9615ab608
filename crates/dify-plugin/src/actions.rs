//! Handlers for actions that no kind of plugin answers.

use std::sync::Arc;

use dify_plugin_protocol::{AccessType, Action};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::context::RequestContext;
use crate::error::Result;
use crate::kind::{Handler, Incoming};
use crate::output::RawOutput;
use crate::session::Session;

/// A handler without its types.
type RawHandler = dyn Fn(Session, Box<RawValue>, RawOutput) -> BoxFuture<'static, Result<()>> + Send + Sync;

/// What a handler for [`Plugin::on`](crate::Plugin::on) may take as its first argument: a [`Session`], or a
/// [`RequestContext`] where the daemon refuses calls back to Dify.
pub trait HandlerContext: sealed::FromSession {}

impl HandlerContext for Session {}
impl HandlerContext for RequestContext {}

mod sealed {
    use crate::context::RequestContext;
    use crate::session::Session;

    pub trait FromSession {
        const CALLS_BACK: bool;
        fn from_session(session: Session) -> Self;
    }

    impl FromSession for Session {
        const CALLS_BACK: bool = true;
        fn from_session(session: Session) -> Self {
            session
        }
    }

    impl FromSession for RequestContext {
        const CALLS_BACK: bool = false;
        fn from_session(session: Session) -> Self {
            session.into_context()
        }
    }
}

/// The handlers that were registered with [`Plugin::on`](crate::Plugin::on).
#[derive(Clone, Default)]
pub(crate) struct Actions(Vec<(AccessType, Action, Arc<RawHandler>)>);

impl Actions {
    /// # Panics
    ///
    /// If the pair is registered already, or if the handler takes a [`Session`] for a type that may not call back.
    #[track_caller]
    pub(crate) fn add<C, F, Fut>(&mut self, access_type: AccessType, action: Action, handler: F)
    where
        C: HandlerContext,
        F: Fn(C, Box<RawValue>, RawOutput) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        assert!(
            self.get(&access_type, &action).is_none(),
            "type `{access_type}`, action `{action}` is registered twice"
        );
        // The daemon ends a model's session at its first reverse invocation (`internal/core/io_tunnel/model_service.go`).
        assert!(
            !C::CALLS_BACK || access_type != AccessType::Model,
            "handlers for type `model` take a `RequestContext`: a model may not call back to Dify"
        );
        let handler = Arc::new(handler);
        // The author's closure is called inside the future, where a panic and a blocked worker are seen.
        let handler = move |session, payload, out| {
            let handler = handler.clone();
            Box::pin(async move { handler(C::from_session(session), payload, out).await }) as _
        };
        self.0.push((access_type, action, Arc::new(handler)));
    }

    fn get(&self, access_type: &AccessType, action: &Action) -> Option<&Arc<RawHandler>> {
        let found = self.0.iter().find(|(known_type, known, _)| known_type == access_type && known == action);
        found.map(|(.., handler)| handler)
    }

    /// Finds the handler for a request, if its pair is registered.
    pub(crate) fn find(&self, request: &Incoming<'_>) -> Option<Result<Handler>> {
        /// The field that all but a few actions have.
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, default)]
            credentials: Option<&'a RawValue>,
        }

        let handler = self.get(request.access_type(), request.action())?;
        let name = format!("{}/{}", request.access_type(), request.action()).into();
        Some(request.read().map(|fields: Fields<'_>| {
            let session = request.session.clone().with_credentials(fields.credentials);
            let out = RawOutput::new(&session);
            Handler::new(name, handler(session, request.payload.to_owned(), out))
        }))
    }

    /// Names the pairs that are registered.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(access_type, action, _)| format!("`{access_type}`/`{action}`"))
    }
}
