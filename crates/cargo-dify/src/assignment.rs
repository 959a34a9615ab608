//! `name=value` and `name:=json` on the command line.

use std::str::FromStr;

use dify_plugin_protocol::error::describe_json;
use serde_json::Value;

/// One value given on the command line. It may be a secret, so it is left out of `Debug`.
#[derive(Clone, PartialEq)]
pub(crate) struct Assignment {
    /// What it is called.
    pub(crate) name: String,
    /// What was given for it.
    pub(crate) value: Given,
}

/// A value as it was given.
#[derive(Clone, PartialEq)]
pub(crate) enum Given {
    /// After `=`: to be read as the declaration says.
    Text(String),
    /// After `:=`: as it is.
    Json(Value),
}

/// Why an argument is no assignment. The argument isn't repeated: it may hold a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAnAssignment {
    #[error("expected `name=value`, or `name:=json` for any JSON value")]
    NoName,
    #[error("what follows `{name}:=` is not JSON ({problem}); for text write `{name}=…`")]
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_equals_sign_ends_the_name() {
        for (text, name, value) in [
            ("a=b", "a", Given::Text("b".to_owned())),
            ("a=", "a", Given::Text(String::new())),
            ("url=http://x/?a:=b", "url", Given::Text("http://x/?a:=b".to_owned())),
            ("a:=[1,\"=\"]", "a", Given::Json(json!([1, "="]))),
            ("a:=null", "a", Given::Json(Value::Null)),
        ] {
            let read: Assignment = text.parse().unwrap();
            assert!(read == Assignment { name: name.to_owned(), value }, "{text}");
        }
    }

    #[test]
    fn a_secret_is_repeated_neither_in_an_error_nor_in_debug() {
        for text in ["hunter2", "=hunter2", ":=1"] {
            assert_eq!(text.parse::<Assignment>().unwrap_err(), NotAnAssignment::NoName);
        }
        let error = "key:=hunter2".parse::<Assignment>().unwrap_err().to_string();
        assert!(error.starts_with("what follows `key:=` is not JSON (expected value"), "{error}");
        assert!(!error.contains("hunter2"));
        let debug = format!("{:?}", "key=hunter2".parse::<Assignment>().unwrap());
        assert!(debug.contains("key") && !debug.contains("hunter2"), "{debug}");
    }
}
