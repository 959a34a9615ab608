//! Shell patterns as Go's `filepath.Match` reads them.

/// Whether `pattern` stands for all of `name`, which has no `/`. `None` for a pattern that isn't legal, which Go may or may not
/// find out, as it stops where it knows enough.
pub(crate) fn matches(mut pattern: &str, mut name: &str) -> Option<bool> {
    'pattern: while !pattern.is_empty() {
        let (star, chunk, rest) = next_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Some(!name.contains('/'));
        }
        if let Some(left) = chunk_matches(chunk, name)?
            && (left.is_empty() || !pattern.is_empty())
        {
            name = left;
            continue;
        }
        if star {
            // By bytes, as in Go; a place inside a character can't be the start of a match but for a negated class.
            for (at, letter) in name.char_indices() {
                if letter == '/' {
                    break;
                }
                if let Some(left) = chunk_matches(chunk, &name[at + letter.len_utf8()..])? {
                    if pattern.is_empty() && !left.is_empty() {
                        continue;
                    }
                    name = left;
                    continue 'pattern;
                }
            }
        }
        return Some(false);
    }
    Some(name.is_empty())
}

/// The stars in front, what follows up to the next star, and the rest.
fn next_chunk(pattern: &str) -> (bool, &str, &str) {
    let chunk = pattern.trim_start_matches('*');
    let star = chunk.len() < pattern.len();
    let (mut in_range, mut escaped) = (false, false);
    for (at, byte) in chunk.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'[' => in_range = true,
            b']' => in_range = false,
            b'*' if !in_range => return (star, &chunk[..at], &chunk[at..]),
            _ => {}
        }
    }
    (star, chunk, "")
}

/// What is left of `name` after a chunk, which holds single characters only; `Some(None)` if it doesn't begin so.
fn chunk_matches<'n>(mut chunk: &str, mut name: &'n str) -> Option<Option<&'n str>> {
    let mut failed = false;
    while let Some(first) = chunk.chars().next() {
        failed = failed || name.is_empty();
        chunk = &chunk[first.len_utf8()..];
        // After a failure only the pattern's form counts.
        let letter = if failed { None } else { name.chars().next() };
        if first == '[' {
            let (rest, negated) = match chunk.strip_prefix('^') {
                Some(rest) => (rest, true),
                None => (chunk, false),
            };
            chunk = rest;
            let (mut matched, mut ranges) = (false, 0);
            while ranges == 0 || !chunk.starts_with(']') {
                let low = class_letter(&mut chunk)?;
                let high = match chunk.strip_prefix('-') {
                    Some(rest) => {
                        chunk = rest;
                        class_letter(&mut chunk)?
                    }
                    None => low,
                };
                matched |= letter.is_some_and(|letter| (low..=high).contains(&letter));
                ranges += 1;
            }
            chunk = &chunk[1..];
            failed |= matched == negated;
        } else if first == '?' {
            failed |= letter == Some('/');
        } else {
            let mut wanted = first;
            if first == '\\' {
                wanted = chunk.chars().next()?;
                chunk = &chunk[wanted.len_utf8()..];
            }
            failed |= letter != Some(wanted);
        }
        if let Some(letter) = letter {
            name = &name[letter.len_utf8()..];
        }
    }
    Some((!failed).then_some(name))
}

/// A letter of a class, after which more must come.
fn class_letter(chunk: &mut &str) -> Option<char> {
    let mut letters = chunk.chars();
    let mut letter = letters.next().filter(|letter| !"-]".contains(*letter))?;
    if letter == '\\' {
        letter = letters.next()?;
    }
    *chunk = letters.as_str();
    (!chunk.is_empty()).then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_are_read_as_go_reads_them() {
        // What `filepath.Match` of Go 1.26 says.
        for (pattern, name, matched) in [
            ("abc", "abc", Some(true)),
            ("*", "abc", Some(true)),
            ("*c", "abc", Some(true)),
            ("a*", "ab/c", Some(false)),
            ("a*b*c*d*e*", "axbxcxdxe", Some(true)),
            ("a*b?c*x", "abxbbxdbxebxczzx", Some(true)),
            ("ab[c]", "abc", Some(true)),
            ("ab[b-d]", "abc", Some(true)),
            ("ab[e-g]", "abc", Some(false)),
            ("ab[^c]", "abc", Some(false)),
            ("a\\*b", "a*b", Some(true)),
            ("a\\*b", "ab", Some(false)),
            ("a?b", "a☺b", Some(true)),
            ("a[^a]b", "a☺b", Some(true)),
            ("[\\]a]", "]", Some(true)),
            ("[\\-x]", "-", Some(true)),
            ("[x\\-]", "z", Some(false)),
            ("[]a]", "]", None),
            ("[-]", "-", None),
            ("[x-]", "x", None),
            ("[a-b-c]", "a", None),
            ("[", "a", None),
            ("[^", "a", None),
            ("[^bc", "a", None),
            ("a[", "ab", None),
            ("a[", "a", None),
            ("*x", "xxx", Some(true)),
            ("", "", Some(true)),
            ("", "a", Some(false)),
            ("\\", "a", None),
        ] {
            assert_eq!(matches(pattern, name), matched, "{pattern} {name}");
        }
    }
}
