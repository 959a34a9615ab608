//! The plugin on one end of a pipe, a daemon played by the test on the other.

#![allow(clippy::unwrap_used, reason = "a scenario stops where it goes wrong")]

mod actions;
#[cfg(unix)]
mod child;
mod daemon;
mod endpoints;
mod errors;
mod failures;
#[cfg(unix)]
mod process;
mod registration;
mod tools;
