//! From a request to its handler, and from the handler's result to the end of the session.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use dify_plugin_protocol::ErrorData;
use dify_plugin_protocol::error::HANDLER_PANICKED;
use dify_plugin_session::{Request, SendError};
use futures_util::FutureExt;

use crate::actions::Actions;
use crate::error::Result;
use crate::kind::{Handler, Incoming, not_found};
use crate::kinds::Kinds;
use crate::session::Session;
use crate::watchdog::Watched;

/// Everything that the author has registered. A clone shares the handlers.
#[derive(Clone, Default)]
pub(crate) struct Handlers {
    pub(crate) kinds: Kinds,
    pub(crate) actions: Actions,
}

impl Handlers {
    /// Answers one request: runs its handler and ends its session, whatever happens.
    pub(crate) async fn answer(self: Arc<Self>, request: Request) {
        let (payload, responder) = request.into_parts();
        let session = Session::new(responder.session().clone());
        let found = self.find(Incoming { session, payload: &payload });
        // Whatever the handler needs was read from it.
        drop(payload);
        let Handler { name, running } = match found {
            Ok(found) => found,
            Err(error) => return log_late(responder.fail(error.into_data())),
        };
        let running = Watched::new(name.clone(), AssertUnwindSafe(running).catch_unwind());
        let outcome = tokio::select! {
            biased;
            outcome = running => outcome,
            // Its deadline or the end of the connection has ended the session: nothing the handler sends can arrive.
            () = responder.session().ended() => return,
        };
        log_late(match outcome {
            Ok(Ok(())) => responder.finish(),
            Ok(Err(error)) => responder.fail(error.into_data()),
            Err(panic) => responder.fail(ErrorData::new(
                HANDLER_PANICKED,
                format!("the handler of {name} panicked: {}", panic_text(&*panic)),
            )),
        });
    }

    fn find(&self, request: Incoming<'_>) -> Result<Handler> {
        if let Some(kind) = self.kinds.of(request.access_type())
            && kind.actions().contains(request.action())
        {
            return kind.find(request);
        }
        self.actions.find(&request).unwrap_or_else(|| {
            Err(not_found(format!(
                "this plugin has no handler for type `{}`, action `{}`; it has {}",
                request.access_type(),
                request.action(),
                self.summary()
            )))
        })
    }

    /// Names what is registered, for the error that answers a request for something else.
    pub(crate) fn summary(&self) -> String {
        let parts: Vec<_> =
            self.kinds.iter().filter_map(|kind| kind.summary()).chain(self.actions.names()).collect();
        if parts.is_empty() { "none at all".to_owned() } else { parts.join(" and ") }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "without a message"
    }
}

/// The session may have ended a moment before, by its deadline or with the connection.
fn log_late(ended: Result<(), SendError>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "the session had ended before its handler did");
    }
}
