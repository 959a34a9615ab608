//! The types against recorded frames (`proto-fixtures/`), and against arbitrary input.

#![allow(clippy::unwrap_used, reason = "a fixture that is not what it should be fails the test")]

mod any_json;
mod app_events;
mod app_result;
mod blob;
mod credentials;
mod daemon_accepts;
mod daemon_frame;
mod decimal;
mod endpoint_http;
mod endpoint_payload;
mod equal;
mod error_data;
mod event_names;
mod every_field;
mod fixtures;
mod frame_decoder;
mod framing;
mod http_request;
mod no_contents;
mod object;
mod parameter_value;
mod recorded;
mod reverse_calls;
mod round_trip;
mod salvage;
mod session_message;
mod splitter;
mod tool_message;
mod typed;
mod values;
