//! Reads YAML by the tables in [`shape`](crate::shape). The result is the JSON that the daemon would store, and a report of
//! all problems.

mod configs;
mod files;
mod rules;

use serde_json::{Map, Value as Json, json};

use crate::declared_file::DeclaredFile;
use crate::error::ManifestError;
use crate::report::{Fields, Place, Report, Subject};
use crate::schema::{Field, FieldType, Object, Rule};
use crate::suggest::instead;
use crate::yaml::{Decimal, Decode, INFINITE, Mapping, Source, TextKeys, Time, Value};

/// Reads declarations and collects their problems.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) report: Report,
    /// The provider files named by the manifest, each with the field that names it.
    pub(crate) providers: Vec<(String, DeclaredFile)>,
    /// The member files named by the last provider read.
    pub(crate) members: Vec<DeclaredFile>,
    /// The patterns of model files named by the last provider read.
    pub(crate) model_patterns: Vec<DeclaredFile>,
    /// The position files named by the last provider read, by model type; `None` if it has no `models` mapping.
    pub(crate) positions: Option<Vec<(&'static str, DeclaredFile)>>,
    /// The number of mappings read so far.
    objects: usize,
    /// Set while reading a file without content, for which the daemon's own decoders, which fill in defaults, don't run.
    unread: bool,
}

impl Reader {
    /// Forgets the files that the last provider named.
    pub(crate) fn forget_files(&mut self) {
        self.members.clear();
        self.model_patterns.clear();
        self.positions = None;
    }

    /// Reads a file's document. An empty document, or null, is read as a mapping without fields.
    pub(crate) fn document(&mut self, source: &Source, object: &Object) -> Fields {
        self.report.stopped = self.objects > MAX_OBJECTS;
        if let Some(at) = source.second_document() {
            let message = "the daemon stops reading before this line and drops what follows";
            let help = "remove the `---` line, or indent what follows as the lines before";
            self.report.warn(&Place { at, field: String::new() }, "second-document", message, help);
        }
        if let Some(at) = source.separator().cloned() {
            let message = "this invisible character (U+0085, U+2028 or U+2029) ends the line for the daemon";
            let help = "delete it, or write a line break";
            self.report.warn(&Place { at, field: String::new() }, "line-separator", message, help);
        }
        let top = Place::top(source.file());
        let root = self.report.caught(source.root()).flatten();
        let root = root.filter(|root| !self.report.caught(root.is_null()).unwrap_or(true));
        self.unread = root.is_none();
        if self.unread {
            self.report.warn(
                &top,
                "empty",
                "this file is empty",
                "declare something in it, or don't name it",
            );
        }
        let fields = self.object(&top, root.as_ref(), object);
        self.unread = false;
        fields
    }

    /// Returns the value of a key as it is written, or `None` if the key is absent.
    pub(crate) fn get<'d>(&mut self, mapping: &Mapping<'d>, key: &str) -> Option<Value<'d>> {
        self.report.caught(mapping.get(key)).flatten()
    }

    pub(crate) fn object(&mut self, place: &Place, value: Option<&Value<'_>>, object: &Object) -> Fields {
        self.objects += 1;
        if self.objects > MAX_OBJECTS {
            if !self.report.stopped {
                let message = format!("more than {MAX_OBJECTS} mappings are declared");
                let help = "split the plugin into several";
                self.report.unreadable(ManifestError::new(place.at.clone(), "too-many", message, help));
            }
            self.report.stopped = true;
            return Map::new();
        }
        let mapping = value.and_then(|value| self.report.caught(value.mapping()));
        // The fields of a value that is broken as a whole aren't reported.
        let silent = mapping.is_none();
        self.report.missing += usize::from(silent);
        let mut fields = Map::new();
        for field in object.fields {
            let value = mapping.as_ref().and_then(|mapping| self.get(mapping, field.key));
            let json = self.field(place, mapping.as_ref(), value.as_ref(), field);
            if !(field.omitted_when_empty && is_empty(&field.kind, &json)) {
                fields.insert(field.key.to_owned(), json);
            }
        }
        if let Some(mapping) = &mapping {
            self.unknown_keys(mapping, object);
        }
        if let Some(finish) = object.finish
            && !self.report.stopped
            && !self.unread
        {
            let mapping = mapping.as_ref();
            finish(&mut Subject { report: &mut self.report, place, mapping }, &mut fields);
        }
        self.report.missing -= usize::from(silent);
        fields
    }

    fn field(
        &mut self,
        parent: &Place,
        mapping: Option<&Mapping<'_>>,
        value: Option<&Value<'_>>,
        field: &Field,
    ) -> Json {
        let here = value.map_or_else(|| parent.field(field.key), Place::of);
        // Configs tell null by themselves, from how they are written.
        let null = !matches!(field.kind, FieldType::Configs(_))
            && value.is_none_or(|value| self.report.caught(value.is_null()).unwrap_or(true));
        let given = value.filter(|_| !null && !self.report.stopped);
        if let (None, FieldType::Object(object)) = (given, &field.kind)
            && requires_something(object)
        {
            self.missing(&here, value, field);
        }
        let errors = self.report.errors.len();
        let json = self.value(&here, mapping, value, given, &field.kind);
        if errors == self.report.errors.len() {
            self.keep_rules(&here, value, field, &json);
        }
        json
    }

    /// Reads a field's value. `written` is the value as it is written, and `value` is `None` if that is null.
    fn value(
        &mut self,
        place: &Place,
        mapping: Option<&Mapping<'_>>,
        written: Option<&Value<'_>>,
        value: Option<&Value<'_>>,
        kind: &FieldType,
    ) -> Json {
        match kind {
            FieldType::Text => Json::from(self.plain::<String>(value).unwrap_or_default()),
            FieldType::OptionalText => self.plain::<String>(value).map_or(Json::Null, Json::from),
            FieldType::Bool => Json::from(self.plain::<bool>(value).unwrap_or_default()),
            FieldType::Int => Json::from(self.plain::<i64>(value).unwrap_or_default()),
            FieldType::OptionalInt => self.plain::<i64>(value).map_or(Json::Null, Json::from),
            FieldType::Size => Json::from(self.plain::<u64>(value).unwrap_or_default()),
            FieldType::OptionalNumber => match self.plain::<f64>(value) {
                Some(number) if number.is_finite() => whole_number(number),
                Some(_) => {
                    self.infinite(value);
                    Json::Null
                }
                None => Json::Null,
            },
            FieldType::Decimal => {
                Json::from(self.plain::<Decimal>(value).map_or_else(|| "0".to_owned(), Decimal::into_text))
            }
            FieldType::OptionalDecimal => {
                self.plain::<Decimal>(value).map_or(Json::Null, |decimal| Json::from(decimal.into_text()))
            }
            FieldType::Time => {
                let time = self.plain::<Time>(value).and_then(Time::into_json);
                Json::from(time.unwrap_or_else(|| NO_TIME.to_owned()))
            }
            FieldType::Any => self.plain::<Json>(value).map_or(Json::Null, whole_numbers),
            FieldType::Map => {
                self.plain::<Map<_, _>>(value).map_or(Json::Null, |map| whole_numbers(Json::Object(map)))
            }
            FieldType::TextKeyMap => {
                self.plain::<TextKeys>(value).map_or(Json::Null, |map| whole_numbers(map.into_json()))
            }
            FieldType::Texts => value.map_or(Json::Null, |value| self.texts(value)),
            FieldType::Object(object) => Json::Object(self.object(place, value, object)),
            FieldType::Optional(object) => match value {
                Some(_) => Json::Object(self.object(place, value, object)),
                None => Json::Null,
            },
            FieldType::Objects(object) => self.objects(value, object),
            FieldType::ObjectsOrNone(object) => match self.objects(value, object) {
                Json::Null if !self.unread => json!([]),
                list => list,
            },
            FieldType::Configs(configs) => self.configs(mapping, written, configs),
            FieldType::Members(object) => self.members(written, object),
            FieldType::Endpoints(object) => self.endpoints(mapping, written, object),
            FieldType::Models(object) => self.models(mapping, written, object),
            FieldType::Providers => self.provider_paths(place, written),
            FieldType::Written(object) => self.written(place, written, object),
        }
    }

    /// Reads a list of objects, which is null if absent. Null items are skipped, as in yaml.v3.
    pub(crate) fn objects(&mut self, value: Option<&Value<'_>>, object: &Object) -> Json {
        let Some(value) = value.filter(|value| !value.is_null().unwrap_or(true)) else { return Json::Null };
        let objects = self.items(value, |reader, item| {
            Some(Json::Object(reader.object(&Place::of(item), Some(item), object)))
        });
        objects.map_or(Json::Null, Json::Array)
    }

    /// Reads a position file: a list of names.
    pub(crate) fn names(&mut self, source: &Source) -> Json {
        let root = self.report.caught(source.root()).flatten();
        let root = root.filter(|root| !root.is_null().unwrap_or(true));
        root.map_or(Json::Null, |root| self.texts(&root))
    }

    fn texts(&mut self, list: &Value<'_>) -> Json {
        let texts = self.items(list, |reader, item| reader.plain::<String>(Some(item)));
        texts.map_or(Json::Null, Json::from)
    }

    /// Reads the items of a list that are not null.
    fn items<T>(
        &mut self,
        list: &Value<'_>,
        mut read: impl FnMut(&mut Self, &Value<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.report.caught(list.items())?;
        let mut read_items = Vec::with_capacity(items.len());
        for item in &items {
            if self.report.stopped {
                break;
            }
            if !self.report.caught(item.is_null()).unwrap_or(true) {
                read_items.extend(read(self, item));
            }
        }
        Some(read_items)
    }

    fn plain<T: Decode>(&mut self, value: Option<&Value<'_>>) -> Option<T> {
        let value = value.filter(|_| !self.report.stopped)?;
        self.report.caught(T::decode(value))
    }

    fn infinite(&mut self, value: Option<&Value<'_>>) {
        if let Some(value) = value {
            self.report.unreadable(value.error("not-json", INFINITE, "write a number"));
        }
    }

    /// Reads something for the second time, without reporting its problems again.
    pub(crate) fn silently<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        self.report.missing += 1;
        let read = read(self);
        self.report.missing -= 1;
        read
    }

    fn unknown_keys(&mut self, mapping: &Mapping<'_>, object: &Object) {
        for (key, at) in mapping.keys() {
            if self.report.is_silent() {
                return;
            }
            if object.fields.iter().any(|field| field.key == key) || object.others.contains(&key) {
                continue;
            }
            let help = instead(key, object.fields.iter().map(|field| field.key));
            let place = Place { at, field: mapping.path().to_string() };
            self.report.warn(
                &place,
                "unknown-key",
                format!("`{key}` is not a key here and is dropped"),
                help,
            );
        }
    }
}

/// The largest number of mappings that one plugin may declare, including absent ones. The largest of Dify's own plugins has
/// 10,895; each takes about two kilobytes.
pub const MAX_OBJECTS: usize = 100_000;

/// Go's zero time.
pub(crate) const NO_TIME: &str = "0001-01-01T00:00:00Z";

fn requires_something(object: &Object) -> bool {
    object.fields.iter().any(|field| {
        field.rules.iter().any(|rule| matches!(rule, Rule::Required))
            || matches!(&field.kind, FieldType::Object(object) if requires_something(object))
    })
}

/// Whether Go's `omitempty` omits the value. A pointer counts as empty only if it is nil.
fn is_empty(kind: &FieldType, json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::String(text) => matches!(kind, FieldType::Text) && text.is_empty(),
        Json::Bool(value) => matches!(kind, FieldType::Bool) && !value,
        Json::Array(items) => !matches!(kind, FieldType::Any) && items.is_empty(),
        Json::Object(fields) => matches!(kind, FieldType::Map) && fields.is_empty(),
        Json::Number(_) => false,
    }
}

/// Returns a number as Go writes it: as a whole number if it has no fraction.
fn whole_number(number: f64) -> Json {
    // Above 2^53 a float can no longer represent every whole number, and Go soon writes an exponent.
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
