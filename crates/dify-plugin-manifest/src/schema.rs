//! The types that the tables in [`shape`](crate::shape) are made of.

use crate::report::{Fields, Subject};

/// A mapping and its fields.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) fields: &'static [Field],
    /// Keys that the daemon ignores but that others read, so they are not reported as unknown.
    pub(crate) others: &'static [&'static str],
    /// A check to run once the fields have been read.
    pub(crate) finish: Option<Finish>,
}

/// A check of a mapping whose fields have been read. It may fill in what the daemon's own decoder fills in.
pub(crate) type Finish = fn(&mut Subject<'_, '_>, &mut Fields);

/// A field of a mapping.
#[derive(Debug)]
pub(crate) struct Field {
    /// The name in YAML and in JSON.
    pub(crate) key: &'static str,
    pub(crate) kind: FieldType,
    pub(crate) rules: &'static [Rule],
    /// Whether the JSON omits the field when it is empty (Go's `omitempty`).
    pub(crate) omitted_when_empty: bool,
}

/// The values that a field accepts.
#[derive(Debug)]
pub(crate) enum FieldType {
    Text,
    /// Text, or null.
    OptionalText,
    Bool,
    Int,
    /// A whole number, or null.
    OptionalInt,
    /// A non-negative whole number.
    Size,
    /// A number, or null.
    OptionalNumber,
    /// A decimal number of any precision, stored as text; `0` when absent.
    Decimal,
    /// A decimal number, or null.
    OptionalDecimal,
    Time,
    /// Any value.
    Any,
    /// A mapping with any values, or null.
    Map,
    /// A mapping with any values whose keys become text, or null.
    TextKeyMap,
    Texts,
    Object(&'static Object),
    /// An object, or null.
    Optional(&'static Object),
    Objects(&'static Object),
    /// A list of objects that is empty, not null, when absent.
    ObjectsOrNone(&'static Object),
    /// Credentials or settings: a list, or a mapping by name.
    Configs(Configs),
    /// The tools or other members of a provider: file paths, or inline declarations.
    Members(&'static Object),
    /// The endpoints of a group: file paths, or inline declarations, at the first invalid one of which the list ends.
    Endpoints(&'static Object),
    /// Models: a list, or a mapping of file patterns by model type.
    Models(&'static Object),
    /// The paths of the provider files of a kind.
    Providers,
    /// A mapping that the daemon ignores if it is written as anything else, including an alias.
    Written(&'static Object),
}

/// How credentials or settings are read.
#[derive(Debug)]
pub(crate) struct Configs {
    pub(crate) object: &'static Object,
    /// The key to read instead if the field's own value is written as an empty one or an alias.
    pub(crate) fallback: Option<&'static str>,
    /// Whether an entry of the mapping form that is not itself a mapping is an error; otherwise it is dropped.
    pub(crate) strict: bool,
}

/// A rule for a field's value.
#[derive(Debug)]
pub(crate) enum Rule {
    /// Not absent, empty, zero or null.
    Required,
    /// Not absent or null. The daemon stores null and accepts the package, but Dify's own model of the declaration requires a
    /// list or mapping and refuses the upload (`api/core/plugin/entities/plugin.py`).
    NotNull,
    /// At most this many characters.
    AtMost(usize),
    /// At most this many items.
    AtMostItems(usize),
    /// One of these words, separated by spaces.
    OneOf(&'static str),
    /// Each item is one of these words, separated by spaces.
    EachOneOf(&'static str),
    /// Each item has at most this many characters.
    EachAtMost(usize),
    /// Text of this format.
    Format(&'static Format),
    /// A number in this range, bounds included.
    Between(u64, u64),
    /// Text, a number, true or false; not a list or mapping.
    Plain,
}

/// A format of text.
#[derive(Debug)]
pub(crate) struct Format {
    pub(crate) fits: fn(&str) -> bool,
    /// How to fix text of another format.
    pub(crate) help: &'static str,
}

impl Object {
    pub(crate) const fn new(fields: &'static [Field]) -> Self {
        Self { fields, others: &[], finish: None }
    }

    pub(crate) const fn others(mut self, others: &'static [&'static str]) -> Self {
        self.others = others;
        self
    }

    pub(crate) const fn finish(mut self, finish: Finish) -> Self {
        self.finish = Some(finish);
        self
    }
}

impl Field {
    pub(crate) const fn new(key: &'static str, kind: FieldType) -> Self {
        Self { key, kind, rules: &[], omitted_when_empty: false }
    }

    pub(crate) const fn rules(mut self, rules: &'static [Rule]) -> Self {
        self.rules = rules;
        self
    }

    pub(crate) const fn required(self) -> Self {
        self.rules(&[Rule::Required])
    }

    /// See [`Rule::NotNull`].
    pub(crate) const fn not_null(self) -> Self {
        self.rules(&[Rule::NotNull])
    }

    pub(crate) const fn omitted_when_empty(mut self) -> Self {
        self.omitted_when_empty = true;
        self
    }
}
