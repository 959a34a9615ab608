//! Credentials and settings, and OAuth (`config.go`, `oauth.go`).

use super::text::I18N;
use crate::schema::{Configs, Field, FieldType, Object, Rule};

pub(crate) static CONFIG: Object = Object::new(&[
    Field::new("name", FieldType::Text).rules(&[super::parameter::LONGEST_NAME]),
    Field::new("type", FieldType::Text).rules(&[Rule::Required, Rule::OneOf(TYPES)]),
    Field::new("scope", FieldType::OptionalText),
    Field::new("required", FieldType::Bool),
    Field::new("default", FieldType::Any).rules(&[Rule::Plain]),
    Field::new("options", FieldType::Objects(&OPTION)).rules(&[Rule::AtMostItems(127)]),
    Field::new("multiple", FieldType::Bool),
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("help", FieldType::Optional(&I18N)),
    Field::new("url", FieldType::OptionalText),
    Field::new("placeholder", FieldType::Optional(&I18N)),
])
.finish(crate::check::config);

static OPTION: Object = Object::new(&[
    Field::new("value", FieldType::Text).rules(&[Rule::Required, Rule::AtMost(127)]),
    Field::new("label", FieldType::Object(&I18N)),
]);

const TYPES: &str = "secret-input text-input select boolean app-selector model-selector array[tools]";

pub(crate) static OAUTH: Object = Object::new(&[
    Field::new("client_schema", FieldType::Objects(&CONFIG)).not_null(),
    Field::new("credentials_schema", FieldType::Objects(&CONFIG)).not_null(),
]);

/// The credentials of a tool provider.
pub(crate) const TOOL_CREDENTIALS: FieldType = FieldType::Configs(Configs {
    object: &CONFIG,
    fallback: Some("credentials_for_provider"),
    strict: false,
});

/// The credentials of a data source provider.
pub(crate) const DATASOURCE_CREDENTIALS: FieldType =
    FieldType::Configs(Configs { object: &CONFIG, fallback: None, strict: false });

/// The subscription schema of a trigger provider, and the credentials of its constructor.
pub(crate) const TRIGGER_CONFIGS: FieldType =
    FieldType::Configs(Configs { object: &CONFIG, fallback: None, strict: true });
