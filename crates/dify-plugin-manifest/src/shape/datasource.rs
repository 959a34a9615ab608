//! Data sources (`datasource_declaration.go`).

use super::config::{DATASOURCE_CREDENTIALS, OAUTH};
use super::parameter::{AUTO_GENERATE, LONGEST_NAME, LONGEST_SCOPE, OPTION, TAGS, TEMPLATE};
use super::text::I18N;
use crate::schema::{Field, FieldType, Object, Rule};

pub(crate) static PROVIDER: Object = Object::new(&[
    Field::new("identity", FieldType::Object(&PROVIDER_IDENTITY)),
    Field::new("credentials_schema", DATASOURCE_CREDENTIALS),
    Field::new("oauth_schema", FieldType::Optional(&OAUTH)),
    Field::new("provider_type", FieldType::Text)
        .rules(&[Rule::Required, Rule::OneOf("website_crawl online_document online_drive")]),
    Field::new("datasources", FieldType::Members(&DATASOURCE)),
])
.others(&["extra"]);

static PROVIDER_IDENTITY: Object = Object::new(&[
    Field::new("author", FieldType::Text).required(),
    Field::new("name", FieldType::Text).required(),
    Field::new("description", FieldType::Object(&I18N)),
    Field::new("icon", FieldType::Text).required(),
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("tags", FieldType::Texts).rules(&[Rule::EachOneOf(TAGS)]),
])
.finish(crate::check::provider_identity);

pub(crate) static DATASOURCE: Object = Object::new(&[
    Field::new("identity", FieldType::Object(&IDENTITY)),
    Field::new("parameters", FieldType::Objects(&PARAMETER)),
    Field::new("description", FieldType::Object(&I18N)),
    Field::new("output_schema", FieldType::Map).omitted_when_empty(),
])
.others(&["extra"])
.finish(crate::check::datasource);

static IDENTITY: Object = Object::new(&[
    Field::new("author", FieldType::Text).required(),
    Field::new("name", FieldType::Text).required(),
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("icon", FieldType::Text),
])
.finish(crate::check::member_identity);

static PARAMETER: Object = Object::new(&[
    Field::new("name", FieldType::Text).rules(&[Rule::Required, LONGEST_NAME]),
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("type", FieldType::Text).rules(&[Rule::Required, Rule::OneOf(TYPES)]),
    Field::new("scope", FieldType::OptionalText).rules(&[LONGEST_SCOPE]),
    Field::new("required", FieldType::Bool),
    Field::new("auto_generate", FieldType::Optional(&AUTO_GENERATE)),
    Field::new("template", FieldType::Optional(&TEMPLATE)),
    Field::new("default", FieldType::Any).rules(&[Rule::Plain]),
    Field::new("min", FieldType::OptionalNumber),
    Field::new("max", FieldType::OptionalNumber),
    Field::new("precision", FieldType::OptionalInt),
    Field::new("options", FieldType::Objects(&OPTION)),
    Field::new("description", FieldType::Object(&I18N)),
])
.others(&["placeholder"])
.finish(crate::check::parameter);

const TYPES: &str = "string number boolean select secret-input";
