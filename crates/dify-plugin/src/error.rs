//! What a handler returns when it fails.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use dify_plugin_protocol::error::{CLOSED, FRAME_TOO_LARGE, describe_json};
use dify_plugin_protocol::{ErrorData, error};
use dify_plugin_session::{InvokeError, SendError};
use serde_json::Value;

/// What handlers return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a handler failed, in the words that travel to Dify: a name, a text for the user, and a few details.
///
/// Any error converts into it with `?`. Its name is then that of the type (`MyError`; for the many types called `Error`,
/// with the module before it: `io::Error`), its text that of the error and of its sources. Like `anyhow::Error` it is no
/// `std::error::Error` itself.
///
/// Dify shows the text to its user, and of an endpoint to whoever called it: keep secrets out of it.
///
/// ```
/// # use dify_plugin::Error;
/// let error = Error::new("QuotaExceeded", "no calls left this month").with_arg("resets_in_days", 3);
/// assert_eq!(error.error_type(), "QuotaExceeded");
///
/// fn parse(text: &str) -> dify_plugin::Result<u32> {
///     Ok(text.parse()?)
/// }
/// assert_eq!(parse("ten").unwrap_err().error_type(), "ParseIntError");
/// ```
pub struct Error {
    data: Box<ErrorData>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this name with this text.
    ///
    /// Dify knows some names, `InvokeRateLimitError` among them, and treats them in its own way; any other is shown as it
    /// is.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self { data: Box::new(ErrorData::new(error_type, message)), source: None }
    }

    /// A request that could not be read into what the handler takes. `what` names the part; values are not quoted, for
    /// they may be credentials.
    pub(crate) fn unreadable(what: &str, source: &serde_json::Error) -> Self {
        Self::new(error::INVALID_REQUEST, format!("{what}: {}", describe_json(source)))
    }

    /// Adds a detail to `args`. There are at most ten: the daemon drops an error with more, so further ones are left out.
    #[must_use]
    pub fn with_arg(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        *self.data = std::mem::take(&mut *self.data).with_arg(key, value);
        self
    }

    /// The same error under another name.
    #[must_use]
    pub fn named(mut self, error_type: impl Into<String>) -> Self {
        self.data.error_type = error_type.into();
        self
    }

    /// The error's name.
    pub fn error_type(&self) -> &str {
        &self.data.error_type
    }

    /// The text for the user.
    pub fn message(&self) -> &str {
        &self.data.message
    }

    /// The error this one was made from, if it was converted from one.
    pub fn source(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.source.as_deref()
    }

    /// As it travels.
    pub(crate) fn into_data(self) -> ErrorData {
        *self.data
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let message = text_with_sources(&error);
        let name = wire_name(&error).map_or_else(|| short_name(std::any::type_name::<E>()), Cow::Borrowed);
        Self { source: Some(Box::new(error)), ..Self::new(name, message) }
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

/// The error in the body of a response, whatever it was boxed into on its way.
pub(crate) fn from_box(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let message = text_with_sources(&*error);
    let mut name = "BodyError";
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*error);
    while let Some(error) = cause {
        if error.is::<dify_plugin_app::AppError>() {
            name = "AppError";
        }
        cause = error.source();
    }
    Error { source: Some(error), ..Error::new(name, message) }
}

/// The name of errors of the layers below, which is not that of their type.
fn wire_name(error: &dyn Any) -> Option<&'static str> {
    match (error.downcast_ref::<SendError>(), error.downcast_ref::<InvokeError>()) {
        (Some(SendError::TooLarge { .. }), _) | (_, Some(InvokeError::TooLarge { .. })) => {
            Some(FRAME_TOO_LARGE)
        }
        (Some(SendError::Closed(_)), _) | (_, Some(InvokeError::Closed(_))) => Some(CLOSED),
        _ => None,
    }
}

/// `MyError` of `my_plugin::upstream::MyError<T>`; `io::Error` of `std::io::error::Error`.
fn short_name(path: &'static str) -> Cow<'static, str> {
    let path = path.split('<').next().unwrap_or(path);
    let mut segments = path.rsplit("::");
    let last = segments.next().unwrap_or(path);
    if last != "Error" {
        return Cow::Borrowed(last);
    }
    match segments.find(|segment| !matches!(*segment, "error" | "errors" | "err")) {
        Some(module) => Cow::Owned(format!("{module}::{last}")),
        None => Cow::Borrowed(last),
    }
}

/// The error's text and those of its sources, each only if it isn't part of the text already.
fn text_with_sources(error: &(dyn std::error::Error + 'static)) -> String {
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
    text
}

fn text_of(error: &(dyn std::error::Error + 'static)) -> String {
    match error.downcast_ref::<serde_json::Error>() {
        // serde quotes the value it stumbled over, which may be a credential.
        Some(error) => describe_json(error),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the upstream failed")]
    struct UpstreamError(#[source] std::io::Error);

    #[test]
    fn a_converted_error_keeps_its_types_name_and_all_texts() {
        let error = Error::from(UpstreamError(std::io::Error::other("connection reset")));
        assert_eq!(error.error_type(), "UpstreamError");
        assert_eq!(error.message(), "the upstream failed: connection reset");
        assert!(error.source().is_some());
    }

    #[test]
    fn types_called_error_are_named_with_their_module() {
        assert_eq!(Error::from(std::io::Error::other("x")).error_type(), "io::Error");
        assert_eq!(short_name("reqwest::error::Error"), "reqwest::Error");
        assert_eq!(short_name("my::Wrapped<std::io::error::Error>"), "Wrapped");
    }

    #[test]
    fn a_json_error_does_not_quote_the_value() {
        let error = Error::from(serde_json::from_str::<u32>(r#""hunter2""#).unwrap_err());
        assert!(!error.message().contains("hunter2"), "{error}");
    }
}
