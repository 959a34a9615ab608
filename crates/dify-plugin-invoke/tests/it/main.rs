//! Calls against a scripted daemon that shares no types with this crate.

#![allow(clippy::unwrap_used, reason = "a test fails on an unexpected value")]

mod calls;
mod daemon;
mod errors;
