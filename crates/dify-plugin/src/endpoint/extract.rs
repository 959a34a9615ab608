//! Extractors for axum handlers.

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::{HookId, RawSettings};
use crate::error::{Error, Result};
use crate::session::Session;

/// The endpoint's settings, as its user filled them in, read as `T`.
///
/// ```
/// use dify_plugin::endpoint::Settings;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Greeting {
///     name: String,
/// }
///
/// async fn greet(Settings(greeting): Settings<Greeting>) -> String {
///     format!("hello {}", greeting.name)
/// }
/// # let _: axum::Router = axum::Router::new().route("/greet", axum::routing::get(greet));
/// ```
///
/// Settings that cannot be read are rejected with status 500, the field and what is wrong with it, but without its value.
#[derive(Clone, Copy)]
pub struct Settings<T>(pub T);

impl<T> std::fmt::Debug for Settings<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Settings(..)")
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Settings<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        extension::<RawSettings>(parts, "settings")?.parse().map(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        extension(parts, "session")
    }
}

impl<S: Sync> FromRequestParts<S> for HookId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        extension(parts, "hook id")
    }
}

fn extension<T: Clone + Send + Sync + 'static>(parts: &Parts, what: &str) -> Result<T> {
    parts.extensions.get().cloned().ok_or_else(|| {
        Error::new("NotAnEndpointRequest", format!("this request has no {what}; it did not come from Dify"))
    })
}

/// Status 500 and the error's message, in the form of the official SDK.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        let text = format!("Internal Server Error: {}", self.message());
        (StatusCode::INTERNAL_SERVER_ERROR, headers, text).into_response()
    }
}
