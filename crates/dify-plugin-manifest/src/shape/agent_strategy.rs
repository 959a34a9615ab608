//! Agent strategies (`agent_declaration.go`).

use super::parameter::{AUTO_GENERATE, IDENTITY, LONGEST_NAME, LONGEST_SCOPE, OPTION, TAGS, TEMPLATE};
use super::text::{I18N, OPTIONAL_I18N};
use crate::report::fill_list;
use crate::schema::{Field, Kind, Object, Rule};

pub(crate) static PROVIDER: Object = Object::new(&[
    Field::new("identity", Kind::Object(&PROVIDER_IDENTITY)),
    Field::new("strategies", Kind::Members(&STRATEGY)),
])
.others(&["extra"]);

/// As that of a tool provider, but that nothing is filled from the manifest.
static PROVIDER_IDENTITY: Object = Object::new(&[
    Field::new("author", Kind::Text).required(),
    Field::new("name", Kind::Text).rules(&[Rule::Required, Rule::Form(&super::text::NAME)]),
    Field::new("description", Kind::Object(&I18N)),
    Field::new("icon", Kind::Text).required(),
    Field::new("icon_dark", Kind::Text),
    Field::new("label", Kind::Object(&I18N)),
    Field::new("tags", Kind::Texts).rules(&[Rule::EachOneOf(TAGS)]),
])
.finish(crate::check::provider_identity);

pub(crate) static STRATEGY: Object = Object::new(&[
    Field::new("identity", Kind::Object(&IDENTITY)),
    Field::new("description", Kind::Object(&I18N)),
    Field::new("parameters", Kind::Objects(&PARAMETER)),
    Field::new("output_schema", Kind::Map),
    Field::new("features", Kind::Texts).rules(&[Rule::EachAtMost(255)]),
])
.others(&["extra"])
.finish(|subject, strategy| {
    fill_list(strategy, "features");
    crate::check::parameters(subject, strategy);
});

static PARAMETER: Object = Object::new(&[
    Field::new("name", Kind::Text).rules(&[Rule::Required, LONGEST_NAME]),
    Field::new("label", Kind::Object(&I18N)),
    Field::new("help", Kind::Object(&OPTIONAL_I18N)),
    Field::new("type", Kind::Text).rules(&[Rule::Required, Rule::OneOf(TYPES)]),
    Field::new("auto_generate", Kind::Optional(&AUTO_GENERATE)),
    Field::new("template", Kind::Optional(&TEMPLATE)),
    Field::new("scope", Kind::OptionalText).rules(&[LONGEST_SCOPE]),
    Field::new("required", Kind::Bool),
    Field::new("default", Kind::Any).rules(&[Rule::Plain]),
    Field::new("min", Kind::OptionalNumber),
    Field::new("max", Kind::OptionalNumber),
    Field::new("precision", Kind::OptionalInt),
    Field::new("options", Kind::Objects(&OPTION)),
])
.finish(crate::check::parameter);

const TYPES: &str =
    "string number boolean select secret-input file files app-selector model-selector array[tools] any";
