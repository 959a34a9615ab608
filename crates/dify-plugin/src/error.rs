//! What a handler returns when it fails.

use std::fmt;

use dify_plugin_app::AppError;
use dify_plugin_protocol::ErrorData;
use dify_plugin_protocol::error::{CLOSED, FRAME_TOO_LARGE, INVALID_REQUEST, describe_json};
use dify_plugin_session::{Config, InvokeError, SendError};
use serde_json::Value;

/// The result of a handler.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The name of an error that was converted with `?` and that has no name on the wire.
const HANDLER_FAILED: &str = "HandlerFailed";

/// The name of a failed reverse invocation, as in the official SDK.
const INVOKE_ERROR: &str = "InvokeError";

/// Why a handler failed, as it is sent to Dify: a name, a message for the user, and a few details.
///
/// Any error converts into it with `?`. It is then called `HandlerFailed` (`InvokeError` if a call to Dify failed), and its
/// message is the text of the error and of its sources. Use [`Error::new`], or [`Error::named`] after the conversion, where
/// the name matters. Like `anyhow::Error`, it does not implement `std::error::Error` itself.
///
/// Dify shows the message to its user, and that of an endpoint to its caller: keep secrets out of it.
///
/// ```
/// # use dify_plugin::Error;
/// let error = Error::new("QuotaExceeded", "no calls left this month").with_arg("resets_in_days", 3);
/// assert_eq!(error.error_type(), "QuotaExceeded");
///
/// fn parse(text: &str) -> dify_plugin::Result<u32> {
///     Ok(text.parse()?)
/// }
/// assert_eq!(parse("ten").unwrap_err().error_type(), "HandlerFailed");
/// ```
pub struct Error {
    data: Box<ErrorData>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Creates an error with a name and a message.
    ///
    /// Dify treats some names in its own way, such as `InvokeRateLimitError`; it shows any other as it is.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self { data: Box::new(ErrorData::new(error_type, message)), source: None }
    }

    /// A request that could not be read into what the handler takes. `what` names the part; the message quotes no values,
    /// which may be credentials.
    pub(crate) fn unreadable(what: &str, source: &serde_json::Error) -> Self {
        Self::new(INVALID_REQUEST, format!("{what}: {}", describe_json(source)))
    }

    /// Converts any error, for example that of a body, whatever its type was.
    pub(crate) fn from_box(error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        Self { data: Box::new(ErrorData::new(name_of(&*error), with_sources(&*error))), source: Some(error) }
    }

    /// Adds a detail to `args`. Details past the tenth are left out: the daemon would drop the whole error.
    #[must_use]
    pub fn with_arg(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        *self.data = std::mem::take(&mut *self.data).with_arg(key, value);
        self
    }

    /// Changes the name.
    #[must_use]
    pub fn named(mut self, error_type: impl Into<String>) -> Self {
        self.data.error_type = error_type.into();
        self
    }

    /// Returns the name.
    pub fn error_type(&self) -> &str {
        &self.data.error_type
    }

    /// Returns the message for the user.
    pub fn message(&self) -> &str {
        &self.data.message
    }

    /// Returns the error this one was converted from, if it was.
    pub fn source(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.source.as_deref()
    }

    pub(crate) fn into_data(self) -> ErrorData {
        *self.data
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::from_box(Box::new(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.data.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.data.error_type, self.data.message)
    }
}

/// Returns the name on the wire of an error. It depends on the errors of the layers below among its sources.
fn name_of(error: &(dyn std::error::Error + 'static)) -> &'static str {
    let mut name = HANDLER_FAILED;
    let mut cause = Some(error);
    while let Some(error) = cause {
        match (error.downcast_ref::<SendError>(), error.downcast_ref::<InvokeError>()) {
            (Some(SendError::TooLarge { .. }), _) | (_, Some(InvokeError::TooLarge { .. })) => {
                return FRAME_TOO_LARGE;
            }
            (Some(SendError::Closed(_)), _) | (_, Some(InvokeError::Closed(_))) => return CLOSED,
            (_, Some(_)) => name = INVOKE_ERROR,
            _ if error.is::<AppError>() => name = INVOKE_ERROR,
            _ => {}
        }
        cause = error.source();
    }
    name
}

/// Returns the error's text and those of its sources, without a source whose text is already part of it.
pub(crate) fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = text_of(error);
    let mut source = error.source();
    while let Some(error) = source {
        let more = text_of(error);
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = error.source();
    }
    with_variables(text)
}

/// Adds the variable to each field of the session layer's configuration that `text` names: here it is set by the environment.
fn with_variables(mut text: String) -> String {
    for (field, variable) in Config::VARIABLES {
        if !text.contains(variable) {
            text = text.replace(&format!("`{field}`"), &format!("`{field}` ({variable})"));
        }
    }
    text
}

fn text_of(error: &(dyn std::error::Error + 'static)) -> String {
    match error.downcast_ref::<serde_json::Error>() {
        // serde quotes the value it failed at, which may be a credential.
        Some(error) => describe_json(error),
        None => error.to_string(),
    }
}
