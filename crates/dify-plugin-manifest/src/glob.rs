//! Shell patterns for one name of a path, with the meaning that Go's `filepath.Match` gives them.

use std::ops::RangeInclusive;

/// What a name looks like: `*`, `?`, `[classes]`, and `\` before a character that is meant itself.
#[derive(Debug)]
pub struct Glob(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    /// `*`: any bytes.
    Star,
    /// `?`: one character.
    Any,
    /// `[a-z]`, or `[^a-z]`: one character of these, or none of these.
    Class { negated: bool, ranges: Vec<RangeInclusive<char>> },
    /// A byte of a character that stands for itself.
    Byte(u8),
}

impl Glob {
    /// Reads a pattern. `None` if it isn't legal; then it stands for no name at all.
    pub fn parse(pattern: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = pattern.chars();
        while let Some(letter) = rest.next() {
            match letter {
                '*' => pieces.push(Piece::Star),
                '?' => pieces.push(Piece::Any),
                '[' => pieces.push(class(&mut rest)?),
                letter => {
                    let meant = if letter == '\\' { rest.next()? } else { letter };
                    pieces.extend(meant.encode_utf8(&mut [0; 4]).bytes().map(Piece::Byte));
                }
            }
        }
        Some(Self(pieces))
    }

    /// Whether the pattern stands for all of `name`, in which there is no `/`.
    pub fn matches(&self, name: &str) -> bool {
        let name = name.as_bytes();
        let (mut piece, mut at) = (0, 0);
        // The piece after the last star, and the first byte that the star doesn't take.
        let mut star = None;
        loop {
            match self.0.get(piece) {
                Some(Piece::Star) => {
                    piece += 1;
                    star = Some((piece, at));
                    continue;
                }
                Some(single) => {
                    if let Some(bytes) = single.length_in(&name[at..]) {
                        piece += 1;
                        at += bytes;
                        continue;
                    }
                }
                None if at == name.len() => return true,
                None => {}
            }
            // So far it doesn't fit: the last star has to take a byte more.
            match &mut star {
                Some((after, from)) if *from < name.len() => {
                    *from += 1;
                    (piece, at) = (*after, *from);
                }
                _ => return false,
            }
        }
    }
}

impl Piece {
    /// How many bytes at the start of `rest` a piece for one character stands for.
    fn length_in(&self, rest: &[u8]) -> Option<usize> {
        let first = *rest.first()?;
        if let Self::Byte(byte) = self {
            return (first == *byte).then_some(1);
        }
        let (letter, bytes) = letter(rest);
        let fits = match self {
            Self::Class { negated, ranges } => *negated != ranges.iter().any(|range| range.contains(&letter)),
            _ => true,
        };
        fits.then_some(bytes)
    }
}

/// A class, of which the bracket is read. It isn't empty, and `-` and `]` mean themselves only after a `\`.
fn class(rest: &mut std::str::Chars<'_>) -> Option<Piece> {
    let bound = |rest: &mut std::str::Chars<'_>| match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        letter => Some(letter),
    };
    let skip = |rest: &mut std::str::Chars<'_>, letter| {
        let found = rest.as_str().starts_with(letter);
        if found {
            rest.next();
        }
        found
    };
    let negated = skip(rest, '^');
    let mut ranges = Vec::new();
    loop {
        let low = bound(rest)?;
        let high = if skip(rest, '-') { bound(rest)? } else { low };
        ranges.push(low..=high);
        if skip(rest, ']') {
            return Some(Piece::Class { negated, ranges });
        }
    }
}

/// The first character and its length. A byte in the middle of one, where a star may end, counts as U+FFFD, as in Go.
fn letter(bytes: &[u8]) -> (char, usize) {
    let whole = (1..=bytes.len().min(4)).find_map(|end| str::from_utf8(&bytes[..end]).ok()?.chars().next());
    whole.map_or((char::REPLACEMENT_CHARACTER, 1), |letter| (letter, letter.len_utf8()))
}
