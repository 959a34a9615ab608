//! Why a plugin's declarations cannot be read.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::finding::{Finding, Location, Severity};

/// A problem that keeps a plugin's declarations from being read.
///
/// The daemon refuses the same plugins, except for the differences listed on the crate's front page and for the limits
/// [`MAX_FILE_BYTES`](crate::MAX_FILE_BYTES), [`MAX_DEPTH`](crate::MAX_DEPTH) and [`MAX_OBJECTS`](crate::MAX_OBJECTS), which
/// are lower here.
#[derive(Debug, Clone)]
pub struct ManifestError {
    // Boxed to keep results small: every function that reads YAML returns this error.
    finding: Box<Finding>,
    source: Option<Arc<io::Error>>,
}

impl ManifestError {
    /// The code of the [finding](Self::finding) for a folder without a `manifest.yaml`.
    pub const NO_MANIFEST: &str = "no-manifest";

    pub(crate) fn new(
        at: Location,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let finding = Finding::new(Severity::Error, code, at, message.into(), help.into());
        Self { finding: Box::new(finding), source: None }
    }

    /// Sets the path to the value from the top of its file.
    pub(crate) fn in_field(mut self, field: String) -> Self {
        self.finding.field = field;
        self
    }

    /// Sets the underlying I/O error.
    pub(crate) fn caused_by(mut self, source: io::Error) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Returns the problem: its location, its code, what is wrong and how to fix it.
    pub fn finding(&self) -> &Finding {
        &self.finding
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.finding.at)?;
        self.finding.write_text(f)
    }
}

impl Error for ManifestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
