//! Why a type could not be made of what it was given.

use std::fmt;

use serde::de;

/// The error of the deserializers here. What is missing or twice there is all that can be learnt from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    /// A field of this name is required and was not given.
    Missing(&'static str),
    /// The field of this name was given twice, perhaps under another of its names.
    Duplicate(&'static str),
    /// Anything else.
    Other,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "missing field `{name}`"),
            Self::Duplicate(name) => write!(f, "duplicate field `{name}`"),
            Self::Other => f.write_str("no value of the type"),
        }
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Other
    }

    fn missing_field(name: &'static str) -> Self {
        Self::Missing(name)
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::Duplicate(name)
    }
}
