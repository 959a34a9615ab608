//! The frame decoder compared with a simple splitter, on arbitrary bytes in arbitrary chunks.

#![no_main]

use dify_plugin_protocol::frame::FrameDecoder;
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/dify-plugin-protocol/tests/it/splitter.rs"]
mod splitter;

use splitter::{decoded, expected};

fuzz_target!(|data: &[u8]| {
    // Two bytes select the limit, and how the rest is cut.
    let [limit, lengths, input @ ..] = data else { return };
    let limit = usize::from(*limit);
    // Chunks of one or two alternating lengths. Zero means the whole rest.
    let length = |nibble: u8| if nibble == 0 { usize::MAX } else { usize::from(nibble) };
    let mut turns = [length(lengths >> 4), length(lengths & 15)].into_iter().cycle();
    let mut pieces = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.len().min(turns.next().unwrap_or(usize::MAX)));
        pieces.push(piece);
        rest = after;
    }
    // `finish` is also called halfway, which must change nothing.
    let mut decoder = FrameDecoder::new(limit);
    let (first, second) = pieces.split_at(pieces.len() / 2);
    let (mut lines, rest) = decoded(&mut decoder, first);
    assert_eq!((&lines, &rest), (&expected(first, limit).0, &expected(first, limit).1));
    let (after, rest) = decoded(&mut decoder, second);
    lines.extend(after);
    assert_eq!((lines, rest), expected(&pieces, limit));
});
