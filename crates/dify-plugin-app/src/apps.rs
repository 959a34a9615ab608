//! The entry point: calling apps in a session.

use std::time::Duration;

use dify_plugin_invoke::Calls;
use dify_plugin_protocol::InvokeType;
use dify_plugin_protocol::app::parameters::AppParameters;
use dify_plugin_protocol::app::request::FetchAppRequest;
use dify_plugin_session::Session;

use crate::call::{AppCall, ChatCall, CompletionCall, WorkflowCall};
use crate::error::{AppError, Received};

/// Calls the apps of the plugin's workspace in one session. Cheap to create and to clone.
///
/// The plugin's manifest must enable `resource.permission.app`. Without it every call fails with an error for which
/// [`AppError::is_permission_denied`] returns true. Calls run in the session's workspace and as the session's user.
#[derive(Debug, Clone)]
pub struct Apps {
    calls: Calls,
}

impl Apps {
    /// Creates a handle that calls apps in `session`.
    pub fn new(session: &Session) -> Self {
        Self { calls: Calls::new(session) }
    }

    /// Sets how long a call may go without an event before it fails. Every event restarts the clock. Default: the
    /// session's `invocation_timeout`, 250 s unless `MAX_INVOCATION_TIMEOUT` is set. A single call can have
    /// [its own](AppCall::idle_timeout).
    #[must_use]
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.calls = self.calls.idle_timeout(limit);
        self
    }

    /// Prepares a call to a Chatbot, an Agent or a Chatflow. It needs a [`query`](AppCall::query).
    ///
    /// `app_id` is the id in the URL of the app's page in Dify's console.
    pub fn chat(&self, app_id: impl Into<String>) -> ChatCall {
        AppCall::new(&self.calls, app_id.into())
    }

    /// Prepares a call to a Workflow.
    ///
    /// `app_id` is the id in the URL of the app's page in Dify's console.
    pub fn workflow(&self, app_id: impl Into<String>) -> WorkflowCall {
        AppCall::new(&self.calls, app_id.into())
    }

    /// Prepares a call to a Text Generator.
    ///
    /// In all Dify releases known so far such calls fail inside Dify, because a reverse invocation does not pass on the
    /// `query` that a Text Generator reads. Use a Chatbot or a Workflow instead.
    ///
    /// `app_id` is the id in the URL of the app's page in Dify's console.
    pub fn completion(&self, app_id: impl Into<String>) -> CompletionCall {
        AppCall::new(&self.calls, app_id.into())
    }

    /// Fetches an app's parameters: its inputs, its opening statement, and limits of the Dify installation. They include
    /// neither the app's kind nor its name.
    ///
    /// # Errors
    ///
    /// [`AppError::Refused`] if there is no such app, although the daemon only says that it found nothing;
    /// [`AppError::Incomplete`] if nothing was returned, [`AppError::Unreadable`] if something else was, and
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
