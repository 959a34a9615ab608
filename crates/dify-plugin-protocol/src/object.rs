//! Parsing JSON objects.

use serde::Deserialize;
use serde::de::Error;

/// Parses a JSON object. Unlike serde, does not read a struct from an array of its fields.
pub(crate) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    if text.trim_start().starts_with('[') {
        return Err(Error::custom("found array, expected an object"));
    }
    serde_json::from_str(text)
}
