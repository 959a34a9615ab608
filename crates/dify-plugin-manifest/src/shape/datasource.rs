//! Data sources (`datasource_declaration.go`).

use super::config::{DATASOURCE_CREDENTIALS, OAUTH};
use super::parameter::{AUTO_GENERATE, LONGEST_NAME, LONGEST_SCOPE, OPTION, TAGS, TEMPLATE};
use super::text::I18N;
use crate::schema::{Field, Kind, Object, Rule};

pub(crate) static PROVIDER: Object = Object::new(&[
    Field::new("identity", Kind::Object(&PROVIDER_IDENTITY)),
    Field::new("credentials_schema", DATASOURCE_CREDENTIALS),
    Field::new("oauth_schema", Kind::Optional(&OAUTH)),
    Field::new("provider_type", Kind::Text)
        .rules(&[Rule::Required, Rule::OneOf("website_crawl online_document online_drive")]),
    Field::new("datasources", Kind::Members(&DATASOURCE)),
])
.others(&["extra"]);

static PROVIDER_IDENTITY: Object = Object::new(&[
    Field::new("author", Kind::Text).required(),
    Field::new("name", Kind::Text).required(),
    Field::new("description", Kind::Object(&I18N)),
    Field::new("icon", Kind::Text).required(),
    Field::new("label", Kind::Object(&I18N)),
    Field::new("tags", Kind::Texts).rules(&[Rule::EachOneOf(TAGS)]),
])
.finish(crate::check::provider_identity);

pub(crate) static DATASOURCE: Object = Object::new(&[
    Field::new("identity", Kind::Object(&IDENTITY)),
    Field::new("parameters", Kind::Objects(&PARAMETER)),
    Field::new("description", Kind::Object(&I18N)),
    Field::new("output_schema", Kind::Map).omitted_when_empty(),
])
.others(&["extra"])
.finish(crate::check::datasource);

static IDENTITY: Object = Object::new(&[
    Field::new("author", Kind::Text).required(),
    Field::new("name", Kind::Text).required(),
    Field::new("label", Kind::Object(&I18N)),
    Field::new("icon", Kind::Text),
])
.finish(crate::check::member_identity);

static PARAMETER: Object = Object::new(&[
    Field::new("name", Kind::Text).rules(&[Rule::Required, LONGEST_NAME]),
    Field::new("label", Kind::Object(&I18N)),
    Field::new("type", Kind::Text).rules(&[Rule::Required, Rule::OneOf(TYPES)]),
    Field::new("scope", Kind::OptionalText).rules(&[LONGEST_SCOPE]),
    Field::new("required", Kind::Bool),
    Field::new("auto_generate", Kind::Optional(&AUTO_GENERATE)),
    Field::new("template", Kind::Optional(&TEMPLATE)),
    Field::new("default", Kind::Any).rules(&[Rule::Plain]),
    Field::new("min", Kind::OptionalNumber),
    Field::new("max", Kind::OptionalNumber),
    Field::new("precision", Kind::OptionalInt),
    Field::new("options", Kind::Objects(&OPTION)),
    Field::new("description", Kind::Object(&I18N)),
])
.others(&["placeholder"])
.finish(crate::check::parameter);

const TYPES: &str = "string number boolean select secret-input";
