//! The decoder compared with a simple splitter, on arbitrary bytes in arbitrary chunks.

use dify_plugin_protocol::frame::{FrameDecoder, OVERLONG_PREFIX_BYTES};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::splitter::{decoded, expected};

/// Parts of frames, mostly ends, and some as long as the limit or longer. Generated from numbers, since 10,000 cases of
/// anything more complex take too long.
fn parts(at_most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec((0..12u8, 0..24u8), 0..at_most).prop_map(|parts| {
        let part = |(kind, length): (u8, u8)| match kind {
            0..3 => b"\n".to_vec(),
            3..5 => b"\r\n".to_vec(),
            5 => b"\r".to_vec(),
            6 => [" ", "\t \x0c", " \r", "\x0b", "\u{85}", "\u{a0}"][usize::from(length) % 6].into(),
            7 => vec![length.wrapping_mul(11); usize::from(length) % 4],
            8 => br#"{"session_id":"s","event":"request"}"#.to_vec(),
            _ => vec![b'x'; length.into()],
        };
        parts.into_iter().flat_map(part).collect()
    })
}

/// An input, the limit on its frames, and the lengths of its chunks, which repeat.
fn input() -> impl Strategy<Value = (Vec<u8>, usize, Vec<usize>)> {
    let lengths = vec(1..12usize, 0..4).prop_map(|lengths| match lengths.len() {
        0 => vec![usize::MAX],
        1 => vec![1],
        _ => lengths,
    });
    (parts(16), 0..20usize, lengths)
}

/// Frames about as long as the start that is kept of a frame over the limit.
fn long_input() -> impl Strategy<Value = (Vec<u8>, usize, Vec<usize>)> {
    let near = || OVERLONG_PREFIX_BYTES - 3..OVERLONG_PREFIX_BYTES + 3;
    let line = prop_oneof![3 => near(), 1 => 0..3 * OVERLONG_PREFIX_BYTES];
    let lines = vec((line, any::<bool>()), 1..3).prop_map(|lines| {
        let line = |(length, with_return)| {
            let end: &[u8] = if with_return { b"\r\n" } else { b"\n" };
            [&vec![b'y'; length], end].concat()
        };
        lines.into_iter().flat_map(line).collect::<Vec<u8>>()
    });
    let limit = prop_oneof![3 => near(), 1 => 0..2 * OVERLONG_PREFIX_BYTES];
    let lengths = prop_oneof![Just(vec![usize::MAX]), vec(900..70_000usize, 1..4)];
    (lines, any::<prop::sample::Index>(), limit, lengths).prop_map(|(mut input, cut_off, limit, lengths)| {
        input.truncate(input.len() - cut_off.index(3));
        (input, limit, lengths)
    })
}

fn cut<'a>(input: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = input;
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            return pieces;
        }
        let (piece, after) = rest.split_at(rest.len().min(*length));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Checks one input. `then` follows after `finish` was called.
fn check(input: &[u8], limit: usize, lengths: &[usize], then: &[u8]) -> Result<(), TestCaseError> {
    let pieces = cut(input, lengths);
    let mut decoder = FrameDecoder::new(limit);
    let (mut lines, rest) = decoded(&mut decoder, &pieces);
    prop_assert_eq!((&lines, &rest), (&expected(&pieces, limit).0, &expected(&pieces, limit).1));

    // `finish` keeps the rest: more input may follow.
    let more = cut(then, lengths);
    let (after, rest) = decoded(&mut decoder, &more);
    lines.extend(after);
    let all = [pieces, more].concat();
    prop_assert_eq!((&lines, &rest), (&expected(&all, limit).0, &expected(&all, limit).1));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(10_000) })]

    #[test]
    fn any_input_in_any_chunks_gives_the_frames_of_a_plain_splitter(
        (input, limit, lengths) in input(),
        then in parts(4),
    ) {
        check(&input, limit, &lengths, &then)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn the_start_of_a_frame_over_the_limit_is_kept_up_to_a_bound((input, limit, lengths) in long_input()) {
        check(&input, limit, &lengths, b"\nnext\n")?;
    }
}
