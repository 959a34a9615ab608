//! One app and its key.

use std::sync::OnceLock;

use reqwest::header::HeaderValue;

use super::error::ServiceApiError;

/// The route that runs an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Chat,
    Workflow,
    Completion,
}

impl Route {
    /// Returns the route for an app's mode, or `None` if plugins can't call such apps (dify
    /// `api/core/plugin/backwards_invocation/app.py`).
    pub(super) fn of_mode(mode: &str) -> Option<Self> {
        match mode {
            "chat" | "agent-chat" | "advanced-chat" => Some(Self::Chat),
            "workflow" => Some(Self::Workflow),
            "completion" => Some(Self::Completion),
            _ => None,
        }
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Chat => "chat-messages",
            Self::Workflow => "workflows/run",
            Self::Completion => "completion-messages",
        }
    }
}

/// One app.
pub(super) struct App {
    pub(super) id: String,
    key: String,
    /// `Bearer` and the key.
    pub(super) authorization: HeaderValue,
    /// The app's route, once it is known.
    pub(super) route: OnceLock<Route>,
}

impl App {
    pub(super) fn new(id: String, key: &str) -> Result<Self, ServiceApiError> {
        let legal = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        let header = HeaderValue::try_from(format!("Bearer {key}")).ok().filter(|_| legal);
        let Some(mut authorization) = header else { return Err(ServiceApiError::Key { app: id }) };
        // Keeps it out of Debug and logs.
        authorization.set_sensitive(true);
        Ok(Self { id, key: key.to_owned(), authorization, route: OnceLock::new() })
    }

    /// Removes the key from a server's text, because some servers repeat it.
    pub(super) fn without_key(&self, text: &str) -> String {
        text.replace(&self.key, "…")
    }

    /// Returns the length of the key in bytes.
    pub(super) fn key_bytes(&self) -> usize {
        self.key.len()
    }
}
