//! `name=value` and `name:=json` on the command line.

use std::str::FromStr;

use dify_plugin_protocol::error::describe_json;
use serde_json::Value;

/// A named value given on the command line. `Debug` redacts the value, since it may be a secret.
#[derive(Clone, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) value: Given,
}

/// A value as given.
#[derive(Clone, PartialEq)]
pub(crate) enum Given {
    /// After `=`: a text that is read as the declared type.
    Text(String),
    /// After `:=`: JSON of any type.
    Json(Value),
}

/// Why an argument is not an assignment. The argument is not repeated, since it may be a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAnAssignment {
    #[error("expected `name=value`, or `name:=json` for any JSON value")]
    NoName,
    #[error("the value after `{name}:=` is not JSON ({problem}); write `{name}=…` for text")]
    NotJson { name: String, problem: String },
}

impl FromStr for Assignment {
    type Err = NotAnAssignment;

    fn from_str(text: &str) -> Result<Self, NotAnAssignment> {
        let (name, value) = text.split_once('=').ok_or(NotAnAssignment::NoName)?;
        let (name, value) = match name.strip_suffix(':') {
            None => (name, Given::Text(value.to_owned())),
            Some(name) => match serde_json::from_str(value) {
                Ok(json) => (name, Given::Json(json)),
                Err(error) => {
                    let problem = describe_json(&error);
                    return Err(NotAnAssignment::NotJson { name: name.to_owned(), problem });
                }
            },
        };
        if name.is_empty() {
            return Err(NotAnAssignment::NoName);
        }
        Ok(Self { name: name.to_owned(), value })
    }
}

impl std::fmt::Debug for Assignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Assignment").field("name", &self.name).finish_non_exhaustive()
    }
}
