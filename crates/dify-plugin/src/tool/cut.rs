//! Cuts a long text into pieces that fit a line.

/// Pieces of `text`, in order, each at most `limit` bytes as a JSON string without its quotes. Cut between characters;
/// `limit` is at least 6, the longest escape.
pub(super) fn pieces(text: &str, limit: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        // No need to look closely at a text that fits whatever is in it.
        if text.len() <= limit / 6 {
            return Some(text);
        }
        let mut length = 0;
        for (at, letter) in text.char_indices() {
            length += escaped_length(letter);
            if length > limit {
                let (piece, later) = text.split_at(at);
                rest = Some(later);
                return Some(piece);
            }
        }
        Some(text)
    })
}

/// What serde_json makes of a character in a string.
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
    fn pieces_fit_and_join_to_the_text() {
        let text = "a\"é\n鴨\u{1}🦆\\b".repeat(50);
        for limit in 6..40 {
            let cut: Vec<_> = pieces(&text, limit).collect();
            assert_eq!(cut.concat(), text);
            for piece in &cut {
                assert!(serde_json::to_string(piece).unwrap().len() - 2 <= limit, "{limit} {piece:?}");
            }
        }
    }

    #[test]
    fn a_short_text_is_one_piece_even_if_empty() {
        assert_eq!(pieces("", 6).collect::<Vec<_>>(), [""]);
        assert_eq!(pieces("short", 600).collect::<Vec<_>>(), ["short"]);
    }
}
