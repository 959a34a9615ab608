//! A host and a plugin that is a shell script: it writes literal frames and shares only the pipes with the host.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod endpoints;
mod hostile;
mod killed;
mod messages;
mod pipe;
mod process;
mod recorded;
mod requests;
mod reverse;
mod rogue;
mod router;
mod script;
#[cfg(feature = "service-api")]
mod service_api;
mod sessions;
mod storage;
mod tap;
