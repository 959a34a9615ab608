//! A simple second implementation of the framing, to compare the decoder with.
//!
//! Also used by the fuzz target `frame`.

use dify_plugin_protocol::frame::{Frame, FrameDecoder, OVERLONG_PREFIX_BYTES};

/// A frame that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Whole(Vec<u8>),
    TooLong(Vec<u8>),
}

/// Returns the frames of `pieces` in order, and the rest.
///
/// Splits the whole input at once. The cuts only decide how much of a frame over the limit had arrived when it exceeded the
/// limit.
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
            // Checked at every end of a chunk within the frame, and at the end of the frame.
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

/// Removes one `\r` at the end.
fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Returns what the decoder finds in the same chunks.
///
/// # Panics
///
/// If the decoder keeps more than the limit, or `finish` returns something else when it is called again.
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
        // The `\r` of a newline that has not arrived may exceed the limit.
        assert!(decoder.buffered() <= decoder.limit().saturating_add(1), "{decoder:?}");
    }
    let rest = decoder.finish().map(own);
    assert_eq!(decoder.finish().map(own), rest, "asked again, it says something else");
    (found, rest)
}
