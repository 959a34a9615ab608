//! Errors of the address and the keys of a Service API.

use std::sync::Arc;

/// Why a [`ServiceApi`](crate::ServiceApi) could not be created. The error does not show the address or key, which may hold
/// secrets.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceApiError {
    /// The address is invalid.
    #[error("not a valid address of a Dify Service API: {problem}; an example is https://api.dify.ai/v1")]
    Url {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A key is invalid.
    #[error(
        "the API key of the app `{app}` is empty or contains invalid characters; Dify shows the key under the app's API access"
    )]
    Key {
        /// The app's id.
        app: String,
    },
    /// The HTTP client could not be created, for example because the system's certificates can't be read.
    #[error("cannot set up HTTP")]
    Client(#[source] Arc<reqwest::Error>),
}
