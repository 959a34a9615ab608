//! The multiplexer, with a daemon, handlers and a clock that do what the input says.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/dify-plugin-session/tests/it/model/mod.rs"]
mod model;

fuzz_target!(|script: &[u8]| model::play(script));
