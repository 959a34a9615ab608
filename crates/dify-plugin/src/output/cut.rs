//! Cuts a long text into chunks that fit a frame.

/// Returns the chunks of `text` in order, each at most `limit` bytes as a JSON string without its quotes. Cuts between
/// characters; `limit` is at least 6, the longest escape.
pub(super) fn chunks(text: &str, limit: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        // A text this short fits even if every character must be escaped.
        if text.len() <= limit / 6 {
            return Some(text);
        }
        let mut length = 0;
        for (at, letter) in text.char_indices() {
            length += escaped_length(letter);
            if length > limit {
                let (chunk, later) = text.split_at(at);
                rest = Some(later);
                return Some(chunk);
            }
        }
        Some(text)
    })
}

/// Returns how many bytes serde_json writes for a character of a string.
fn escaped_length(letter: char) -> usize {
    match letter {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => letter.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_fit_and_join_to_the_text() {
        let text = "a\"é\n鴨\u{1}🦆\\b".repeat(50);
        for limit in 6..40 {
            let cut: Vec<_> = chunks(&text, limit).collect();
            assert_eq!(cut.concat(), text);
            for chunk in &cut {
                assert!(serde_json::to_string(chunk).unwrap().len() - 2 <= limit, "{limit} {chunk:?}");
            }
        }
    }

    #[test]
    fn a_short_text_is_one_chunk_even_if_empty() {
        assert_eq!(chunks("", 6).collect::<Vec<_>>(), [""]);
        assert_eq!(chunks("short", 600).collect::<Vec<_>>(), ["short"]);
    }
}
