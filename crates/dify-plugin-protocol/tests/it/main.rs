//! The types against lines that the real peers wrote, everything in `proto-fixtures/`, and against lines that nobody would
//! write.

#![allow(clippy::unwrap_used, reason = "a fixture that is not what it should be fails the test")]

mod any_json;
mod app_events;
mod daemon_accepts;
mod endpoint_http;
mod equal;
mod every_field;
mod fixtures;
mod framing;
mod no_contents;
mod recorded;
mod reverse_calls;
mod round_trip;
mod splitter;
mod typed;
