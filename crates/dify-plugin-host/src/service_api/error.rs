//! What can be wrong with the address and the keys of a Service API.

use std::sync::Arc;

/// Why a [`ServiceApi`](crate::ServiceApi) can't be used as it was set up. No variant shows what was given, which may hold
/// a secret.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceApiError {
    /// The address is none.
    #[error("not the address of a Dify Service API: {problem}; one is written as in https://api.dify.ai/v1")]
    Url {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The key is none.
    #[error(
        "what was given as the API key of the app `{app}` is empty or has characters that no key has; Dify shows the key \
         under the app's API access"
    )]
    Key {
        /// The app's id.
        app: String,
    },
    /// The HTTP client can't be made, as where the system's certificates can't be read.
    #[error("cannot set up HTTP")]
    Client(#[source] Arc<reqwest::Error>),
}
