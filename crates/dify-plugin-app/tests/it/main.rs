//! Scenarios: calls to apps through a real connection over a narrow pipe, with literal frames at the other end and paused
//! time.

#![allow(clippy::unwrap_used, reason = "a scenario stops where it goes wrong")]

mod answer;
mod blocking;
mod daemon;
mod event;
mod failures;
mod kinds;
mod no_contents;
mod recorded;
mod requests;
mod stream;
mod warnings;
