//! Problems in a plugin's declarations, and where they are.

use std::fmt;

/// A position in one of the plugin's files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Location {
    /// The file's path from the plugin's root, `/` separated, as spelled by the declaration that names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Location {
    /// Creates a location in `file`, a path from the plugin's root; line and column count from 1.
    pub fn new(file: &str, line: usize, column: usize) -> Self {
        Self { file: file.to_owned(), line, column }
    }

    /// Returns the position just after `text`, the beginning of `file`.
    pub(crate) fn after(file: &str, text: &str) -> Self {
        let last_line = text.rsplit('\n').next().unwrap_or_default();
        Self::new(file, text.matches('\n').count() + 1, last_line.chars().count() + 1)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A problem in a plugin's declarations.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What the problem leads to.
    pub severity: Severity,
    /// The kind of problem as a short identifier that is stable across releases, as in `unknown-key`.
    pub code: &'static str,
    /// Where the problem is, or where the missing value belongs.
    pub at: Location,
    /// The path to the value from the top of its file, as in `parameters[0].label`; empty at the top.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub help: String,
}

impl Finding {
    /// Creates a finding to report along with those of [`check`](crate::check()).
    pub fn new(severity: Severity, code: &'static str, at: Location, message: String, help: String) -> Self {
        Self { severity, code, at, field: String::new(), message, help }
    }

    /// Writes the text without severity and code.
    pub(crate) fn write_text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{}; {}", self.message, self.help)
    }
}

/// What a problem leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// The daemon or Dify rejects the package, the daemon cannot start it, or the declared feature can never work.
    Error,
    /// The daemon accepts the package, but something is dropped, is read differently than written, or fails later: in
    /// Dify's interface, in remote debugging, or when the plugin is listed on the marketplace.
    Warning,
}

impl Severity {
    /// Returns the severity as a word: `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]: ", self.at, self.severity, self.code)?;
        self.write_text(f)
    }
}
