//! From the JSON that the daemon keeps to the types of this crate.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

/// Reads what [`Reader`](crate::reader::Reader) made: it has all fields, and their types are those that the tables say.
pub(crate) fn typed<T: DeserializeOwned + Default>(json: &Json) -> T {
    let read = T::deserialize(json);
    debug_assert!(read.is_ok(), "the tables and the types disagree: {:?}", read.err());
    read.unwrap_or_default()
}

/// A list that Go may have left nil.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Something of which nothing but `enabled` is kept; absent is false.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Switch {
    enabled: bool,
}

pub(crate) fn enabled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Switch::deserialize(deserializer).map(|switch| switch.enabled)
}
