//! JSON objects, and nothing that serde would take for one.

use serde::Deserialize;
use serde::de::Error;

/// Parses a JSON object. serde also reads a struct from an array of its fields, which no peer of ours means.
pub(crate) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    if text.trim_start().starts_with('[') {
        return Err(Error::custom("found array, expected an object"));
    }
    serde_json::from_str(text)
}
