//! Server-sent events, read from bytes that are cut anywhere (the HTML standard, section 9.2.6).
//!
//! Only the data of events is of interest: Dify says the rest inside. Comments, which some proxies send as signs of life, and
//! events without data, such as Dify's `ping`, are passed over without being kept.

use std::collections::VecDeque;

/// Gathers the data of events.
#[derive(Debug)]
pub(super) struct EventReader {
    /// The most that the data of one event may have, in bytes.
    limit: usize,
    line: Line,
    /// The data of the event so far, its lines ended by `\n`.
    data: Vec<u8>,
    /// Whether the event has data, which may be empty.
    has_data: bool,
    /// The last line ended in `\r`, to which a `\n` may still belong.
    after_return: bool,
    /// Nothing has come but, perhaps, the beginning of a byte order mark.
    mark: usize,
}

/// The line that is being read.
#[derive(Debug, Default)]
enum Line {
    /// Nothing of it has come.
    #[default]
    Empty,
    /// The beginning, as long as it may be that of `data:`.
    Name(Vec<u8>),
    /// Behind `data:`, where one space doesn't count.
    Value { first: bool },
    /// A comment, or a field that isn't `data`.
    PassedOver,
}

const NAME: &[u8] = b"data";
const MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// The data of one event is longer than the limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    /// What had come of it, in bytes.
    pub(super) bytes: usize,
}

impl EventReader {
    pub(super) fn new(limit: usize) -> Self {
        let line = Line::Empty;
        Self { limit, line, data: Vec::new(), has_data: false, after_return: false, mark: 0 }
    }

    /// Takes in `bytes` and adds the data of the events that they complete to `events`.
    ///
    /// # Errors
    ///
    /// If an event is too long. Those before it have been added; nothing more can be read.
    pub(super) fn feed(&mut self, mut bytes: &[u8], events: &mut VecDeque<Vec<u8>>) -> Result<(), TooLong> {
        while self.mark < MARK.len() && !bytes.is_empty() {
            if bytes[0] != MARK[self.mark] {
                // No mark. What looked like its beginning is a field of no known name.
                if self.mark > 0 {
                    self.line = Line::PassedOver;
                }
                self.mark = MARK.len();
                break;
            }
            self.mark += 1;
            bytes = &bytes[1..];
        }
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_return) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            self.take(&bytes[..end.unwrap_or(bytes.len())])?;
            let Some(end) = end else { break };
            self.after_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line(events);
        }
        Ok(())
    }

    /// The data of an event that no empty line ended before the stream did; the standard drops it.
    pub(super) fn rest(mut self) -> Option<Vec<u8>> {
        if matches!(&self.line, Line::Name(name) if name == NAME) {
            self.has_data = true;
        }
        self.has_data.then_some(self.data)
    }

    /// Takes in what stands before the end of a line.
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), TooLong> {
        while !bytes.is_empty() {
            match &mut self.line {
                Line::Empty => self.line = Line::Name(Vec::new()),
                Line::Name(name) if name.len() < NAME.len() => {
                    let byte = bytes[0];
                    if byte == NAME[name.len()] {
                        name.push(byte);
                        bytes = &bytes[1..];
                    } else {
                        self.line = Line::PassedOver;
                    }
                }
                Line::Name(_) if bytes[0] == b':' => {
                    self.begin_data()?;
                    self.line = Line::Value { first: true };
                    bytes = &bytes[1..];
                }
                Line::Name(_) => self.line = Line::PassedOver,
                Line::Value { first } => {
                    if std::mem::take(first) && bytes[0] == b' ' {
                        bytes = &bytes[1..];
                    }
                    self.room_for(bytes.len())?;
                    self.data.extend_from_slice(bytes);
                    return Ok(());
                }
                Line::PassedOver => return Ok(()),
            }
        }
        Ok(())
    }

    fn end_line(&mut self, events: &mut VecDeque<Vec<u8>>) {
        match std::mem::take(&mut self.line) {
            Line::Empty if std::mem::take(&mut self.has_data) => {
                events.push_back(std::mem::take(&mut self.data))
            }
            // The bare name is a line of data that is empty; it can't be too long where the one before it wasn't.
            Line::Name(name) if name == NAME => drop(self.begin_data()),
            _ => {}
        }
    }

    fn begin_data(&mut self) -> Result<(), TooLong> {
        if std::mem::replace(&mut self.has_data, true) {
            self.room_for(1)?;
            self.data.push(b'\n');
        }
        Ok(())
    }

    fn room_for(&self, more: usize) -> Result<(), TooLong> {
        let bytes = self.data.len() + more;
        if bytes > self.limit { Err(TooLong { bytes }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]], limit: usize) -> (Vec<String>, Result<Option<Vec<u8>>, TooLong>) {
        let mut reader = EventReader::new(limit);
        let mut events = VecDeque::new();
        let fed = pieces.iter().try_for_each(|piece| reader.feed(piece, &mut events));
        let events = events.into_iter().map(|event| String::from_utf8(event).unwrap()).collect();
        (events, fed.map(|()| reader.rest()))
    }

    /// Everything that the grammar has, in one stream.
    const STREAM: &str = "\u{feff}data: one é🦆\n\n: a comment\n\nevent: ping\n\ndata:two\ndata:  2\r\n\r\nid: 7\rdata\rdata: \r\r\
                          datum: no\ndat\ndata\n\nretry: 1\ndatax\n\ndata: last";

    #[test]
    fn the_same_events_come_however_the_bytes_are_cut() {
        let expected = ["one é🦆", "two\n 2", "\n", ""];
        let bytes = STREAM.as_bytes();
        for size in 1..=bytes.len() {
            let pieces: Vec<_> = bytes.chunks(size).collect();
            let (events, rest) = read(&pieces, 1000);
            assert_eq!(events, expected, "pieces of {size}");
            assert_eq!(rest, Ok(Some(b"last".to_vec())), "pieces of {size}");
        }
        for cut in 0..=bytes.len() {
            let (before, after) = bytes.split_at(cut);
            assert_eq!(read(&[before, b"", after], 1000).0, expected, "cut at {cut}");
        }
    }

    #[test]
    fn what_looks_like_a_mark_and_is_none_is_a_line_of_its_own() {
        assert_eq!(read(&[b"\xef\xbb", b"data: no\ndata: yes\n\n"], 100).0, ["yes"]);
        assert_eq!(read(&[b"\xef\xbb\xbf", b"data: yes\n\n"], 100).0, ["yes"]);
    }

    #[test]
    fn only_data_counts_and_it_has_a_limit() {
        let long = [b'x'; 1000];
        let (events, rest) = read(&[b":", &long, b"\nevent: ", &long, b"\n", &long, b"\ndata: ok\n\n"], 10);
        assert_eq!((events, rest), (vec!["ok".to_owned()], Ok(None)));
        assert_eq!(read(&[b"data: 1234567890\n\n"], 10).0, ["1234567890"]);
        let (events, rest) = read(&[b"data: ok\n\ndata: 12345", b"678901\n\n"], 10);
        assert_eq!((events, rest), (vec!["ok".to_owned()], Err(TooLong { bytes: 11 })));
        // Many short lines are no way around it.
        let (events, rest) = read(&[&b"data:\n"[..]; 20], 10);
        assert_eq!((events, rest), (vec![], Err(TooLong { bytes: 11 })));
    }
}
