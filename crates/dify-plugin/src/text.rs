//! Texts that must not grow too long.

/// Cuts `text` to at most `limit` bytes, between characters.
pub(crate) fn truncate(text: &mut String, limit: usize) {
    if text.len() > limit {
        let mut end = limit;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_not_cut_in_two() {
        let cut = |limit| {
            let mut text = "é鴨".to_owned();
            truncate(&mut text, limit);
            text
        };
        assert_eq!((0..6).map(cut).collect::<Vec<_>>(), ["", "", "é", "é", "é", "é鴨"]);
    }
}
