//! A request, and the right to answer it.

use std::fmt;
use std::sync::Arc;

use dify_plugin_protocol::limits::ERROR_ARGS;
use dify_plugin_protocol::{AccessType, Action, ErrorData, error};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::core::{LastFrames, SessionState, Share, write_failure};
use crate::error::SendError;
use crate::link::Link;
use crate::session::Session;

/// A request, which has opened a session.
///
/// Dropping it answers it with an error, so no accepted request is lost silently.
#[must_use = "dropping a request answers it with an error"]
pub struct Request {
    payload: Box<RawValue>,
    responder: Responder,
}

impl Request {
    pub(crate) fn new(
        state: Arc<SessionState>,
        payload: Box<RawValue>,
        payload_share: Share,
        link: Arc<Link>,
    ) -> Self {
        let session = Session { state, link };
        Self { payload, responder: Responder { session, _payload_share: payload_share } }
    }

    /// Returns which part of the plugin is asked.
    pub fn access_type(&self) -> &AccessType {
        self.session().access_type()
    }

    /// Returns what is asked of it.
    pub fn action(&self) -> &Action {
        self.session().action()
    }

    /// Returns the session that this request opened.
    pub fn session(&self) -> &Session {
        &self.responder.session
    }

    /// Returns the request's whole `data`: a JSON object with `type`, `action`, `user_id` and the action's own fields. It may
    /// contain credentials: do not log it.
    pub fn payload(&self) -> &RawValue {
        &self.payload
    }

    /// Splits the request into its payload and the right to answer it.
    ///
    /// The payload's bytes count in [`Config::total_queue_bytes`](crate::Config::total_queue_bytes) until the responder is
    /// gone: the values a handler parses from it usually live as long, and take as much.
    pub fn into_parts(self) -> (Box<RawValue>, Responder) {
        (self.payload, self.responder)
    }
}

impl fmt::Debug for Request {
    /// Shows only the size of the payload: it may contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("session", self.session())
            .field("payload_bytes", &self.payload.get().len())
            .finish_non_exhaustive()
    }
}

/// Ends the session. Each session has exactly one responder.
///
/// Dropping it without [`finish`](Responder::finish) or [`fail`](Responder::fail) fails the session with `NoAnswer`, or with
/// `HandlerPanicked` while its task unwinds.
#[must_use = "dropping a responder fails its session with `NoAnswer`"]
pub struct Responder {
    session: Session,
    _payload_share: Share,
}

impl Responder {
    /// Returns the session to be answered.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Sends one message. See [`Session::send`].
    ///
    /// # Errors
    ///
    /// As [`Session::send`].
    pub async fn send<T: Serialize + ?Sized>(&self, message: &T) -> Result<(), SendError> {
        self.session.send(message).await
    }

    /// Ends the session successfully. Never waits: there is always a place for the final frame.
    ///
    /// # Errors
    ///
    /// If the session had ended before, by its deadline or with the connection.
    pub fn finish(self) -> Result<(), SendError> {
        self.end(LastFrames::End)
    }

    /// Ends the session with an error: an `error` message, then the final frame, as the official SDK does. Never waits.
    ///
    /// An error that is too long for one frame is cut to its name and the beginning of its text, and details past
    /// [`ERROR_ARGS`](dify_plugin_protocol::limits::ERROR_ARGS) are left out: the daemon would drop an error that breaks
    /// those limits, and take the final frame after it for success.
    ///
    /// # Errors
    ///
    /// If the session had ended before, by its deadline or with the connection.
    pub fn fail(self, mut error: ErrorData) -> Result<(), SendError> {
        let surplus: Vec<String> = error.args.keys().skip(ERROR_ARGS).cloned().collect();
        for key in surplus {
            error.args.remove(&key);
        }
        let last = failure(self.session.id(), &error, self.session.max_frame_bytes());
        self.end(LastFrames::Failure(last))
    }

    fn end(&self, last: LastFrames) -> Result<(), SendError> {
        let Session { state, link } = &self.session;
        if link.with(|core, after| core.end_session(state, last, after)) {
            return Ok(());
        }
        Err(link.end().map_or(SendError::Ended, |end| SendError::Closed(end.err())))
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
        // The session may have ended since the check, by its deadline; then there is nothing left to do.
        let _ = self.end(LastFrames::Failure(last));
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Makes the frames of a failure, of which the first is at most `limit` bytes long.
fn failure(id: &str, error: &ErrorData, limit: usize) -> Vec<u8> {
    let mut frames = Vec::new();
    write_failure(&mut frames, id, error);
    if frames.len() > limit {
        // Short enough even if every character must be escaped: one becomes at most 12 bytes.
        let start: String = error.message.chars().take(limit.min(64 * 1024) / 16).collect();
        let cut = ErrorData::new(
            error.error_type.chars().take(200).collect::<String>(),
            format!("{start}… (cut: the error was over the daemon's limit of {limit} bytes)"),
        );
        frames.clear();
        write_failure(&mut frames, id, &cut);
    }
    frames
}
