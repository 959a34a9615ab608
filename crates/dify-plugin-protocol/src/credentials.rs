//! Values that must not be seen: credentials of providers and settings of endpoints.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::redact::Redacted;

/// Decrypted credentials, or the settings of an endpoint, by name. `Debug` prints the names alone.
///
/// A caller that gave none sends null, which reads as empty.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Credentials(Option<Map<String, Value>>);

/// The settings of an endpoint, as its user filled them in.
pub type Settings = Credentials;

impl Credentials {
    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.as_ref()?.get(name)
    }

    /// The value of this name, if it is a string.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(Map::keys).map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(Map::is_empty)
    }

    /// Reads them into a type of the plugin's own.
    ///
    /// # Errors
    ///
    /// If a field is missing or of another type. The error's text may quote values: keep it from logs, or pass it
    /// through [`describe_json`](crate::error::describe_json).
    pub fn to<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        match &self.0 {
            Some(map) => T::deserialize(map),
            None => T::deserialize(&Map::new()),
        }
    }

    /// The values themselves.
    pub fn into_map(self) -> Map<String, Value> {
        self.0.unwrap_or_default()
    }
}

impl From<Map<String, Value>> for Credentials {
    fn from(map: Map<String, Value>) -> Self {
        Self(Some(map))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credentials").field(&Redacted(self.0.as_ref().unwrap_or(&Map::new()))).finish()
    }
}

crate::redact::redact_as_debug!(Credentials);
