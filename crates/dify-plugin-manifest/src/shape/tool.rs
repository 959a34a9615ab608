//! Tool providers and tools (`tool_declaration.go`).

use super::config::{OAUTH, TOOL_CREDENTIALS};
use super::parameter::{
    AUTO_GENERATE, IDENTITY, LONGEST_NAME, LONGEST_SCOPE, OPTION, PROVIDER_IDENTITY, TEMPLATE,
};
use super::text::I18N;
use crate::schema::{Field, FieldType, Object, Rule};

pub(crate) static PROVIDER: Object = Object::new(&[
    Field::new("identity", FieldType::Object(&PROVIDER_IDENTITY)),
    Field::new("credentials_schema", TOOL_CREDENTIALS),
    Field::new("oauth_schema", FieldType::Optional(&OAUTH)),
    Field::new("tools", FieldType::Members(&TOOL)),
])
.others(&["credentials_for_provider", "extra"]);

pub(crate) static TOOL: Object = Object::new(&[
    Field::new("identity", FieldType::Object(&IDENTITY)),
    Field::new("description", FieldType::Object(&DESCRIPTION)),
    Field::new("parameters", FieldType::Objects(&PARAMETER)),
    Field::new("output_schema", FieldType::Map).omitted_when_empty(),
    Field::new("has_runtime_parameters", FieldType::Bool),
])
.others(&["extra"])
.finish(crate::check::parameters);

static DESCRIPTION: Object = Object::new(&[
    Field::new("human", FieldType::Object(&I18N)),
    Field::new("llm", FieldType::Text).required(),
]);

static PARAMETER: Object = Object::new(&[
    Field::new("name", FieldType::Text).rules(&[Rule::Required, LONGEST_NAME]),
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("human_description", FieldType::Object(&I18N)),
    Field::new("type", FieldType::Text).rules(&[Rule::Required, Rule::OneOf(TYPES)]),
    Field::new("scope", FieldType::OptionalText).rules(&[LONGEST_SCOPE]),
    Field::new("form", FieldType::Text).rules(&[Rule::Required, Rule::OneOf("schema form llm")]),
    Field::new("llm_description", FieldType::Text),
    Field::new("required", FieldType::Bool),
    Field::new("auto_generate", FieldType::Optional(&AUTO_GENERATE)),
    Field::new("template", FieldType::Optional(&TEMPLATE)),
    Field::new("default", FieldType::Any),
    Field::new("min", FieldType::OptionalNumber),
    Field::new("max", FieldType::OptionalNumber),
    Field::new("multiple", FieldType::Bool),
    Field::new("precision", FieldType::OptionalInt),
    Field::new("options", FieldType::Objects(&OPTION)),
])
.others(&["input_schema", "show_on"])
.finish(crate::check::parameter);

const TYPES: &str = "string number boolean select secret-input file files app-selector model-selector any dynamic-select array object checkbox date date-range";
