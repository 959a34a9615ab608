//! Conversion from the JSON that the daemon stores to the types of this crate.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

/// Converts JSON made by the reader, which has all fields, with the types in the tables.
pub(crate) fn typed<T: DeserializeOwned + Default>(json: &Json) -> T {
    let read = T::deserialize(json);
    debug_assert!(read.is_ok(), "the tables and the types disagree: {:?}", read.err());
    read.unwrap_or_default()
}

/// Reads a list that may be null, as Go writes a nil slice.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads only the field `enabled`; absent means false.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Switch {
    enabled: bool,
}

pub(crate) fn enabled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Switch::deserialize(deserializer).map(|switch| switch.enabled)
}
