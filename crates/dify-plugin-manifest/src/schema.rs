//! The types of the tables in [`shape`](crate::shape): what each mapping of a declaration may hold.

use crate::report::{Fields, Subject};

/// A mapping with fields.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) fields: &'static [Field],
    /// Keys that the daemon doesn't ask for and that are there for others: no mistake.
    pub(crate) others: &'static [&'static str],
    /// What is left to do when the fields are read: values that depend on each other.
    pub(crate) finish: Option<Finish>,
}

/// A check of a mapping whose fields have been read. It may fill in what the daemon's own decoder fills in.
pub(crate) type Finish = fn(&mut Subject<'_, '_>, &mut Fields);

/// A field of a mapping.
#[derive(Debug)]
pub(crate) struct Field {
    /// Its name, in YAML and in JSON.
    pub(crate) key: &'static str,
    pub(crate) kind: Kind,
    pub(crate) rules: &'static [Rule],
    /// Whether the JSON leaves it out when it is empty (`omitempty`).
    pub(crate) omitted_when_empty: bool,
}

/// What a field takes.
#[derive(Debug)]
pub(crate) enum Kind {
    Text,
    /// Text, or null.
    OptionalText,
    Bool,
    Int,
    /// A whole number, or null.
    OptionalInt,
    /// A whole number from 0 on.
    Size,
    /// A number, or null.
    OptionalNumber,
    /// A decimal number of any precision, kept as text; `0` when absent.
    Decimal,
    /// A decimal number, or null.
    OptionalDecimal,
    Time,
    /// Anything.
    Any,
    /// A mapping of anything, or null.
    Map,
    /// A mapping of anything whose keys become text, or null.
    TextKeyMap,
    Texts,
    Object(&'static Object),
    /// An object, or null.
    Optional(&'static Object),
    Objects(&'static Object),
    /// A list of objects that is empty where none is written; the others are null then.
    ObjectsOrNone(&'static Object),
    /// Credentials or settings: a list, or a mapping by name.
    Configs(Configs),
    /// The tools or other members of a provider: paths of files, or declarations written inline.
    Members(&'static Object),
    /// The same for endpoints, with their own rules.
    Endpoints(&'static Object),
    /// Models: a list, or a mapping of file patterns by model type.
    Models(&'static Object),
    /// The provider files of a kind.
    Providers,
    /// A mapping that the daemon ignores if it is written as anything else, an alias included.
    Written(&'static Object),
}

/// How credentials or settings are read.
#[derive(Debug)]
pub(crate) struct Configs {
    pub(crate) object: &'static Object,
    /// The key to read where the field's own is empty as it is written, an alias included.
    pub(crate) fallback: Option<&'static str>,
    /// Whether an entry of the mapping form that is not a mapping is an error; otherwise it is dropped.
    pub(crate) strict: bool,
}

/// What a field's value must keep to.
#[derive(Debug)]
pub(crate) enum Rule {
    /// Neither absent nor empty, zero or null.
    Required,
    /// Not absent or null: the daemon keeps null then and takes the package, but Dify's own model of the declaration has a
    /// list or a mapping here and refuses it (`api/core/plugin/entities/plugin.py`).
    NotNull,
    /// At most so many characters.
    AtMost(usize),
    /// At most so many items.
    AtMostItems(usize),
    /// One of these words, which spaces separate.
    OneOf(&'static str),
    /// Each item is one of these.
    EachOneOf(&'static str),
    /// Each item has at most so many characters.
    EachAtMost(usize),
    /// The form is kept.
    Form(&'static Form),
    /// From the one to the other, both included.
    Between(u64, u64),
    /// Text, a number, true or false.
    Plain,
}

/// A form of text.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) fits: fn(&str) -> bool,
    /// How it is described: "write …".
    pub(crate) cure: &'static str,
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
    pub(crate) const fn new(key: &'static str, kind: Kind) -> Self {
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
