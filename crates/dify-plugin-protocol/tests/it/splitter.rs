//! The framing's rules once more, written apart from the decoder: what each cut of the input must give.
//!
//! The fuzz target `frame` holds the decoder to it as well.

use dify_plugin_protocol::frame::{Frame, FrameDecoder, OVERLONG_PREFIX_BYTES};

/// What is found in some input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Whole(Vec<u8>),
    TooLong(Vec<u8>),
}

/// The lines of `pieces`, in order, and what is left at the end of them.
///
/// Looks at the whole input at once, and at the cuts only for how much of an over-long line had come when it was known to
/// be too long.
pub(crate) fn expected(pieces: &[&[u8]], limit: usize) -> (Vec<Found>, Option<Found>) {
    let input = pieces.concat();
    let mut cuts: Vec<usize> = Vec::new();
    for piece in pieces {
        cuts.push(cuts.last().unwrap_or(&0) + piece.len());
    }
    let mut found = Vec::new();
    let mut start = 0;
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        let is_ended = line.ends_with(b"\n");
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let end = start + line.len();
        let known_too_long = || {
            // Looked at wherever a piece ends within the line, and at its own end.
            let within = &cuts[cuts.partition_point(|cut| *cut <= start)..];
            let looks = within.iter().copied().take_while(|cut| *cut < end).chain([end]);
            looks.map(|look| &input[start..look]).find(|seen| without_return(seen).len() > limit)
        };
        if let Some(seen) = known_too_long() {
            found.push(Found::TooLong(seen[..seen.len().min(OVERLONG_PREFIX_BYTES)].to_vec()));
            if !is_ended {
                return (found, Some(Found::TooLong(Vec::new())));
            }
        } else if !line.iter().all(|byte| b" \t\n\r\x0c".contains(byte)) {
            let whole = Found::Whole(without_return(line).to_vec());
            if !is_ended {
                return (found, Some(whole));
            }
            found.push(whole);
        }
        start = end + 1;
    }
    (found, None)
}

/// One `\r` at the end does not count.
fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What the decoder finds in the same pieces.
///
/// # Panics
///
/// If it keeps more than the limit allows, or its answer at the end changes when it is asked again.
pub(crate) fn decoded(decoder: &mut FrameDecoder, pieces: &[&[u8]]) -> (Vec<Found>, Option<Found>) {
    let own = |line: Frame<'_>| match line {
        Frame::Whole(line) => Found::Whole(line.to_vec()),
        Frame::TooLong(prefix) => Found::TooLong(prefix.to_vec()),
        other => panic!("a line of another kind: {other:?}"),
    };
    let mut found = Vec::new();
    for piece in pieces {
        let mut lines = decoder.feed(piece);
        while let Some(line) = lines.next() {
            found.push(own(line));
        }
        // Past the limit there may be the `\r` of a newline that has not come.
        assert!(decoder.buffered() <= decoder.limit().saturating_add(1), "{decoder:?}");
    }
    let rest = decoder.finish().map(own);
    assert_eq!(decoder.finish().map(own), rest, "asked again, it says something else");
    (found, rest)
}
