//! Building and sending one call to an app.

use std::marker::PhantomData;
use std::sync::Once;
use std::time::Duration;

use dify_plugin_invoke::Calls;
use dify_plugin_protocol::InvokeType;
use dify_plugin_protocol::app::request::{AppRequest, FileInput, ResponseMode};
use dify_plugin_protocol::error::describe_value;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::answer::AnyAnswer;
use crate::blocking;
use crate::error::{AppError, Received};
use crate::interface::{Chat, Completion, Interface, Workflow};
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::stream::AppStream;

/// A call to a Chatbot, an Agent or a Chatflow; see [`Apps::chat`](crate::Apps::chat).
pub type ChatCall = AppCall<Chat>;
/// A call to a Workflow; see [`Apps::workflow`](crate::Apps::workflow).
pub type WorkflowCall = AppCall<Workflow>;
/// A call to a Text Generator; see [`Apps::completion`](crate::Apps::completion).
pub type CompletionCall = AppCall<Completion>;

/// A call to an app. Nothing is sent before [`stream`](Self::stream), [`answer`](Self::answer) or
/// [`blocking`](Self::blocking) is awaited. A clone can be sent again.
///
/// The interface `I` decides which settings a call has. What the app sends back depends on its own kind: see
/// [`AppError::OtherKind`].
#[derive(Debug, Clone)]
#[must_use = "a call is sent by `stream`, `answer` or `blocking`"]
pub struct AppCall<I> {
    calls: Calls,
    request: AppRequest,
    /// The first error in the inputs, reported when the call is sent.
    inputs_error: Option<AppError>,
    interface: PhantomData<fn() -> I>,
}

impl AppCall<Chat> {
    /// Sets what the user says. Chat apps refuse a call without it.
    pub fn query(mut self, query: impl Into<String>) -> Self {
        self.request.query = Some(query.into());
        self
    }

    /// Sets the conversation to continue, from an earlier answer's `conversation_id`. Empty or not set starts a new one.
    ///
    /// A conversation is valid only for the same app and the same end user. All callers of an endpoint are a single end
    /// user to Dify, and only conversations keep them apart. Before Dify 1.15 each call could be a new end user, so that
    /// the second call of a conversation fails: see [`AppError::is_conversation_not_found`].
    pub fn conversation(mut self, id: impl Into<String>) -> Self {
        self.request.conversation_id = Some(id.into());
        self
    }
}

impl<I: Interface> AppCall<I> {
    pub(crate) fn new(calls: &Calls, app_id: String) -> Self {
        Self {
            calls: calls.clone(),
            request: AppRequest::new(app_id, ResponseMode::Streaming),
            inputs_error: None,
            interface: PhantomData,
        }
    }

    /// Adds inputs of the app: the fields of a struct or the entries of a map.
    ///
    /// If `inputs` does not serialize to a JSON object, sending the call fails.
    pub fn inputs(mut self, inputs: impl Serialize) -> Self {
        let fields = to_value(&inputs).and_then(|value| {
            Map::deserialize(value)
                .map_err(|error| AppError::InvalidInputs { reason: describe_value(&error) })
        });
        match fields {
            Ok(fields) => self.request.inputs.extend(fields),
            Err(error) => drop(self.inputs_error.get_or_insert(error)),
        }
        self
    }

    /// Sets one input of the app. Dify drops inputs that the app does not declare.
    ///
    /// To pass a file, use a [`FileInput`]; for a list of files, a list of them.
    ///
    /// ```
    /// # use dify_plugin_app::{Apps, FileInput, FileType};
    /// # async fn example(apps: Apps) -> Result<(), dify_plugin_app::AppError> {
    /// let photo = FileInput::remote_url(FileType::Image, "https://example.com/duck.png");
    /// let run = apps.workflow("app-id").input("photo", photo).answer().await?.finished()?;
    /// # Ok(()) }
    /// ```
    pub fn input(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        match to_value(&value) {
            Ok(value) => {
                self.request.inputs.insert(name.into(), value);
            }
            Err(error) => drop(self.inputs_error.get_or_insert(error)),
        }
        self
    }

    /// Sets the end user. The daemon passes it on, but current Dify releases ignore it and use the session's user. To
    /// tell an app who is asking, use an input.
    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.request.user = Some(id.into());
        self
    }

    /// Adds files to the message. **The current daemon silently drops them** (`internal/core/dify_invocation/types.go`
    /// has no such field), so they reach neither a Chatbot nor `sys.files` of a Chatflow. Declare a file variable in the
    /// app and use [`input`](Self::input) instead.
    ///
    /// The field is sent nevertheless, for a daemon that accepts it. Logs a warning once per process.
    pub fn files(mut self, files: impl IntoIterator<Item = FileInput>) -> Self {
        static DROPPED: Once = Once::new();
        self.request.files.extend(files);
        if !self.request.files.is_empty() {
            DROPPED.call_once(|| {
                tracing::warn!(
                    "the plugin daemon drops the `files` of an app call; declare a file variable in the app and pass \
                     the file with `input` (logged once)"
                );
            });
        }
        self
    }

    /// Sets how long this call may go without an event before it fails. Default: see
    /// [`Apps::idle_timeout`](crate::Apps::idle_timeout).
    ///
    /// An agent may take minutes between two events, and in blocking mode there is only one reply, at the end. The daemon
    /// has its own limit: it reads a streamed response for at most 240 s (`DIFY_BACKWARDS_INVOCATION_READ_TIMEOUT`),
    /// even while events arrive.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.calls = self.calls.idle_timeout(limit);
        self
    }

    /// Calls the app and returns a stream of its events. Waits for the first event, so that a refusal is an error here
    /// and not in the stream.
    ///
    /// To get a stream without waiting, use `futures_util::TryFutureExt::try_flatten_stream` on the returned future.
    ///
    /// # Errors
    ///
    /// If the call could not be sent, or failed before its first event. Later failures are items of the stream.
    pub fn stream(self) -> impl Future<Output = Result<AppStream, AppError>> + Send {
        // Boxed: sending is usually done at once, and would make the future that waits for the first event larger.
        let sending = Box::pin(self.send_streaming(|progress| progress));
        async { sending.await?.started().await }
    }

    /// Calls the app in streaming mode and collects its events into one answer. Prefer it to
    /// [`blocking`](Self::blocking): Agents refuse that, and events keep the call from timing out.
    ///
    /// # Errors
    ///
    /// See [`AppError`]. [`AppError::received`] has what arrived before the failure. If the app is not of the interface's
    /// kind, its answer is in [`AppError::OtherKind`].
    pub async fn answer(self) -> Result<Outcome<I::Answer>, AppError> {
        let app_id = self.request.app_id.clone();
        let mut stream = Box::pin(self.send_streaming(Progress::folding)).await?;
        while stream.try_next().await?.is_some() {}
        own::<I>(stream.into_progress().into_outcome()?, app_id)
    }

    /// Calls the app in Dify's blocking mode: there is one reply, at the end. Agents refuse this mode, and a call that
    /// takes long times out; [`answer`](Self::answer) has neither problem.
    ///
    /// # Errors
    ///
    /// See [`answer`](Self::answer). A failed or stopped run is [`AppError::RunFailed`], although Dify reports it like a
    /// finished one; a call without a reply is [`AppError::Incomplete`].
    pub async fn blocking(mut self) -> Result<Outcome<I::Answer>, AppError> {
        self.request.response_mode = ResponseMode::Blocking;
        self.check_inputs()?;
        let reply: Result<Box<RawValue>, _> = self.calls.call(InvokeType::App, &self.request).await;
        let conversation_sent = self.conversation_sent();
        let mut received = self.received();
        match reply {
            Ok(json) => {
                received.events = 1;
                own::<I>(blocking::judge(json.get(), received, I::KIND)?, self.request.app_id)
            }
            Err(error) => Err(AppError::of_call(error, received, conversation_sent)),
        }
    }

    async fn send_streaming(self, prepare: fn(Progress) -> Progress) -> Result<AppStream, AppError> {
        self.check_inputs()?;
        let sent = self.conversation_sent();
        match self.calls.stream(InvokeType::App, &self.request).await {
            Ok(events) => {
                Ok(AppStream::new(events, prepare(Progress::new(self.request.app_id, I::KIND, sent))))
            }
            Err(error) => Err(AppError::of_call(error, self.received(), sent)),
        }
    }

    fn check_inputs(&self) -> Result<(), AppError> {
        self.inputs_error.clone().map_or(Ok(()), Err)
    }

    fn conversation_sent(&self) -> bool {
        self.request.conversation_id.as_ref().is_some_and(|id| !id.is_empty())
    }

    fn received(&self) -> Box<Received> {
        let app_id = self.request.app_id.clone();
        Box::new(Received { app_id, called_as: Some(I::KIND), ..Received::default() })
    }
}

/// Returns the answer if the app is of the interface's kind.
fn own<I: Interface>(outcome: Outcome<AnyAnswer>, app_id: String) -> Result<Outcome<I::Answer>, AppError> {
    match outcome {
        Outcome::Paused(pause) => Ok(Outcome::Paused(pause)),
        Outcome::Finished(answer) => match I::own(answer) {
            Ok(answer) => Ok(Outcome::Finished(answer)),
            Err(found) => Err(AppError::OtherKind { app_id, expected: I::KIND, found }),
        },
    }
}

/// Serializes inputs into a JSON value.
fn to_value(value: &impl Serialize) -> Result<Value, AppError> {
    serde_json::to_value(value).map_err(|error| AppError::InvalidInputs { reason: describe_value(&error) })
}
