//! The differences that are meant.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::difference::Difference;

/// The list, as far as it is about the SDK in use.
pub(crate) struct Known {
    entries: Vec<Entry>,
    /// What was met: an entry, a place of it, and the case.
    met: BTreeSet<(usize, usize, String)>,
}

/// Differences that have one reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Why.
    reason: String,
    /// The SDK's version, if only one of them differs so.
    #[serde(default)]
    sdk: Option<String>,
    /// The cases that differ, each of them.
    cases: Vec<String>,
    /// Where they differ, in each of these places.
    differences: Vec<Place>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// A JSON pointer into the transcript.
    at: String,
    /// What we say; left out for nothing, `"*"` for anything.
    #[serde(default)]
    ours: Option<Value>,
    /// What the SDK says, likewise.
    #[serde(default)]
    theirs: Option<Value>,
}

impl Known {
    pub(crate) fn read(path: &Path, version: &str) -> Result<Self, Error> {
        let named = |error: Error| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| named(error.into()))?;
        let mut entries: Vec<Entry> = serde_json::from_str(&text).map_err(|error| named(error.into()))?;
        if entries.iter().any(|entry| entry.reason.trim().is_empty()) {
            return Err(named("an entry has no reason".into()).into());
        }
        entries.retain(|entry| entry.sdk.as_deref().is_none_or(|sdk| sdk == version));
        Ok(Self { entries, met: BTreeSet::new() })
    }

    /// Whether the difference is listed, which the list remembers.
    pub(crate) fn covers(&mut self, case: &str, difference: &Difference) -> bool {
        for (n, entry) in self.entries.iter().enumerate() {
            if !entry.cases.iter().any(|listed| listed == case) {
                continue;
            }
            if let Some(place) = entry.differences.iter().position(|place| place.is(difference)) {
                self.met.insert((n, place, case.to_owned()));
                return true;
            }
        }
        false
    }

    /// What is listed and was not met.
    pub(crate) fn stale(&self) -> Vec<String> {
        let mut stale = Vec::new();
        for (n, entry) in self.entries.iter().enumerate() {
            for case in &entry.cases {
                for (m, place) in entry.differences.iter().enumerate() {
                    if !self.met.contains(&(n, m, case.clone())) {
                        stale.push(format!("{case}, {}: {}", place.at, entry.reason));
                    }
                }
            }
        }
        stale
    }
}

impl Place {
    fn is(&self, difference: &Difference) -> bool {
        let as_listed = |listed: &Option<Value>, found: &Option<Value>| match listed {
            Some(Value::String(any)) if any == "*" => found.is_some(),
            listed => listed == found,
        };
        self.at == difference.at
            && as_listed(&self.ours, &difference.ours)
            && as_listed(&self.theirs, &difference.theirs)
    }
}
