//! Why a command failed, and what to do about it.

use std::error::Error as StdError;
use std::{fmt, io};

use dify_plugin_host::{EndpointError, SessionFailure};
use serde_json::Value;

/// A boxed cause of an [`Error`].
pub(crate) type Cause = Box<dyn StdError + Send + Sync>;

/// Why a command failed: what happened, its causes, and a suggestion.
///
/// Errors are only ever shown to the user, so one type serves all commands. Their texts are written where something fails.
#[derive(Debug, Default)]
pub(crate) struct Error {
    message: String,
    cause: Option<Cause>,
    /// What the user can do about it.
    pub(crate) help: Option<String>,
    /// What a plugin attached to its own error, such as a traceback, by name.
    pub(crate) details: Vec<(String, String)>,
}

impl Error {
    /// Creates an error with this message, in lower case and without a full stop.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// Sets what caused this error.
    pub(crate) fn caused_by(self, cause: impl Into<Cause>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    /// Sets what the user can do about it.
    pub(crate) fn with_help(self, help: impl Into<String>) -> Self {
        self.with_help_if_any(Some(help.into()))
    }

    /// Like [`with_help`](Self::with_help), for a suggestion that only some cases have.
    pub(crate) fn with_help_if_any(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }

    /// Creates the error of a command that the user stopped.
    pub(crate) fn interrupted() -> Self {
        Self::new("interrupted")
    }

    /// Returns whether stdout was closed by its reader, as `head` does when it has enough.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        let cause = self.cause.as_ref().and_then(|cause| cause.downcast_ref::<io::Error>());
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// Turns foreign errors into the cause of an [`Error`].
pub(crate) trait Context<T> {
    /// Makes the error the cause of one with this message.
    fn context(self, message: impl Into<String>) -> Result<T, Error>;
}

impl<T, E: Into<Cause>> Context<T> for Result<T, E> {
    fn context(self, message: impl Into<String>) -> Result<T, Error> {
        self.map_err(|cause| Error::new(message).caused_by(cause))
    }
}

impl From<SessionFailure> for Error {
    fn from(failure: SessionFailure) -> Self {
        let SessionFailure::Plugin(data) = &failure else {
            return Self::new(format!("the call failed: {failure}"));
        };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let details = data.args.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        Self { details, ..Self::new(format!("the plugin returned an error: {failure}")) }
    }
}

impl From<EndpointError> for Error {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::Failed(failure) => failure.into(),
            error => Self::new("cannot call the plugin").caused_by(error),
        }
    }
}
