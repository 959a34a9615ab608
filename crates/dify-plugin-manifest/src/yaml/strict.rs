//! What the parser accepts and yaml.v3 refuses, and the line breaks of yaml.v3.

use std::borrow::Cow;
use std::cell::OnceCell;

use saphyr_parser::{Marker, Span};

use crate::error::ManifestError;
use crate::finding::Location;

/// Returns whether a character ends a line in YAML 1.1, and so for yaml.v3, but not in YAML 1.2.
pub(super) fn is_line_separator(char: char) -> bool {
    matches!(char, '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Returns the text with a line feed in place of each such character.
pub(super) fn with_line_feeds(text: &str) -> Cow<'_, str> {
    if text.contains(is_line_separator) {
        Cow::Owned(text.replace(is_line_separator, "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Refuses what yaml.v3 refuses, while the parser's events are read.
pub(super) struct Strict<'f> {
    file: &'f str,
    text: &'f str,
    /// The text as characters, by which the parser counts; filled when the first collection opens.
    chars: OnceCell<Vec<char>>,
    has_tab: bool,
    /// For each open collection, its column from 0 if it is written as a block, and `None` if in brackets.
    columns: Vec<Option<usize>>,
}

impl<'f> Strict<'f> {
    pub(super) fn new(file: &'f str, text: &'f str) -> Self {
        Self { file, text, chars: OnceCell::new(), has_tab: text.contains('\t'), columns: Vec::new() }
    }

    pub(super) fn open(&mut self, at: &Marker) {
        let block = !matches!(self.char(at), Some('{' | '['));
        self.columns.push(block.then_some(at.col()));
    }

    pub(super) fn close(&mut self) {
        self.columns.pop();
    }

    /// Checks the beginning of a value: outside brackets, no tab may be between it and the start of its line, or a `-` or `?`.
    pub(super) fn value(&self, at: &Marker) -> Result<(), ManifestError> {
        if !self.has_tab || self.columns.last().is_some_and(Option::is_none) {
            return Ok(());
        }
        let chars = self.chars();
        let before = &chars[..at.index().min(chars.len())];
        let blanks = before.iter().rev().take_while(|char| matches!(char, ' ' | '\t')).count();
        let (before, blanks) = before.split_at(before.len() - blanks);
        if blanks.contains(&'\t') && matches!(before.last(), None | Some('\n' | '\r' | '-' | '?')) {
            return Err(self.error(at.line(), at.col(), "found a tab where only spaces may be"));
        }
        Ok(())
    }

    /// Checks a plain scalar; `no_key` is set for an empty one in place of a key.
    pub(super) fn plain_scalar(&self, span: &Span, no_key: bool) -> Result<(), ManifestError> {
        if no_key && self.columns.last().is_some_and(Option::is_some) && self.char(&span.start) == Some(':') {
            return Err(self.error(span.start.line(), span.start.col(), "a key is missing before the `:`"));
        }
        if self.has_tab { self.no_tab_after(span) } else { Ok(()) }
    }

    /// Checks that no line after a plain scalar has a tab in its indentation, even a line that is otherwise blank.
    fn no_tab_after(&self, span: &Span) -> Result<(), ManifestError> {
        let chars = self.chars();
        let is_blank = |char: char| matches!(char, ' ' | '\t' | '\n' | '\r');
        let indent = self.columns.iter().rev().find_map(|column| *column).map_or(0, |column| column + 1);
        let mut end = span.end.index().min(chars.len());
        while end > span.start.index() && is_blank(chars[end - 1]) {
            end -= 1;
        }
        let (mut lines, mut column, mut at_start) = (0, 0, false);
        for char in chars[end..].iter().copied().take_while(|char| is_blank(*char)) {
            match char {
                '\n' => (lines, column, at_start) = (lines + 1, 0, true),
                '\r' => {}
                '\t' if at_start && column < indent => {
                    let line = self.line_of(end) + lines;
                    return Err(self.error(line, column, "found a tab character that violates indentation"));
                }
                _ => column += 1,
            }
        }
        Ok(())
    }

    fn char(&self, at: &Marker) -> Option<char> {
        self.chars().get(at.index()).copied()
    }

    fn chars(&self) -> &[char] {
        self.chars.get_or_init(|| self.text.chars().collect())
    }

    fn line_of(&self, index: usize) -> usize {
        self.chars()[..index].iter().filter(|char| **char == '\n').count() + 1
    }

    fn error(&self, line: usize, column: usize, problem: &str) -> ManifestError {
        syntax(Location::new(self.file, line, column + 1), problem)
    }
}

/// Returns the error for a file that is not YAML.
pub(super) fn syntax(at: Location, problem: &str) -> ManifestError {
    let help = "correct the YAML here or in the lines before";
    ManifestError::new(at, "not-yaml", format!("not valid YAML: {problem}"), help)
}
