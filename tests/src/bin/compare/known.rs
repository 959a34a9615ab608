//! The intended differences.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::difference::Difference;

/// The entries of the list that apply to the SDK in use.
pub(crate) struct Known {
    entries: Vec<Entry>,
    /// The listed differences that occurred: an entry, one of its places, and the case.
    met: BTreeSet<(usize, usize, String)>,
}

/// Differences with the same reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The reason.
    reason: String,
    /// The SDK's version, if only that one differs in this way.
    #[serde(default)]
    sdk: Option<String>,
    /// The cases, all of which must differ.
    cases: Vec<String>,
    /// The places, at all of which they must differ.
    differences: Vec<Place>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// A JSON pointer into the transcript.
    at: String,
    /// Our value: omitted if absent, `"*"` for any value.
    #[serde(default)]
    ours: Option<Value>,
    /// The SDK's value, in the same form.
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

    /// Returns whether the difference is listed, and records that it occurred.
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

    /// Returns the listed differences that did not occur.
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
