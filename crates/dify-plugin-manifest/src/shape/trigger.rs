//! Triggers (`trigger_declaration.go`).

use serde_json::{Map, Value as Json};

use super::config::{OAUTH, trigger_configs};
use super::parameter::{AUTO_GENERATE, IDENTITY, PROVIDER_IDENTITY, TEMPLATE};
use super::text::I18N;
use super::{Field, Kind, Object, Rule};
use crate::reader::{Place, Reader};
use crate::yaml::{Raw, Value};

pub(crate) static PROVIDER: Object = Object::new(&[
    Field::new("identity", Kind::Object(&PROVIDER_IDENTITY)),
    Field::new("subscription_schema", Kind::Configs(trigger_configs)),
    Field::new("subscription_constructor", Kind::With(constructor)),
    Field::new("events", Kind::With(|reader, _, value| reader.members(value, &EVENT))),
])
.others(&["extra"]);

static CONSTRUCTOR: Object = Object::new(&[
    Field::new("parameters", Kind::ObjectsOrNone(&PARAMETER)),
    Field::new("credentials_schema", Kind::Configs(trigger_configs)),
    // Left out by `constructor` where it isn't written at all.
    Field::new("oauth_schema", Kind::Object(&OAUTH)),
])
.others(&["extra"]);

/// `subscription_constructor`, which counts only where it is written as a mapping.
fn constructor(reader: &mut Reader, place: &Place, value: Option<&Value<'_>>) -> Json {
    let Some(value) = value else { return Json::Null };
    if !matches!(value.raw(), Raw::Mapping) {
        if !value.is_null().unwrap_or(false) {
            reader.dropped(
                value,
                "the daemon drops what is not written as a mapping here",
                "write it out as lines of `key: value`",
            );
        }
        return Json::Null;
    }
    let mut constructor: Map<String, Json> = reader.object(place, Some(value), &CONSTRUCTOR);
    let given =
        reader.caught(value.mapping()).is_some_and(|mapping| reader.get(&mapping, "oauth_schema").is_some());
    if !given {
        constructor.remove("oauth_schema");
    }
    Json::Object(constructor)
}

pub(crate) static EVENT: Object = Object::new(&[
    Field::new("identity", Kind::Object(&IDENTITY)),
    Field::new("parameters", Kind::Objects(&PARAMETER)),
    Field::new("description", Kind::Object(&I18N)),
    Field::new("output_schema", Kind::Map).omitted_when_empty(),
])
.others(&["extra"])
.finish(crate::check::parameters);

static PARAMETER: Object = Object::new(&[
    Field::new("name", Kind::Text).required(),
    Field::new("label", Kind::Object(&I18N)),
    Field::new("type", Kind::Text).rules(&[Rule::Required, Rule::OneOf(TYPES)]),
    Field::new("auto_generate", Kind::Optional(&AUTO_GENERATE)).omitted_when_empty(),
    Field::new("template", Kind::Optional(&TEMPLATE)).omitted_when_empty(),
    Field::new("scope", Kind::OptionalText).omitted_when_empty(),
    Field::new("required", Kind::Bool),
    Field::new("multiple", Kind::Bool).omitted_when_empty(),
    Field::new("default", Kind::Any).omitted_when_empty(),
    Field::new("min", Kind::OptionalNumber).omitted_when_empty(),
    Field::new("max", Kind::OptionalNumber).omitted_when_empty(),
    Field::new("precision", Kind::OptionalInt).omitted_when_empty(),
    Field::new("options", Kind::Objects(&OPTION)).omitted_when_empty(),
    Field::new("description", Kind::Optional(&I18N)).omitted_when_empty(),
])
.finish(crate::check::parameter);

static OPTION: Object =
    Object::new(&[Field::new("label", Kind::Object(&I18N)), Field::new("value", Kind::Any).required()])
        .others(&["icon", "show_on"]);

const TYPES: &[&str] = &[
    "string",
    "number",
    "boolean",
    "select",
    "file",
    "files",
    "model-selector",
    "app-selector",
    "object",
    "array",
    "dynamic-select",
    "checkbox",
];
