//! Secrets: credentials of providers and settings of endpoints.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::redact::Redacted;

/// Decrypted credentials, or the settings of an endpoint, by name. `Debug` shows only the names.
///
/// Null is read as empty.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Credentials(Option<Map<String, Value>>);

/// The settings of an endpoint, as entered by its user.
pub type Settings = Credentials;

impl Credentials {
    /// Returns the value of `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.as_ref()?.get(name)
    }

    /// Returns the value of `name`, if it is a string.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// Returns whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(Map::is_empty)
    }

    /// Deserializes the values into a type of the plugin.
    ///
    /// # Errors
    ///
    /// If a field is missing or has the wrong type. The message may quote values; use
    /// [`describe_json`](crate::error::describe_json) before logging it.
    pub fn to<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        match &self.0 {
            Some(map) => T::deserialize(map),
            None => T::deserialize(&Map::new()),
        }
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
