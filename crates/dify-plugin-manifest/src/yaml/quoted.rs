//! Repairs quoted scalars whose continuation lines are indented too little.
//!
//! YAML 1.2 forbids them and the parser refuses them, but libyaml, and with it yaml.v3 and PyYAML, accepts them, and they
//! occur in published plugins:
//!
//! ```yaml
//!   llm_description: "a first line
//! and a second one"
//! ```
//!
//! White space at the start of such a line is not part of the value, so adding some changes nothing.

/// How much white space may be added to a text, in bytes. Files need it for few lines.
const ADDED_BYTES: usize = 1 << 20;

/// Indents the continuation lines of the quoted scalar whose opening quote is the character at index `quote`, in `column`
/// (both from 0). Returns `None` if there is no quoted scalar, or if it is already indented.
pub(super) fn indent(text: &str, quote: usize, column: usize) -> Option<String> {
    let (start, quote) = text.char_indices().nth(quote).filter(|(_, char)| matches!(char, '"' | '\''))?;
    let (before, scalar) = text.split_at(start);
    let end = closing_quote(scalar, quote)?;

    let mut indented = String::with_capacity(text.len() + 256);
    indented.push_str(before);
    let (mut changed, mut added) = (false, 0);
    for (index, line) in scalar[..end].split_inclusive('\n').enumerate() {
        if index > 0 {
            // The end of the document, which libyaml refuses inside a scalar too.
            if line.starts_with("---") || line.starts_with("...") {
                return None;
            }
            let spaces = line.bytes().take_while(|byte| *byte == b' ').count();
            changed |= spaces < column;
            let missing = column.saturating_sub(spaces);
            added += missing;
            if added > ADDED_BYTES {
                return None;
            }
            indented.extend(std::iter::repeat_n(' ', missing));
        }
        indented.push_str(line);
    }
    indented.push_str(&scalar[end..]);
    changed.then_some(indented)
}

/// Returns the position of the closing quote in text that begins with the opening one.
fn closing_quote(scalar: &str, quote: char) -> Option<usize> {
    let mut chars = scalar.char_indices().skip(1).peekable();
    while let Some((index, char)) = chars.next() {
        match char {
            '\\' if quote == '"' => {
                chars.next();
            }
            // Inside single quotes, `''` is an escaped quote.
            '\'' if quote == '\'' && chars.next_if(|(_, next)| *next == '\'').is_some() => {}
            _ if char == quote => return Some(index),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::indent;

    #[test]
    fn continuation_lines_are_indented_up_to_the_quote() {
        assert_eq!(indent("a: \"b\nc\n    d\" # e", 3, 3).as_deref(), Some("a: \"b\n   c\n    d\" # e"));
        assert_eq!(indent("é: 'b''\nc'\nd: e", 3, 3).as_deref(), Some("é: 'b''\n   c'\nd: e"));
        assert_eq!(indent("a: \"\\\"\n\\\\\"\nb: c", 3, 3).as_deref(), Some("a: \"\\\"\n   \\\\\"\nb: c"));
    }

    #[test]
    fn other_text_is_left_unchanged() {
        for text in ["a: b", "a: \"b\n   c\"", "a: \"b\nc", "a: 'b''\nc", "a: \"b\n---\nc\"", "a:"] {
            assert_eq!(indent(text, 3, 3), None, "{text:?}");
        }
    }
}
