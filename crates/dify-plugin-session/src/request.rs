//! A request, and who may answer it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use dify_plugin_protocol::limits::ERROR_ARGS;
use dify_plugin_protocol::{AccessType, Action, ErrorData, error};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::core::{LastWords, Share, write_failure};
use crate::error::SendError;
use crate::session::{Session, SessionState};

/// A request that opened a session. Dropped, it is answered with an error: nothing accepted is lost silently.
#[derive(Debug)]
#[must_use = "dropping a request answers it with an error"]
pub struct Request {
    payload: Payload,
    responder: Responder,
}

impl Request {
    pub(crate) fn new(session: Arc<SessionState>, payload: Box<RawValue>, share: Share) -> Self {
        let payload = Payload { json: payload, _share: share };
        Self { payload, responder: Responder { session: Session { state: session } } }
    }

    /// Which part of the plugin is asked.
    pub fn access_type(&self) -> &AccessType {
        self.session().access_type()
    }

    /// What is asked.
    pub fn action(&self) -> &Action {
        self.session().action()
    }

    /// The session that this request opened.
    pub fn session(&self) -> &Session {
        &self.responder.session
    }

    /// The request's whole `data`: a JSON object with `type`, `action`, `user_id` and the action's own fields.
    pub fn payload(&self) -> &RawValue {
        &self.payload
    }

    /// The payload, and the right to answer.
    pub fn into_parts(self) -> (Payload, Responder) {
        (self.payload, self.responder)
    }
}

/// A request's `data`, raw. Counts in [`Config::total_queue_bytes`](crate::Config::total_queue_bytes) until dropped: parse
/// it, then let it go.
pub struct Payload {
    json: Box<RawValue>,
    _share: Share,
}

impl Payload {
    /// Lets go of the text and goes on counting its bytes, until what is returned is dropped: for whoever has read it into
    /// values that live on and take as much.
    pub fn into_held(self) -> HeldBytes {
        HeldBytes { _share: self._share }
    }
}

/// Bytes of a [`Payload`] that still count in [`Config::total_queue_bytes`](crate::Config::total_queue_bytes).
#[must_use = "they count until this is dropped"]
pub struct HeldBytes {
    _share: Share,
}

impl fmt::Debug for HeldBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeldBytes({})", self._share.bytes())
    }
}

impl Deref for Payload {
    type Target = RawValue;
    fn deref(&self) -> &RawValue {
        &self.json
    }
}

impl fmt::Debug for Payload {
    /// The size alone: the content may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.json.get().len())
    }
}

/// The one that ends the session. There is one for each.
///
/// Dropped without [`finish`](Responder::finish) or [`fail`](Responder::fail), it fails the session with `NoAnswer`, or
/// with `HandlerPanicked` while its task unwinds.
#[derive(Debug)]
#[must_use = "dropping a responder fails its session with `NoAnswer`"]
pub struct Responder {
    session: Session,
}

impl Responder {
    /// The session to be answered.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Sends one answer; see [`Session::send`].
    ///
    /// # Errors
    ///
    /// As [`Session::send`].
    pub async fn send<T: Serialize + ?Sized>(&self, answer: &T) -> Result<(), SendError> {
        self.session.send(answer).await
    }

    /// Ends the session well. Never waits: the last word of a session always finds its place.
    ///
    /// # Errors
    ///
    /// If the session had ended before, by its deadline or with the connection.
    pub fn finish(self) -> Result<(), SendError> {
        self.end(LastWords::End)
    }

    /// Ends the session with an error: `error`, then `end`, as the official SDK does. Never waits.
    ///
    /// An error too long for one line is cut down to its name and the beginning of its text, and details past
    /// [`ERROR_ARGS`](dify_plugin_protocol::limits::ERROR_ARGS) are left out: with them the daemon would drop the error
    /// and take the end after it for success.
    ///
    /// # Errors
    ///
    /// If the session had ended before, by its deadline or with the connection.
    pub fn fail(self, mut error: ErrorData) -> Result<(), SendError> {
        let surplus: Vec<String> = error.args.keys().skip(ERROR_ARGS).cloned().collect();
        for key in surplus {
            error.args.remove(&key);
        }
        let last = failure(self.session.id(), &error, self.session.state.link.config.max_frame_bytes);
        self.end(LastWords::Failure(last))
    }

    fn end(&self, last: LastWords) -> Result<(), SendError> {
        let state = &self.session.state;
        if state.link.with(|core, after| core.end_session(state, last, after)) {
            return Ok(());
        }
        Err(state.link.end().map_or(SendError::Ended, |end| SendError::Closed(end.err())))
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if self.session.is_ended() {
            return;
        }
        let error = if std::thread::panicking() {
            ErrorData::new(
                error::HANDLER_PANICKED,
                "the handler panicked; its message is in the plugin's log",
            )
        } else {
            ErrorData::new(error::NO_ANSWER, "the handler ended without an answer")
        };
        let last = failure(self.session.id(), &error, usize::MAX);
        // It may have ended in the meantime, by its deadline; then there is nothing left to say.
        let _ = self.end(LastWords::Failure(last));
    }
}

/// The lines of a failure, the first of them within `limit`.
fn failure(id: &str, error: &ErrorData, limit: usize) -> Vec<u8> {
    let mut lines = Vec::new();
    write_failure(&mut lines, id, error);
    if lines.len() > limit {
        // What is kept is short enough also when every character must be escaped.
        let start: String = error.message.chars().take(limit.min(64 * 1024) / 16).collect();
        let cut = ErrorData::new(
            error.error_type.chars().take(200).collect::<String>(),
            format!("{start}… (cut: the error was over the daemon's limit of {limit} bytes)"),
        );
        lines.clear();
        write_failure(&mut lines, id, &cut);
    }
    lines
}
