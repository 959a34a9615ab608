//! What is wrong, or will go wrong, with a plugin's declarations.

use std::fmt;

use crate::error::Location;

/// One thing that is wrong with a plugin's declarations.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What comes of it.
    pub severity: Severity,
    /// What kind of mistake it is, in a word or two that stay the same from release to release, as in `unknown-key`.
    pub code: &'static str,
    /// Where it is; for what is missing, where it should be.
    pub at: Location,
    /// The way to the value from the top of its file, as in `parameters[0].label`; empty at the top.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Finding {
    /// A finding of one's own, beside those of [`check`](crate::check()).
    pub fn new(severity: Severity, code: &'static str, at: Location, message: String, help: String) -> Self {
        Self { severity, code, at, field: String::new(), message, help }
    }
}

/// What comes of a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// The daemon or Dify refuses the package, the daemon can't start it, or what it declares can't work at all.
    Refused,
    /// The daemon takes the package, and something is lost, is read otherwise than it is written, or fails later: in
    /// Dify's interface, in remote debugging, or when it is listed.
    Misread,
}

impl Severity {
    /// The severity in a word: `refused` or `misread`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Misread => "misread",
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
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{}; {}", self.message, self.help)
    }
}
