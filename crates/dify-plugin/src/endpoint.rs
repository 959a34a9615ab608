//! HTTP endpoints: one request of the daemon becomes one `http::Request`, and its response goes back in pieces.
//!
//! An endpoint group is any tower service; see [`Plugin::endpoints`](crate::Plugin::endpoints).
//!
//! # What the daemon carries
//!
//! - A request's body is there as a whole, at most 10 MiB; the daemon cuts off the rest. There is no `PATCH`.
//! - Of a response, one value a header: lists are joined with a comma; of `Set-Cookie`, and of others that are no lists, the
//!   last stays, with a warning once. Headers about the connection itself are left out.
//! - Of status 204 and 304, and of an answer to HEAD, no body goes out. A status below 200 is an error.
//! - A redirect to a path leaves the endpoint's `/e/<hook id>`: `Dify-Hook-Url` in the request's headers has the whole URL.
//!
//! # How a body arrives whole
//!
//! The daemon hands pieces of a body on as they come, but loses some without a word: all after the first, if the session's
//! end is there before it has handed the first one on; and those that come while 128 others are unread. So:
//!
//! - A body that is ready as a whole, as one of known length is, goes out as one piece with the head, up to what a line holds
//!   (about 2.6 MB), and is never cut.
//! - A body that streams goes out at once whenever nothing more is ready; what is ready together goes together.
//! - After 64 pieces in a row they leave 5 ms between each other and grow instead. A client that reads for long more slowly
//!   than that still loses: the daemon does not tell. Pieces of some size are the remedy.
//! - The end of a body in several pieces comes no sooner than 100 ms after the first (DIFY_PLUGIN_ENDPOINT_END_DELAY), nor
//!   does an error after any piece.
//!
//! A handler that panics, or a body that fails before its first byte, makes the daemon answer with status 500. Later,
//! the daemon appends the error to the body, and the status stays.
//!
//! # A path that is not there
//!
//! An answer of status 404 without a body and without a `Content-Type`, as a router gives it for a path it doesn't know,
//! gets the text that the official SDK answers with.

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
