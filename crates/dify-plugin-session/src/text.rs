//! Text that is cut to a length.

/// The beginning of `text`: at most `bytes`, and whole characters.
pub(crate) fn start(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
