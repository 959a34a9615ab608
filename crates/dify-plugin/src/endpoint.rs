//! HTTP endpoints. One request of the daemon becomes one `http::Request`, and its response goes back in chunks.
//!
//! Any tower service is an endpoint group; see [`Plugin::endpoints`](crate::Plugin::endpoints).
//!
//! # What the daemon carries
//!
//! - The body of a request arrives whole. The daemon cuts it off after 10 MiB. It does not route `PATCH` requests.
//! - A response has one value for each header name: list headers are joined with a comma; of `Set-Cookie` and other headers
//!   that are not lists, the last value is sent, and the first loss is logged as a warning. Headers about the connection are
//!   left out.
//! - A response to `HEAD` or with status 204 or 304 has no body. A status below 200 is an error.
//! - A redirect to a path leaves the endpoint's `/e/<hook id>`. The request header `Dify-Hook-Url` has the full URL.
//!
//! # How a body arrives whole
//!
//! The daemon passes chunks of a body on as they come, but silently loses some of them: all after the first, if the end of
//! the session is there before the first chunk is passed on; and those that come while 128 others are unread. Therefore:
//!
//! - A body that is ready at once, such as one of known length, goes out in one chunk with the head, up to what a frame
//!   holds (about 2.6 MB). One chunk is never lost.
//! - Data of a streamed body goes out as soon as no more is ready; data that is ready together goes out together.
//! - After 64 chunks in a row, chunks keep 5 ms apart and grow instead. A client that reads more slowly than that for long
//!   still loses data, which the daemon does not report. Larger chunks avoid this.
//! - The end of a body in several chunks comes at least 100 ms after the first chunk (DIFY_PLUGIN_ENDPOINT_END_DELAY,
//!   [`Endpoints::end_delay`]). So does an error after any chunk.
//!
//! If a handler panics, or its body fails before the first byte, the daemon answers with status 500. If the body fails later,
//! the daemon appends the error to the body, and the status stays.
//!
//! # Unknown paths
//!
//! A response with status 404, no body and no `Content-Type`, as a router gives for a path it does not know, gets the text
//! of the official SDK.

mod body;
mod builder;
mod head;
mod kind;
mod pace;
mod request;
mod service;

#[cfg(feature = "axum")]
mod extract;

pub use request::{Body, HookId, RawSettings};
pub use service::Endpoints;

#[cfg(feature = "axum")]
pub use extract::Settings;

pub(crate) use kind::EndpointKind;
