//! One frame as a plugin and as a host read it, and the ids that are salvaged from a malformed one.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/dify-plugin-protocol/tests/it/equal.rs"]
mod equal;
#[path = "../../crates/dify-plugin-protocol/tests/it/round_trip.rs"]
mod round_trip;

fuzz_target!(|line: &[u8]| {
    if let Err(difference) = round_trip::line(line) {
        panic!("{difference}");
    }
});
