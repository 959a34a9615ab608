//! Where calls of apps begin.

use std::time::Duration;

use dify_plugin_invoke::Calls;
use dify_plugin_protocol::InvokeType;
use dify_plugin_protocol::app::parameters::AppParameters;
use dify_plugin_protocol::app::request::FetchAppRequest;
use dify_plugin_session::Session;

use crate::call::{AppCall, ChatCall, CompletionCall, WorkflowCall};
use crate::error::{AppError, Received};

/// The apps of the plugin's workspace, as they can be called in one session. Cheap to make and to clone.
///
/// The plugin's manifest must enable `resource.permission.app`; else every call fails with an error for which
/// [`AppError::is_permission_denied`] holds. The daemon looks at the session, not at the caller of [`Apps`]: it speaks
/// for the session's workspace and user, and for no other.
#[derive(Debug, Clone)]
pub struct Apps {
    pub(crate) calls: Calls,
}

impl Apps {
    /// The apps that `session` can call.
    pub fn new(session: &Session) -> Self {
        Self { calls: Calls::new(session) }
    }

    /// How long a call may be silent before it fails, counted from the last event. Default: the session's
    /// `invocation_timeout`, 250 s unless `MAX_INVOCATION_TIMEOUT` says otherwise. A call can have
    /// [its own](AppCall::idle_timeout).
    #[must_use]
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.calls = self.calls.idle_timeout(limit);
        self
    }

    /// Calls a Chatbot, an Agent or a Chatflow. Give it a `query`.
    ///
    /// `app_id` is the id in the app's console URL.
    pub fn chat(&self, app_id: impl Into<String>) -> ChatCall {
        AppCall::new(self, app_id.into())
    }

    /// Calls a Workflow.
    ///
    /// `app_id` is the id in the app's console URL.
    pub fn workflow(&self, app_id: impl Into<String>) -> WorkflowCall {
        AppCall::new(self, app_id.into())
    }

    /// Calls a Text Generator.
    ///
    /// In the Dify releases known so far such a call fails inside Dify, whatever it is made of (the reverse path does not
    /// pass on the `query` that the generator reads); the error says so. A Chatbot or a Workflow can do the same work.
    ///
    /// `app_id` is the id in the app's console URL.
    pub fn completion(&self, app_id: impl Into<String>) -> CompletionCall {
        AppCall::new(self, app_id.into())
    }

    /// An app's parameters: the variables that its `inputs` may have, what it says first, the installation's limits.
    /// Neither its kind nor its name is among them.
    ///
    /// # Errors
    ///
    /// [`AppError::Refused`]; if there is no such app the daemon does not say so, only that it found nothing.
    /// [`AppError::Incomplete`] if nothing came, [`AppError::Unreadable`] if something else came, and
    /// [`AppError::Call`].
    pub async fn fetch(&self, app_id: impl Into<String>) -> Result<AppParameters, AppError> {
        let app_id = app_id.into();
        let request = FetchAppRequest::new(app_id.as_str());
        let reply = self.calls.call(InvokeType::FetchApp, &request).await;
        reply.map_err(|error| {
            AppError::of_call(error, Box::new(Received { app_id, ..Received::default() }), false)
        })
    }
}
