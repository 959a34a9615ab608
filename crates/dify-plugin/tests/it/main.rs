//! The plugin on one end of a pipe, a daemon played by the test on the other.

#![allow(clippy::unwrap_used, reason = "a scenario stops where it goes wrong")]

mod actions;
mod daemon;
mod endpoints;
mod errors;
mod failures;
mod registration;
mod tools;
