//! One call of an app, in the making.

use std::marker::PhantomData;
use std::sync::{Arc, Once};
use std::time::Duration;

use dify_plugin_protocol::InvokeType;
use dify_plugin_protocol::app::request::{AppRequest, FileInput, ResponseMode};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::answer::{AnyAnswer, Outcome};
use crate::apps::Apps;
use crate::blocking;
use crate::error::{AppError, Received};
use crate::fold::Fold;
use crate::interface::{Chat, Completion, Interface, Workflow};
use crate::progress::Progress;
use crate::stream::AppStream;

/// A call of a Chatbot, an Agent or a Chatflow; see [`Apps::chat`](crate::Apps::chat).
pub type ChatCall = AppCall<Chat>;
/// A call of a Workflow; see [`Apps::workflow`](crate::Apps::workflow).
pub type WorkflowCall = AppCall<Workflow>;
/// A call of a Text Generator; see [`Apps::completion`](crate::Apps::completion).
pub type CompletionCall = AppCall<Completion>;

/// A call of an app, in the making. Nothing is sent before [`stream`](Self::stream), [`answer`](Self::answer) or
/// [`blocking`](Self::blocking) is awaited; a clone can be sent again.
///
/// The interface decides what a call can be given. What runs, and what comes back, is decided by the app's own kind:
/// see [`AppError::OtherKind`].
#[derive(Debug, Clone)]
#[must_use = "a call is sent by `stream`, `answer` or `blocking`"]
pub struct AppCall<I> {
    apps: Apps,
    request: AppRequest,
    /// The first thing wrong with the inputs; said when the call is sent.
    inputs_error: Option<AppError>,
    interface: PhantomData<fn() -> I>,
}

impl AppCall<Chat> {
    /// What the user says. Chat apps refuse a call without it.
    pub fn query(mut self, query: impl Into<String>) -> Self {
        self.request.query = Some(query.into());
        self
    }

    /// The conversation to go on with, from an earlier answer's `conversation_id`; empty, or not given, begins a new one.
    ///
    /// It is good for the same app and the same end user only. An endpoint's session has no user of its own: all its
    /// callers are one end user to Dify, and only conversations keep them apart. Before Dify 1.15 each call could be a
    /// new end user, and then every second turn fails ([`AppError::is_conversation_not_found`]).
    pub fn conversation(mut self, id: impl Into<String>) -> Self {
        self.request.conversation_id = Some(id.into());
        self
    }
}

impl<I: Interface> AppCall<I> {
    pub(crate) fn new(apps: &Apps, app_id: String) -> Self {
        Self {
            apps: apps.clone(),
            request: AppRequest::new(app_id, ResponseMode::Streaming),
            inputs_error: None,
            interface: PhantomData,
        }
    }

    /// Values of the app's variables: a struct or a map, whose fields are added to what was given before.
    ///
    /// What does not serialise to a JSON object is an error when the call is sent.
    pub fn inputs(mut self, inputs: impl Serialize) -> Self {
        match to_value(&inputs) {
            Ok(Value::Object(fields)) => self.request.inputs.extend(fields),
            Ok(other) => self.blame(AppError::InputsNotAnObject { found: type_name(&other) }),
            Err(error) => self.blame(error),
        }
        self
    }

    /// The value of one of the app's variables.
    ///
    /// A file is a [`FileInput`], a list of files a list of them: that is the way to give an app files.
    ///
    /// ```
    /// # use dify_plugin_app::{Apps, FileInput, FileType};
    /// # async fn example(apps: Apps) -> Result<(), dify_plugin_app::AppError> {
    /// let photo = FileInput::remote_url(FileType::Image, "https://example.com/duck.png");
    /// let run = apps.workflow("app-id").input("photo", photo).answer().await?.finished()?;
    /// # Ok(()) }
    /// ```
    ///
    /// The app must declare the variable, or Dify drops the value.
    pub fn input(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        match to_value(&value) {
            Ok(value) => {
                self.request.inputs.insert(name.into(), value);
            }
            Err(error) => self.blame(error),
        }
        self
    }

    /// The end user. A hint: the daemon passes it on, and today's Dify ignores it and takes the session's user. To tell
    /// an app who asks, use an input.
    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.request.user = Some(id.into());
        self
    }

    /// Files of the message. **They don't arrive today**: the daemon drops the field without a word (its request type
    /// has none, `internal/core/dify_invocation/types.go`), so neither a Chatbot's uploads nor a Chatflow's `sys.files`
    /// can be reached. Declare a file variable in the app and use [`input`](Self::input) instead.
    ///
    /// The field is sent all the same, for a daemon that takes it; a warning says this once in a process.
    pub fn files(mut self, files: impl IntoIterator<Item = FileInput>) -> Self {
        static DROPPED: Once = Once::new();
        self.request.files.extend(files);
        if !self.request.files.is_empty() {
            DROPPED.call_once(|| {
                tracing::warn!(
                    "the plugin daemon drops the `files` of an app call; declare a file variable in the app and give \
                     the file with `input` (said once)"
                );
            });
        }
        self
    }

    /// How long this call may be silent before it fails, counted from the last event. Default: that of
    /// [`Apps::idle_timeout`].
    ///
    /// An agent can think for minutes between two events, and in blocking mode nothing is heard before the end. The
    /// daemon has a clock of its own: it reads a streamed answer for 240 s in all
    /// (`DIFY_BACKWARDS_INVOCATION_READ_TIMEOUT`), however lively.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.apps = self.apps.idle_timeout(limit);
        self
    }

    /// Calls the app and hands out its events as they happen. Waits for the first one, so that a refusal is an error
    /// here and not in the midst of what is being made of the events.
    ///
    /// To begin before that, `futures_util::TryFutureExt::try_flatten_stream` makes one stream of this future and what
    /// it gives.
    ///
    /// # Errors
    ///
    /// If the call could not be made, or failed before its first event. What fails later comes out of the stream.
    pub fn stream(self) -> impl Future<Output = Result<AppStream, AppError>> + Send {
        // Boxed: over at once as a rule, and of no use to whoever waits for the first event.
        let sending = Box::pin(self.send_streaming());
        async { sending.await?.started().await }
    }

    /// Calls the app, and folds the events of its answer into one. The way to get an answer at once: agents refuse
    /// [`blocking`](Self::blocking), and events keep the clock of the call from running out.
    ///
    /// # Errors
    ///
    /// Every way in which an app can fail: see [`AppError`]. What came before is in [`AppError::received`].
    /// [`AppError::OtherKind`] if the app is of another kind than this interface is meant for; its answer is in there.
    pub async fn answer(self) -> Result<Outcome<I::Answer>, AppError> {
        let mut stream = Box::pin(self.send_streaming()).await?.folding();
        let mut fold = Fold::default();
        loop {
            match stream.next().await {
                Some(Ok(event)) => {
                    if let Err(error) = fold.add(&event) {
                        return Err(stream.progress().unreadable(&error).with_text(fold.into_text()));
                    }
                }
                Some(Err(error)) => return Err(error.with_text(fold.into_text())),
                None => break,
            }
        }
        let progress = stream.into_progress();
        let kind = progress.kind().unwrap_or(I::KIND);
        let received = progress.into_received();
        match fold.outcome(kind, &received) {
            Some(outcome) => own::<I>(outcome, received.app_id),
            None => Err(AppError::Incomplete { received: Box::new(received) }),
        }
    }

    /// Calls the app in Dify's blocking mode: it answers once, when it is done. Agents refuse this, and a long silence
    /// looks like a lost call; [`answer`](Self::answer) gives the same without either.
    ///
    /// # Errors
    ///
    /// As [`answer`](Self::answer). A failed or stopped run, which Dify answers as if all were well, is
    /// [`AppError::RunFailed`]; no object at all is [`AppError::Incomplete`].
    pub async fn blocking(mut self) -> Result<Outcome<I::Answer>, AppError> {
        self.request.response_mode = ResponseMode::Blocking;
        self.check_inputs()?;
        let reply: Result<Box<RawValue>, _> = self.apps.calls.call(InvokeType::App, &self.request).await;
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

    async fn send_streaming(self) -> Result<AppStream, AppError> {
        self.check_inputs()?;
        let sent = self.conversation_sent();
        match self.apps.calls.stream(InvokeType::App, &self.request).await {
            Ok(events) => Ok(AppStream::new(events, Progress::new(self.request.app_id, I::KIND, sent))),
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

    fn blame(&mut self, error: AppError) {
        self.inputs_error.get_or_insert(error);
    }
}

/// The answer, if the app is of the interface's kind.
fn own<I: Interface>(outcome: Outcome<AnyAnswer>, app_id: String) -> Result<Outcome<I::Answer>, AppError> {
    match outcome {
        Outcome::Paused(pause) => Ok(Outcome::Paused(pause)),
        Outcome::Finished(answer) => match I::own(answer) {
            Ok(answer) => Ok(Outcome::Finished(answer)),
            Err(found) => Err(AppError::OtherKind { app_id, expected: I::KIND, found }),
        },
    }
}

fn to_value(value: &impl Serialize) -> Result<Value, AppError> {
    serde_json::to_value(value).map_err(|error| AppError::InputsNotJson(Arc::new(error)))
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
