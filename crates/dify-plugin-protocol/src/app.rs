//! Calls of Dify apps: what a plugin sends, and what an app sends back.
//!
//! The interfaces are those of the daemon (`internal/core/dify_invocation/types.go`) and, for what comes back, of Dify's
//! Service API. No field of an answer is certain: releases differ, and the published examples leave much out. So every
//! field is optional, null is the same as absent, and unknown fields are kept.

pub mod decimal;
pub mod event;
pub mod metadata;
pub mod parameters;
pub mod request;
pub mod result;
