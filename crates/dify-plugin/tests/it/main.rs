//! A plugin on one end of a pipe, and a test that plays the daemon on the other.

#![allow(clippy::unwrap_used, reason = "a scenario stops where it goes wrong")]

mod actions;
#[cfg(unix)]
mod child;
mod daemon;
mod endpoints;
mod errors;
mod failures;
#[cfg(feature = "files")]
mod files;
#[cfg(unix)]
mod process;
mod registration;
mod tools;
