//! The problems found so far, and what the later checks need to know about the plugin as a whole.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::error::ManifestError;
use crate::finding::{Finding, Location, Severity};
use crate::yaml::{EXCESSIVE, Mapping, Value};

/// How many problems are reported for one plugin. A larger number is one mistake made very often.
pub(crate) const MAX_FINDINGS: usize = 1000;

/// The fields of a mapping, as the daemon keeps them.
pub(crate) type Fields = Map<String, Json>;

/// Where a value is, or belongs.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) at: Location,
    pub(crate) field: String,
}

impl Place {
    pub(crate) fn of(value: &Value<'_>) -> Self {
        Self { at: value.location(), field: value.path().to_string() }
    }

    /// The beginning of a file.
    pub(crate) fn top(file: &str) -> Self {
        Self { at: Location::new(file, 1, 1), field: String::new() }
    }

    /// The field `key` of the mapping at this place.
    pub(crate) fn field(&self, key: &str) -> Self {
        let field = if self.field.is_empty() { key.to_owned() } else { format!("{}.{key}", self.field) };
        Self { at: self.at.clone(), field }
    }
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    /// The findings that keep the daemon from reading, in the order in which it meets them.
    pub(crate) errors: Vec<ManifestError>,
    pub(crate) notes: Notes,
    /// Greater than 0 inside a value that is missing as a whole: its fields aren't reported one by one.
    pub(crate) missing: usize,
    /// Set when a document is made to exhaust memory: no more of it is read.
    pub(crate) stopped: bool,
}

impl Report {
    /// Records what the daemon cannot read, and goes on without it.
    pub(crate) fn caught<T>(&mut self, result: Result<T, ManifestError>) -> Option<T> {
        result.map_err(|error| self.unreadable(error)).ok()
    }

    pub(crate) fn unreadable(&mut self, error: ManifestError) {
        self.stopped |= error.finding().code == EXCESSIVE;
        // An error may be the only reason for a refusal, so one is kept whatever the limit.
        if self.findings.len() >= MAX_FINDINGS && !self.errors.is_empty() {
            return;
        }
        // The same value may be read twice.
        if !self.findings.contains(error.finding()) {
            self.findings.push(error.finding().clone());
            self.errors.push(error);
        }
    }

    /// Reports something that the daemon accepts and that goes wrong later.
    pub(crate) fn warn(
        &mut self,
        place: &Place,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if !self.is_silent() {
            self.push(Severity::Warning, place, code, message.into(), help.into());
        }
    }

    /// Reports something for which the plugin is refused once it has been read. The limit on findings doesn't apply.
    pub(crate) fn error(
        &mut self,
        place: &Place,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.missing == 0 {
            self.push(Severity::Error, place, code, message.into(), help.into());
        }
    }

    fn push(&mut self, severity: Severity, place: &Place, code: &'static str, message: String, help: String) {
        let finding = Finding::new(severity, code, place.at.clone(), message, help);
        self.findings.push(Finding { field: place.field.clone(), ..finding });
    }

    /// Reports a value that the daemon silently drops.
    pub(crate) fn dropped(&mut self, value: &Value<'_>, message: &str, help: &str) {
        self.warn(&Place::of(value), "dropped", message, help);
    }

    /// Whether warnings are no longer reported: there are too many findings, or the value belongs to one that is missing.
    pub(crate) fn is_silent(&self) -> bool {
        self.missing > 0 || self.findings.len() >= MAX_FINDINGS
    }
}

/// What can only be judged once everything has been read, each with its place.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The kind whose provider is being read; empty while the manifest is.
    pub(crate) kind: &'static str,
    /// The icons that are named, by kind.
    pub(crate) icons: Vec<(&'static str, Place, String)>,
    /// The names of tools and other members, by kind.
    pub(crate) names: HashMap<(&'static str, String), Location>,
    /// The parameters of tools and other members, by kind and both names.
    pub(crate) parameters: Vec<(&'static str, String, String, Location)>,
    /// The endpoints, by method and path.
    pub(crate) routes: HashMap<String, Location>,
    /// Whether the manifest is a mapping.
    pub(crate) manifest_is_read: bool,
    /// Where keys of the manifest are.
    pub(crate) manifest_keys: HashMap<&'static str, Location>,
}

impl Notes {
    /// Starts a provider in a file of its own. It replaces an earlier one of the same kind.
    pub(crate) fn start_provider(&mut self, kind: &'static str) {
        self.kind = kind;
        self.icons.retain(|(known, ..)| *known != kind);
        self.names.retain(|(known, _), _| *known != kind);
        self.parameters.retain(|(known, ..)| *known != kind);
        if kind == "endpoint" {
            self.routes.clear();
        }
    }

    /// Returns the place of a key of the manifest, or the manifest's beginning.
    pub(crate) fn in_manifest(&self, key: &str) -> Place {
        let at = self.manifest_keys.get(key).cloned();
        Place { at: at.unwrap_or_else(|| Location::new("manifest.yaml", 1, 1)), field: key.to_owned() }
    }
}

/// A mapping whose fields have been read, for checks that look at several of them.
pub(crate) struct Subject<'r, 'd> {
    pub(crate) report: &'r mut Report,
    pub(crate) place: &'r Place,
    /// `None` where the file has no such mapping.
    pub(crate) mapping: Option<&'r Mapping<'d>>,
}

impl<'d> Subject<'_, 'd> {
    /// Returns the place of a field, or of the mapping if the field is absent.
    pub(crate) fn at(&self, key: &str) -> Place {
        let place = self.place.field(key);
        match self.mapping.and_then(|mapping| mapping.location_of(key)) {
            Some(at) => Place { at, ..place },
            None => place,
        }
    }

    pub(crate) fn get(&mut self, key: &str) -> Option<Value<'d>> {
        let mapping = self.mapping?;
        self.report.caught(mapping.get(key)).flatten()
    }

    pub(crate) fn warn(
        &mut self,
        key: &str,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report.warn(&self.at(key), code, message, help);
    }

    /// Notes an icon. The daemon refuses a package that lacks the file.
    pub(crate) fn icon(&mut self, key: &str, fields: &Fields) {
        let icon = text(fields, key);
        if !icon.is_empty() {
            let note = (self.report.notes.kind, self.at(key), icon.to_owned());
            self.report.notes.icons.push(note);
        }
    }
}

pub(crate) fn text<'a>(fields: &'a Fields, key: &str) -> &'a str {
    fields.get(key).and_then(Json::as_str).unwrap_or_default()
}

pub(crate) fn list<'a>(fields: &'a Fields, key: &str) -> &'a [Json] {
    fields.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// Puts an empty list in place of null, where the daemon's own decoder replaces Go's nil.
pub(crate) fn fill_list(fields: &mut Fields, key: &str) {
    if let Some(list) = fields.get_mut(key)
        && list.is_null()
    {
        *list = Json::Array(Vec::new());
    }
}
