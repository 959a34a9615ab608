//! What can be wrong with a plugin's declarations, and where.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::finding::{Finding, Severity};

/// A place in a file of the plugin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Location {
    /// The file's path from the plugin's root, `/` separated, as the declaration that names it spells it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Location {
    /// The place in `file`, a path from the plugin's root; line and column count from 1.
    pub fn new(file: &str, line: usize, column: usize) -> Self {
        Self { file: file.to_owned(), line, column }
    }

    /// The place that follows `text`, the beginning of `file`.
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

/// Why a plugin's declarations can't be read. The daemon refuses the same, except for what the crate's front
/// page lists and for the limits ([`TooLarge`](ManifestError::TooLarge), [`TooDeep`](ManifestError::TooDeep), [`TooMany`](ManifestError::TooMany)),
/// which are narrower here.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The folder has no manifest.
    #[error("{file} cannot be opened; name the folder that holds the plugin's manifest.yaml")]
    NoManifest {
        /// The path that was tried.
        file: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// A file that a declaration names can't be opened or read.
    #[error("{named_at}: the file `{file}` cannot be read; create it, or correct the path")]
    Unreadable {
        /// The file's path from the plugin's root.
        file: String,
        /// Where it is named.
        named_at: Location,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// A declared path isn't one that a package can contain.
    #[error(
        "{named_at}: `{path}` is not a path inside the package; write it from the plugin's root, \
         with `/` and without `.` or `..`, as in `provider/example.yaml`"
    )]
    OutsidePackage {
        /// The path as written.
        path: String,
        /// Where it is written.
        named_at: Location,
    },
    /// A file is larger than [`MAX_FILE_BYTES`](crate::MAX_FILE_BYTES).
    #[error("{file} is larger than {limit} bytes; a declaration never needs that much, so check the path")]
    TooLarge {
        /// The file's path from the plugin's root.
        file: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A file isn't UTF-8.
    #[error("{at}: not UTF-8 text; save the file as UTF-8")]
    NotUtf8 {
        /// The first byte that doesn't belong.
        at: Location,
    },
    /// A file isn't YAML.
    #[error("{at}: not valid YAML: {problem}")]
    Syntax {
        /// Where reading stopped.
        at: Location,
        /// The parser's words.
        problem: String,
    },
    /// Values are nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    #[error("{at}: values are nested more than {limit} levels deep; flatten them")]
    TooDeep {
        /// The value one level too deep.
        at: Location,
        /// The limit, in levels.
        limit: usize,
    },
    /// A plugin declares more than [`MAX_OBJECTS`](crate::MAX_OBJECTS) things.
    #[error("{at}: more than {limit} mappings are declared; make several plugins of it")]
    TooMany {
        /// The one too many.
        at: Location,
        /// The limit.
        limit: usize,
    },
    /// A value is not what its field takes.
    #[error("{at}: {}{problem}", .field_prefix(field))]
    Field {
        /// The value, or for a repeated key its second place.
        at: Location,
        /// The way to the value from the top of its file, as in `parameters[0].label`; empty at the top.
        field: String,
        /// What is wrong and what to write.
        problem: Problem,
    },
}

impl ManifestError {
    /// The same as one of several findings.
    pub(crate) fn to_finding(&self) -> Finding {
        let (code, at, field) = match self {
            Self::NoManifest { .. } => ("no-manifest", Location::new("manifest.yaml", 1, 1), ""),
            Self::Unreadable { named_at, .. } => ("no-such-file", named_at.clone(), ""),
            Self::OutsidePackage { named_at, .. } => ("outside-package", named_at.clone(), ""),
            Self::TooLarge { file, .. } => ("too-large", Location::new(file, 1, 1), ""),
            Self::NotUtf8 { at } => ("not-utf-8", at.clone(), ""),
            Self::Syntax { at, .. } => ("not-yaml", at.clone(), ""),
            Self::TooDeep { at, .. } => ("too-deep", at.clone(), ""),
            Self::TooMany { at, .. } => ("too-many", at.clone(), ""),
            Self::Field { at, field, problem } => (problem.code(), at.clone(), &**field),
        };
        let (message, help) = match self {
            Self::NoManifest { .. } => (
                "there is no manifest.yaml".to_owned(),
                "name the folder that holds the plugin's manifest.yaml".to_owned(),
            ),
            Self::Syntax { problem, .. } => {
                let help = "correct the YAML here or in the lines before; an editor that knows YAML shows it";
                (format!("not valid YAML: {problem}"), help.to_owned())
            }
            Self::Field { problem: Problem::WrongType { expected, found }, .. } => {
                (format!("{found} is not taken here"), format!("write {expected}"))
            }
            Self::Field { problem: Problem::Merge, .. } => {
                (Problem::Merge.to_string(), "write `<<: *name`, or a list of such names".to_owned())
            }
            _ => {
                let text = match self {
                    Self::Field { problem, .. } => problem.to_string(),
                    other => {
                        let text = other.to_string();
                        let place = format!("{at}: ");
                        text.strip_prefix(&place).map_or(text.clone(), str::to_owned)
                    }
                };
                let (message, help) = text.split_once("; ").unwrap_or((&text, ""));
                (message.to_owned(), help.to_owned())
            }
        };
        Finding { severity: Severity::Refused, code, at, field: field.to_owned(), message, help }
    }
}

fn field_prefix(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!("{field}: ") }
}

/// What is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The value is of another type than the field.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the field takes and how it is written.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A mapping has a key twice.
    #[error("mapping key {key:?} already defined at line {first_line}; remove one of the two")]
    DuplicateKey {
        /// The key.
        key: String,
        /// The line of the first.
        first_line: usize,
    },
    /// An explicit tag (`!!int` and the like) that the value can't be read as. That is every `!!binary` one.
    #[error("this value cannot be read as {tag}; remove the tag")]
    Tag {
        /// The tag in short form.
        tag: &'static str,
    },
    /// A point in time is not written as one.
    #[error("not a time; write it as in 2026-01-31T08:30:00Z")]
    Time,
    /// An alias stands inside the value it refers to.
    #[error("the anchor's value contains itself; write the value out")]
    RecursiveAlias,
    /// Nearly all of what would be read comes from aliases, as in a document made to exhaust memory.
    #[error("document contains excessive aliasing; write the values out")]
    ExcessiveAliasing,
    /// A merge key (`<<`) has something else than mappings.
    #[error("map merge requires map or sequence of maps as the value")]
    Merge,
    /// A parameter rule uses a template that there isn't.
    #[error("use_template {name} not found; use one of {known}, or write the rule out")]
    NoSuchTemplate {
        /// The name.
        name: String,
        /// The templates that there are.
        known: String,
    },
    /// A pattern of model files can't be read as one.
    #[error("syntax error in pattern; close every `[`, and write `\\\\` for a backslash")]
    BadPattern,
    /// A value that the daemon couldn't keep as JSON.
    #[error("the declaration is kept as JSON, which has no {what}; {cure}")]
    NotJson {
        /// What JSON lacks.
        what: &'static str,
        /// What to write.
        cure: &'static str,
    },
}

impl Problem {
    fn code(&self) -> &'static str {
        match self {
            Self::WrongType { .. } => "wrong-type",
            Self::DuplicateKey { .. } => "duplicate-key",
            Self::Tag { .. } => "wrong-tag",
            Self::Time => "not-a-time",
            Self::RecursiveAlias | Self::ExcessiveAliasing => "aliases",
            Self::Merge => "wrong-merge",
            Self::NoSuchTemplate { .. } => "no-such-template",
            Self::BadPattern => "bad-pattern",
            Self::NotJson { .. } => "not-json",
        }
    }
}
