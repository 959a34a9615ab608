//! What stands in for Dify, and remembers what it was asked.

use std::sync::{Arc, Mutex, PoisonError};

use dify_plugin_host::{Platform, ReverseCall, Router, Script, ScriptedApp};
use serde_json::json;

/// Apps by script, the rest by whatever the test brings.
#[derive(Default)]
pub(crate) struct StandIn {
    pub(crate) script: Script,
    pub(crate) otherwise: Option<Box<dyn Platform>>,
    pub(crate) asked: Asked,
}

/// The calls that came, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked(Arc<Mutex<Vec<ReverseCall>>>);

impl Asked {
    pub(crate) fn calls(&self) -> Vec<ReverseCall> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, call: ReverseCall) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }
}

impl StandIn {
    /// The platform for the host: apps by script, everything else by the test's own platform if there is one.
    pub(crate) fn platform(self) -> impl Platform {
        let Self { script, otherwise, asked } = self;
        let router = Router::new().apps(script.app_ids(), script.clone());
        let router = match otherwise {
            Some(otherwise) => router.fallback(move |call| otherwise.invoke(call)),
            None => router.fallback(script),
        };
        move |call: ReverseCall| {
            asked.note(call.clone());
            router.invoke(call)
        }
    }
}

/// A chat app that answers in these pieces.
pub(crate) fn chat_app(pieces: impl IntoIterator<Item = impl Into<String>>) -> ScriptedApp {
    let event = |name: &str| {
        json!({
            "event": name, "task_id": "task-1", "id": "message-1", "message_id": "message-1",
            "conversation_id": "conversation-1", "created_at": 1_767_225_600,
        })
    };
    let app = pieces.into_iter().fold(ScriptedApp::new(), |app, piece| {
        let mut event = event("message");
        event["answer"] = piece.into().into();
        app.event(event)
    });
    let mut end = event("message_end");
    end["metadata"] = json!({});
    app.event(end)
}
