//! Agent strategies (`agent_declaration.go`).

use super::parameter::{AUTO_GENERATE, IDENTITY, LONGEST_NAME, LONGEST_SCOPE, OPTION, TAGS, TEMPLATE};
use super::text::{I18N, OPTIONAL_I18N};
use crate::report::fill_list;
use crate::schema::{Field, FieldType, Object, Rule};

pub(crate) static PROVIDER: Object = Object::new(&[
    Field::new("identity", FieldType::Object(&PROVIDER_IDENTITY)),
    Field::new("strategies", FieldType::Members(&STRATEGY)),
])
.others(&["extra"]);

/// Like the identity of a tool provider, but nothing is inherited from the manifest.
static PROVIDER_IDENTITY: Object = Object::new(&[
    Field::new("author", FieldType::Text).required(),
    Field::new("name", FieldType::Text).rules(&[Rule::Required, Rule::Format(&super::text::NAME)]),
    Field::new("description", FieldType::Object(&I18N)),
    Field::new("icon", FieldType::Text).required(),
    Field::new("icon_dark", FieldType::Text),
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("tags", FieldType::Texts).rules(&[Rule::EachOneOf(TAGS)]),
])
.finish(crate::check::provider_identity);

pub(crate) static STRATEGY: Object = Object::new(&[
    Field::new("identity", FieldType::Object(&IDENTITY)),
    Field::new("description", FieldType::Object(&I18N)),
    Field::new("parameters", FieldType::Objects(&PARAMETER)),
    Field::new("output_schema", FieldType::Map),
    Field::new("features", FieldType::Texts).rules(&[Rule::EachAtMost(255)]),
])
.others(&["extra"])
.finish(|subject, strategy| {
    fill_list(strategy, "features");
    crate::check::parameters(subject, strategy);
});

static PARAMETER: Object = Object::new(&[
    Field::new("name", FieldType::Text).rules(&[Rule::Required, LONGEST_NAME]),
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("help", FieldType::Object(&OPTIONAL_I18N)),
    Field::new("type", FieldType::Text).rules(&[Rule::Required, Rule::OneOf(TYPES)]),
    Field::new("auto_generate", FieldType::Optional(&AUTO_GENERATE)),
    Field::new("template", FieldType::Optional(&TEMPLATE)),
    Field::new("scope", FieldType::OptionalText).rules(&[LONGEST_SCOPE]),
    Field::new("required", FieldType::Bool),
    Field::new("default", FieldType::Any).rules(&[Rule::Plain]),
    Field::new("min", FieldType::OptionalNumber),
    Field::new("max", FieldType::OptionalNumber),
    Field::new("precision", FieldType::OptionalInt),
    Field::new("options", FieldType::Objects(&OPTION)),
])
.finish(crate::check::parameter);

const TYPES: &str =
    "string number boolean select secret-input file files app-selector model-selector array[tools] any";
