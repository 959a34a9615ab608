//! Tool providers and tools (`tool_declaration.go`).

use super::config::{OAUTH, TOOL_CREDENTIALS};
use super::parameter::{
    AUTO_GENERATE, IDENTITY, LONGEST_NAME, LONGEST_SCOPE, OPTION, PROVIDER_IDENTITY, TEMPLATE,
};
use super::text::I18N;
use crate::schema::{Field, Kind, Object, Rule};

pub(crate) static PROVIDER: Object = Object::new(&[
    Field::new("identity", Kind::Object(&PROVIDER_IDENTITY)),
    Field::new("credentials_schema", TOOL_CREDENTIALS),
    Field::new("oauth_schema", Kind::Optional(&OAUTH)),
    Field::new("tools", Kind::Members(&TOOL)),
])
.others(&["credentials_for_provider", "extra"]);

pub(crate) static TOOL: Object = Object::new(&[
    Field::new("identity", Kind::Object(&IDENTITY)),
    Field::new("description", Kind::Object(&DESCRIPTION)),
    Field::new("parameters", Kind::Objects(&PARAMETER)),
    Field::new("output_schema", Kind::Map).omitted_when_empty(),
    Field::new("has_runtime_parameters", Kind::Bool),
])
.others(&["extra"])
.finish(crate::check::parameters);

static DESCRIPTION: Object =
    Object::new(&[Field::new("human", Kind::Object(&I18N)), Field::new("llm", Kind::Text).required()]);

static PARAMETER: Object = Object::new(&[
    Field::new("name", Kind::Text).rules(&[Rule::Required, LONGEST_NAME]),
    Field::new("label", Kind::Object(&I18N)),
    Field::new("human_description", Kind::Object(&I18N)),
    Field::new("type", Kind::Text).rules(&[Rule::Required, Rule::OneOf(TYPES)]),
    Field::new("scope", Kind::OptionalText).rules(&[LONGEST_SCOPE]),
    Field::new("form", Kind::Text).rules(&[Rule::Required, Rule::OneOf("schema form llm")]),
    Field::new("llm_description", Kind::Text),
    Field::new("required", Kind::Bool),
    Field::new("auto_generate", Kind::Optional(&AUTO_GENERATE)),
    Field::new("template", Kind::Optional(&TEMPLATE)),
    Field::new("default", Kind::Any),
    Field::new("min", Kind::OptionalNumber),
    Field::new("max", Kind::OptionalNumber),
    Field::new("multiple", Kind::Bool),
    Field::new("precision", Kind::OptionalInt),
    Field::new("options", Kind::Objects(&OPTION)),
])
.others(&["input_schema", "show_on"])
.finish(crate::check::parameter);

const TYPES: &str = "string number boolean select secret-input file files app-selector model-selector any dynamic-select array object checkbox date date-range";
