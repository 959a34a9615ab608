//! Calls to Dify apps: requests, events and results.
//!
//! Requests follow the daemon (`internal/core/dify_invocation/types.go`), events and results Dify's Service API. Dify
//! releases send different fields, so every field of an event or a result is optional, null means absent, and unknown
//! fields are kept.

pub mod decimal;
pub mod event;
pub mod metadata;
pub mod parameters;
pub mod request;
pub mod result;
