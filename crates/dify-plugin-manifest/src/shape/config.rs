//! Credentials and settings, and OAuth (`config.go`, `oauth.go`).

use super::text::I18N;
use crate::schema::{Configs, Field, Kind, Object, Rule};

pub(crate) static CONFIG: Object = Object::new(&[
    Field::new("name", Kind::Text).rules(&[super::parameter::LONGEST_NAME]),
    Field::new("type", Kind::Text).rules(&[Rule::Required, Rule::OneOf(TYPES)]),
    Field::new("scope", Kind::OptionalText),
    Field::new("required", Kind::Bool),
    Field::new("default", Kind::Any).rules(&[Rule::Plain]),
    Field::new("options", Kind::Objects(&OPTION)).rules(&[Rule::AtMostItems(127)]),
    Field::new("multiple", Kind::Bool),
    Field::new("label", Kind::Object(&I18N)),
    Field::new("help", Kind::Optional(&I18N)),
    Field::new("url", Kind::OptionalText),
    Field::new("placeholder", Kind::Optional(&I18N)),
])
.finish(crate::check::config);

static OPTION: Object = Object::new(&[
    Field::new("value", Kind::Text).rules(&[Rule::Required, Rule::AtMost(127)]),
    Field::new("label", Kind::Object(&I18N)),
]);

const TYPES: &str = "secret-input text-input select boolean app-selector model-selector array[tools]";

pub(crate) static OAUTH: Object = Object::new(&[
    Field::new("client_schema", Kind::Objects(&CONFIG)).not_null(),
    Field::new("credentials_schema", Kind::Objects(&CONFIG)).not_null(),
]);

/// The credentials of a tool provider.
pub(crate) const TOOL_CREDENTIALS: Kind =
    Kind::Configs(Configs { object: &CONFIG, fallback: Some("credentials_for_provider"), strict: false });

/// The credentials of a data source provider.
pub(crate) const DATASOURCE_CREDENTIALS: Kind =
    Kind::Configs(Configs { object: &CONFIG, fallback: None, strict: false });

/// The subscription schema of a trigger provider, and the credentials of its constructor.
pub(crate) const TRIGGER_CONFIGS: Kind =
    Kind::Configs(Configs { object: &CONFIG, fallback: None, strict: true });
