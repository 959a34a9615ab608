//! Shell patterns as Go's `filepath.Match` reads them.

/// Whether `pattern` stands for all of `name`, which has no `/`. `None` for a pattern that isn't legal, which Go may or may not
/// find out, as it stops where it knows enough.
///
/// Like Go this goes through bytes, and takes a byte inside a character for a character of its own.
pub(crate) fn matches(pattern: &str, name: &str) -> Option<bool> {
    let (mut pattern, mut name) = (pattern.as_bytes(), name.as_bytes());
    'pattern: while !pattern.is_empty() {
        let (star, chunk, rest) = next_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Some(!name.contains(&b'/'));
        }
        if let Some(left) = chunk_matches(chunk, name)?
            && (left.is_empty() || !pattern.is_empty())
        {
            name = left;
            continue;
        }
        if star {
            for at in 0..name.len() {
                if name[at] == b'/' {
                    break;
                }
                if let Some(left) = chunk_matches(chunk, &name[at + 1..])? {
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

/// Whether there are stars in front, what follows up to the next star, and the rest.
fn next_chunk(pattern: &[u8]) -> (bool, &[u8], &[u8]) {
    let stars = pattern.iter().take_while(|byte| **byte == b'*').count();
    let chunk = &pattern[stars..];
    let (mut in_class, mut escaped) = (false, false);
    for (at, byte) in chunk.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'*' if !in_class => return (stars > 0, &chunk[..at], &chunk[at..]),
            _ => {}
        }
    }
    (stars > 0, chunk, &[])
}

/// What is left of `name` after a chunk, which has no stars; `Some(None)` if it doesn't begin so.
fn chunk_matches<'n>(mut chunk: &[u8], mut name: &'n [u8]) -> Option<Option<&'n [u8]>> {
    let mut failed = false;
    while let Some((first, rest)) = chunk.split_first() {
        failed = failed || name.is_empty();
        chunk = rest;
        match first {
            b'[' => {
                // After a failure only the pattern's form counts.
                let letter = if failed { '\0' } else { take_letter(&mut name) };
                let negated = chunk.first() == Some(&b'^');
                if negated {
                    chunk = &chunk[1..];
                }
                let (mut matched, mut ranges) = (false, 0);
                while ranges == 0 || chunk.first() != Some(&b']') {
                    let low = class_letter(&mut chunk)?;
                    let mut high = low;
                    if let Some(rest) = chunk.strip_prefix(b"-") {
                        chunk = rest;
                        high = class_letter(&mut chunk)?;
                    }
                    matched |= (low..=high).contains(&letter);
                    ranges += 1;
                }
                chunk = &chunk[1..];
                failed |= matched == negated;
            }
            b'?' if failed => {}
            b'?' => failed = take_letter(&mut name) == '/',
            _ => {
                let mut wanted = first;
                if *first == b'\\' {
                    (wanted, chunk) = chunk.split_first()?;
                }
                if !failed {
                    failed = name[0] != *wanted;
                    name = &name[1..];
                }
            }
        }
    }
    Some((!failed).then_some(name))
}

/// A letter of a class, after which more must come.
fn class_letter(chunk: &mut &[u8]) -> Option<char> {
    if matches!(chunk.first(), None | Some(b'-' | b']')) {
        return None;
    }
    if let Some(rest) = chunk.strip_prefix(b"\\") {
        *chunk = rest;
    }
    if chunk.is_empty() {
        return None;
    }
    let letter = take_letter(chunk);
    (!chunk.is_empty()).then_some(letter)
}

/// The first character, or U+FFFD for a byte that begins none. There is one.
fn take_letter(bytes: &mut &[u8]) -> char {
    let end = (1..=bytes.len().min(4)).find(|end| str::from_utf8(&bytes[..*end]).is_ok());
    let letter = end.and_then(|end| str::from_utf8(&bytes[..end]).ok()?.chars().next());
    *bytes = &bytes[end.unwrap_or(1)..];
    letter.unwrap_or(char::REPLACEMENT_CHARACTER)
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
