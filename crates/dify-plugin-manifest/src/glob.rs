//! Shell patterns for one component of a path, with the semantics of Go's `filepath.Match`.
//!
//! The `glob` and `globset` crates decide differently: they negate classes with `!`, treat `**` specially, and accept
//! patterns such as `[a-]` that Go refuses.

use std::ops::RangeInclusive;

/// A shell pattern for a file name, with `*`, `?`, `[classes]`, and `\` before a literal character.
#[derive(Debug)]
pub struct Glob(Vec<Token>);

#[derive(Debug)]
enum Token {
    /// `*`: any bytes.
    Star,
    /// `?`: one character.
    Any,
    /// `[a-z]`, or if negated `[^a-z]`: one character inside or outside these ranges.
    Class { negated: bool, ranges: Vec<RangeInclusive<char>> },
    /// A byte of a literal character.
    Byte(u8),
}

impl Glob {
    /// Parses a pattern. Returns `None` if it is invalid.
    pub fn parse(pattern: &str) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut rest = pattern.chars();
        while let Some(letter) = rest.next() {
            match letter {
                '*' => tokens.push(Token::Star),
                '?' => tokens.push(Token::Any),
                '[' => tokens.push(class(&mut rest)?),
                letter => {
                    let meant = if letter == '\\' { rest.next()? } else { letter };
                    tokens.extend(meant.encode_utf8(&mut [0; 4]).bytes().map(Token::Byte));
                }
            }
        }
        Some(Self(tokens))
    }

    /// Returns whether the pattern matches all of `name`, which must not contain `/`.
    pub fn matches(&self, name: &str) -> bool {
        let name = name.as_bytes();
        let (mut token, mut at) = (0, 0);
        // The token after the last star, and the first byte that the star doesn't match.
        let mut star = None;
        loop {
            match self.0.get(token) {
                Some(Token::Star) => {
                    token += 1;
                    star = Some((token, at));
                    continue;
                }
                Some(single) => {
                    if let Some(bytes) = single.length_in(&name[at..]) {
                        token += 1;
                        at += bytes;
                        continue;
                    }
                }
                None if at == name.len() => return true,
                None => {}
            }
            // No match so far: let the last star match one byte more.
            match &mut star {
                Some((after, from)) if *from < name.len() => {
                    *from += 1;
                    (token, at) = (*after, *from);
                }
                _ => return false,
            }
        }
    }
}

impl Token {
    /// Returns how many bytes at the start of `rest` a token other than a star matches.
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

/// Parses the rest of a class, after its bracket. A class is not empty, and a literal `-` or `]` needs a `\`.
fn class(rest: &mut std::str::Chars<'_>) -> Option<Token> {
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
            return Some(Token::Class { negated, ranges });
        }
    }
}

/// Returns the first character and its length in bytes. A byte inside a character, where a star may end, counts as U+FFFD, as
/// in Go.
fn letter(bytes: &[u8]) -> (char, usize) {
    let whole = (1..=bytes.len().min(4)).find_map(|end| str::from_utf8(&bytes[..end]).ok()?.chars().next());
    whole.map_or((char::REPLACEMENT_CHARACTER, 1), |letter| (letter, letter.len_utf8()))
}
