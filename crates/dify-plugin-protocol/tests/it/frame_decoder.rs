//! Frames out of chunks of bytes, and the memory they take.

use dify_plugin_protocol::frame::{Frame, FrameDecoder, OVERLONG_PREFIX_BYTES};

/// The frames found when the input arrives in chunks of `length`, with `!` for one over the limit.
fn frames(limit: usize, input: &[u8], length: usize) -> Vec<String> {
    let mut decoder = FrameDecoder::new(limit);
    let mut found = Vec::new();
    for chunk in input.chunks(length.max(1)) {
        let mut frames = decoder.feed(chunk);
        while let Some(frame) = frames.next() {
            found.push(match frame {
                Frame::Whole(frame) => String::from_utf8_lossy(frame).into_owned(),
                _ => "!".to_owned(),
            });
        }
    }
    match decoder.finish() {
        Some(Frame::Whole(rest)) => found.push(format!("…{}", String::from_utf8_lossy(rest))),
        Some(_) => found.push("…!".to_owned()),
        None => {}
    }
    found
}

#[test]
fn any_cut_of_the_input_gives_the_same_frames() {
    let input = b"one\n\n \r\ntwo\r\n12345678\n123456789\nfour\n12345678\r\n123456789012345678901234567890\nfive\nrest";
    let whole = frames(8, input, input.len());
    assert_eq!(whole, ["one", "two", "12345678", "!", "four", "12345678", "!", "five", "…rest"]);
    for length in 1..input.len() {
        assert_eq!(frames(8, input, length), whole, "cut every {length} bytes");
    }
}

#[test]
fn a_frame_without_end_is_reported_once_with_a_bounded_start() {
    let mut decoder = FrameDecoder::new(1000);
    let mut reported = 0;
    for _ in 0..10_000 {
        let mut frames = decoder.feed(&[b'x'; 100]);
        while let Some(frame) = frames.next() {
            assert!(matches!(frame, Frame::TooLong(start) if start.len() <= OVERLONG_PREFIX_BYTES));
            reported += 1;
        }
    }
    assert_eq!(reported, 1);
    assert_eq!(decoder.finish(), Some(Frame::TooLong(&[])));
    let mut frames = decoder.feed(b"\nnext\n");
    assert_eq!(frames.next(), Some(Frame::Whole(b"next")));
    assert_eq!(decoder.finish(), None);
}
