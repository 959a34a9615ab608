//! Reads YAML by the tables of [`shape`](crate::shape): out comes what the daemon would keep, as JSON, and all that is
//! wrong with it at once.

mod files;
mod rules;

pub(crate) use rules::instead;

use serde_json::{Map, Value as Json, json};

use crate::check::Notes;
use crate::error::{Location, ManifestError, Problem};
use crate::finding::{Finding, Severity};
use crate::package::DeclaredFile;
use crate::shape::{Field, Kind, Object};
use crate::yaml::{Decimal, Decode, Mapping, Source, TextKeys, Time, Value};

/// Where something is, or should be.
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

    /// A field of what is here, as far as is known: `here`.
    pub(crate) fn field(&self, key: &str) -> Self {
        let field = if self.field.is_empty() { key.to_owned() } else { format!("{}.{key}", self.field) };
        Self { at: self.at.clone(), field }
    }
}

/// Reads declarations, and keeps what is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) findings: Vec<Finding>,
    /// Of the findings those that keep the daemon from reading, in the order in which it would meet them.
    pub(crate) errors: Vec<ManifestError>,
    /// The files of providers that the manifest names, with the field that does.
    pub(crate) providers: Vec<(String, DeclaredFile)>,
    /// The files of members that the provider read last has named.
    pub(crate) members: Vec<DeclaredFile>,
    /// The patterns of model files that the provider read last has named.
    pub(crate) model_patterns: Vec<DeclaredFile>,
    /// The position files that the provider read last has named, by model type; `None` where it has no `models` mapping.
    pub(crate) positions: Option<Vec<(&'static str, DeclaredFile)>>,
    /// What can only be judged when the whole is read.
    pub(crate) notes: Notes,
    /// Greater than 0 below what is missing as a whole: its fields aren't reported one by one.
    missing: usize,
    /// How many mappings were read.
    objects: usize,
    /// Set while there is nothing in a file.
    unread: bool,
    /// Set when a document is made to exhaust memory: no more of it is read.
    stopped: bool,
}

impl Reader {
    /// Reads a file's document. One without content, or that is null, is an object with nothing in it.
    pub(crate) fn document(&mut self, source: &Source, object: &Object) -> Map<String, Json> {
        self.stopped = self.objects > MAX_OBJECTS;
        if let Some(at) = source.second_document() {
            let place = Place { at, field: String::new() };
            self.misread(
                &place,
                None,
                "second-document",
                "the daemon's reading ends before this line, and what follows is dropped",
                "remove the `---` line, or indent what follows as the lines before",
            );
        }
        if let Some(at) = source.separator() {
            self.misread(
                &Place { at: at.clone(), field: String::new() },
                None,
                "line-separator",
                "this character (U+0085, U+2028 or U+2029) can't be seen, and ends the line for the daemon",
                "delete it, or write a line break",
            );
        }
        let top = Place::top(source.file());
        let root = self.caught(source.root()).flatten();
        let root = root.filter(|root| !self.caught(root.is_null()).unwrap_or(true));
        // Then the daemon's own decoders, which fill in defaults, never run.
        self.unread = root.is_none();
        if self.unread {
            self.misread(
                &top,
                None,
                "empty",
                "there is nothing in this file",
                "declare something in it, or don't name it",
            );
        }
        let fields = self.object(&top, root.as_ref(), object);
        self.unread = false;
        fields
    }

    /// A field as it stands; `None` when the key is absent.
    pub(crate) fn get<'d>(&mut self, mapping: &Mapping<'d>, key: &str) -> Option<Value<'d>> {
        self.caught(mapping.get(key)).flatten()
    }

    pub(crate) fn object(
        &mut self,
        place: &Place,
        value: Option<&Value<'_>>,
        object: &Object,
    ) -> Map<String, Json> {
        self.objects += 1;
        if self.objects > MAX_OBJECTS {
            if !self.stopped {
                self.error(ManifestError::TooMany { at: place.at.clone(), limit: MAX_OBJECTS });
            }
            self.stopped = true;
            return Map::new();
        }
        let mapping = value.and_then(|value| self.caught(value.mapping()));
        // What is broken as a whole isn't looked at any further.
        let silent = mapping.is_none();
        self.missing += usize::from(silent);
        let mut fields = Map::new();
        for field in object.fields {
            let value = mapping.as_ref().and_then(|mapping| self.get(mapping, field.key));
            let json = match (&field.kind, &mapping) {
                (Kind::Configs(read), Some(mapping)) => read(self, mapping, value.as_ref()),
                _ => self.field(place, value.as_ref(), field),
            };
            if !(field.omitted_when_empty && is_empty(&field.kind, &json)) {
                fields.insert(field.key.to_owned(), json);
            }
        }
        if let Some(mapping) = &mapping {
            self.unknown_keys(mapping, object);
        }
        if let Some(finish) = object.finish
            && !self.stopped
            && !self.unread
        {
            finish(self, place, mapping.as_ref(), &mut fields);
        }
        self.missing -= usize::from(silent);
        fields
    }

    fn field(&mut self, parent: &Place, value: Option<&Value<'_>>, field: &Field) -> Json {
        let here = value.map_or_else(|| parent.field(field.key), Place::of);
        let null = value.is_none_or(|value| self.caught(value.is_null()).unwrap_or(true));
        let given = value.filter(|_| !null && !self.stopped);
        if let (None, Kind::Object(object)) = (given, &field.kind)
            && requires_something(object)
        {
            self.missing(&here, value, field);
        }
        let errors = self.errors.len();
        let json = match &field.kind {
            // How it is written counts, null included.
            Kind::With(read) => read(self, &here, value),
            kind => self.kind(&here, given, kind),
        };
        if errors == self.errors.len() {
            self.keep_rules(&here, value, field, &json);
        }
        json
    }

    fn kind(&mut self, place: &Place, value: Option<&Value<'_>>, kind: &Kind) -> Json {
        match kind {
            Kind::Text => Json::from(self.plain::<String>(value).unwrap_or_default()),
            Kind::OptionalText => self.plain::<String>(value).map_or(Json::Null, Json::from),
            Kind::Bool => Json::from(self.plain::<bool>(value).unwrap_or_default()),
            Kind::Int => Json::from(self.plain::<i64>(value).unwrap_or_default()),
            Kind::OptionalInt => self.plain::<i64>(value).map_or(Json::Null, Json::from),
            Kind::Size => Json::from(self.plain::<u64>(value).unwrap_or_default()),
            Kind::OptionalNumber => match self.plain::<f64>(value) {
                Some(number) if number.is_finite() => whole_number(number),
                Some(_) => {
                    self.infinite(value);
                    Json::Null
                }
                None => Json::Null,
            },
            Kind::Decimal => {
                Json::from(self.plain::<Decimal>(value).map_or_else(|| "0".to_owned(), Decimal::into_text))
            }
            Kind::OptionalDecimal => {
                self.plain::<Decimal>(value).map_or(Json::Null, |decimal| Json::from(decimal.into_text()))
            }
            Kind::Time => {
                let time = self.plain::<Time>(value).and_then(Time::into_json);
                Json::from(time.unwrap_or_else(|| NO_TIME.to_owned()))
            }
            Kind::Any => self.plain::<Json>(value).map_or(Json::Null, whole_numbers),
            Kind::Map => {
                self.plain::<Map<_, _>>(value).map_or(Json::Null, |map| whole_numbers(Json::Object(map)))
            }
            Kind::TextKeyMap => {
                self.plain::<TextKeys>(value).map_or(Json::Null, |map| whole_numbers(map.into_json()))
            }
            Kind::Texts => value.map_or(Json::Null, |value| self.texts(value)),
            Kind::Object(object) => Json::Object(self.object(place, value, object)),
            Kind::Optional(object) => match value {
                Some(_) => Json::Object(self.object(place, value, object)),
                None => Json::Null,
            },
            Kind::Objects(object) => self.objects(value, object),
            Kind::ObjectsOrNone(object) => match self.objects(value, object) {
                Json::Null if !self.unread => json!([]),
                list => list,
            },
            Kind::Configs(_) => json!([]),
            Kind::With(read) => read(self, place, value),
        }
    }

    /// A list of objects; null where there is none. A null item is left out, as yaml.v3 does.
    pub(crate) fn objects(&mut self, value: Option<&Value<'_>>, object: &Object) -> Json {
        let Some(value) = value.filter(|value| !value.is_null().unwrap_or(true)) else { return Json::Null };
        let objects = self.items(value, |reader, item| {
            Some(Json::Object(reader.object(&Place::of(item), Some(item), object)))
        });
        objects.map_or(Json::Null, Json::Array)
    }

    pub(crate) fn texts(&mut self, list: &Value<'_>) -> Json {
        let texts = self.items(list, |reader, item| reader.plain::<String>(Some(item)));
        texts.map_or(Json::Null, Json::from)
    }

    /// The items of a list that aren't null.
    fn items<T>(
        &mut self,
        list: &Value<'_>,
        mut read: impl FnMut(&mut Self, &Value<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.caught(list.items())?;
        let mut read_items = Vec::with_capacity(items.len());
        for item in &items {
            if self.stopped {
                break;
            }
            if !self.caught(item.is_null()).unwrap_or(true) {
                read_items.extend(read(self, item));
            }
        }
        Some(read_items)
    }

    fn plain<T: Decode>(&mut self, value: Option<&Value<'_>>) -> Option<T> {
        let value = value.filter(|_| !self.stopped)?;
        self.caught(T::decode(value))
    }

    /// Takes note of what the daemon can't read, and goes on without it.
    pub(crate) fn caught<T>(&mut self, result: Result<T, ManifestError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(error);
                None
            }
        }
    }

    pub(crate) fn error(&mut self, error: ManifestError) {
        self.stopped |= matches!(&error, ManifestError::Field { problem: Problem::ExcessiveAliasing, .. });
        // What is refused may be the only thing that is: one is never left out.
        if self.findings.len() >= MAX_FINDINGS && !self.errors.is_empty() {
            return;
        }
        let finding = error.to_finding();
        // One value may be asked for twice.
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
            self.errors.push(error);
        }
    }

    fn infinite(&mut self, value: Option<&Value<'_>>) {
        let problem = Problem::NotJson { what: "infinite number", cure: "write a number" };
        if let Some(value) = value {
            self.error(value.error(problem));
        }
    }

    /// The value isn't what the daemon wants.
    pub(crate) fn refuse_kind(&mut self, value: &Value<'_>, expected: &'static str) {
        self.error(value.wrong_type(expected));
    }

    /// The daemon drops a value without a word.
    pub(crate) fn dropped(&mut self, value: &Value<'_>, message: &str, help: &str) {
        self.misread(&Place::of(value), None, "dropped", message, help);
    }

    /// Reads again what was read before, and says nothing of it.
    pub(crate) fn silently<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        self.missing += 1;
        let read = read(self);
        self.missing -= 1;
        read
    }

    /// Takes note of a mistake in a field of `mapping`: `place` names it.
    pub(crate) fn misread(
        &mut self,
        place: &Place,
        mapping: Option<&Mapping<'_>>,
        code: &'static str,
        message: &str,
        help: &str,
    ) {
        self.find(Severity::Misread, place, mapping, code, message, help);
    }

    /// The same of one for which the daemon refuses the plugin once it has read it.
    pub(crate) fn refuse(
        &mut self,
        place: &Place,
        mapping: Option<&Mapping<'_>>,
        code: &'static str,
        message: &str,
        help: &str,
    ) {
        self.find(Severity::Refused, place, mapping, code, message, help);
    }

    fn find(
        &mut self,
        severity: Severity,
        place: &Place,
        mapping: Option<&Mapping<'_>>,
        code: &'static str,
        message: &str,
        help: &str,
    ) {
        // What is refused may be the only thing that is: it is never left out.
        if self.missing > 0 || (severity == Severity::Misread && self.is_silent()) {
            return;
        }
        self.findings.push(Finding {
            severity,
            code,
            at: located(place, mapping),
            field: place.field.clone(),
            message: message.to_owned(),
            help: help.to_owned(),
        });
    }

    /// Whether nothing more is said of what is misread: there is enough of it, or what it is part of is missing.
    pub(crate) fn is_silent(&self) -> bool {
        self.missing > 0 || self.findings.len() >= MAX_FINDINGS
    }

    fn unknown_keys(&mut self, mapping: &Mapping<'_>, object: &Object) {
        for (key, at) in mapping.keys() {
            if self.is_silent() {
                return;
            }
            if object.fields.iter().any(|field| field.key == key) || object.others.contains(&key) {
                continue;
            }
            let known = object.fields.iter().map(|field| field.key);
            let help = instead(key, known);
            let place = Place { at, field: mapping.path().to_string() };
            self.misread(
                &place,
                None,
                "unknown-key",
                &format!("`{key}` is no key here, and is dropped"),
                &help,
            );
        }
    }
}

/// The most mappings that are read of one plugin, those that are missing included. The largest of Dify's own plugins has
/// 10,895; each takes about two kilobytes.
pub const MAX_OBJECTS: usize = 100_000;

/// How many mistakes are shown of one plugin. Whoever has made so many has made one of them very often.
pub(crate) const MAX_FINDINGS: usize = 1000;

/// The year 1, which is what Go makes of no time at all.
pub(crate) const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// The place of the field that `place` names, where it is written.
pub(crate) fn located(place: &Place, mapping: Option<&Mapping<'_>>) -> Location {
    let key = place.field.rsplit('.').next().unwrap_or_default();
    mapping.and_then(|mapping| mapping.location_of(key)).unwrap_or_else(|| place.at.clone())
}

fn requires_something(object: &Object) -> bool {
    object.fields.iter().any(|field| {
        field.rules.iter().any(|rule| matches!(rule, crate::shape::Rule::Required))
            || matches!(&field.kind, Kind::Object(object) if requires_something(object))
    })
}

/// Whether Go's `omitempty` leaves the value out: a pointer only when it is nil.
fn is_empty(kind: &Kind, json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::String(text) => matches!(kind, Kind::Text) && text.is_empty(),
        Json::Bool(value) => matches!(kind, Kind::Bool) && !value,
        Json::Array(items) => !matches!(kind, Kind::Any) && items.is_empty(),
        Json::Object(fields) => matches!(kind, Kind::Map) && fields.is_empty(),
        Json::Number(_) => false,
    }
}

/// A number as Go writes it: one without a fraction as a whole one.
fn whole_number(number: f64) -> Json {
    // 2^53: above, not every whole number is a float, and Go writes an exponent before long.
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        Json::from(number as i64)
    } else {
        Json::from(number)
    }
}

fn whole_numbers(json: Json) -> Json {
    match json {
        Json::Number(value) if value.is_f64() => value.as_f64().map_or(Json::Null, whole_number),
        Json::Array(items) => items.into_iter().map(whole_numbers).collect(),
        Json::Object(fields) => fields.into_iter().map(|(key, value)| (key, whole_numbers(value))).collect(),
        other => other,
    }
}
