//! What the parser takes and yaml.v3 doesn't, and what yaml.v3 takes for a line break.

use std::borrow::Cow;
use std::cell::OnceCell;

use saphyr_parser::{Marker, Span};

use crate::error::ManifestError;
use crate::finding::Location;

/// Characters that end a line in YAML 1.1, and so for yaml.v3, and not in YAML 1.2.
pub(super) fn is_line_separator(char: char) -> bool {
    matches!(char, '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The text with a line feed for each such character.
pub(super) fn with_line_feeds(text: &str) -> Cow<'_, str> {
    if text.contains(is_line_separator) {
        Cow::Owned(text.replace(is_line_separator, "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Refuses what yaml.v3 refuses, as the parser's events pass by.
pub(super) struct Strict<'f> {
    file: &'f str,
    text: &'f str,
    /// The text by characters, which is how the parser counts; made when the first collection opens.
    chars: OnceCell<Vec<char>>,
    has_tab: bool,
    /// Of the open collections the column of each written as a block, from 0, and `None` of the others.
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

    /// Looks at the beginning of any value. No tab may stand between it and the start of its line, or a `-` or `?`, unless
    /// it is inside brackets.
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

    /// Looks at a plain scalar; `no_key` for nothing at all where a key should be.
    pub(super) fn plain_scalar(&self, span: &Span, no_key: bool) -> Result<(), ManifestError> {
        if no_key && self.columns.last().is_some_and(Option::is_some) && self.char(&span.start) == Some(':') {
            return Err(self.error(span.start.line(), span.start.col(), "a key is missing before the `:`"));
        }
        if self.has_tab { self.no_tab_after(span) } else { Ok(()) }
    }

    /// A tab at the start of a line after a plain scalar must not stand where the indentation should be, be there nothing
    /// else in the line.
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

/// The error for a file that is not YAML.
pub(super) fn syntax(at: Location, problem: &str) -> ManifestError {
    let help = "correct the YAML here or in the lines before";
    ManifestError::new(at, "not-yaml", format!("not valid YAML: {problem}"), help)
}
