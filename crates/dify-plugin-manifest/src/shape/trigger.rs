//! Triggers (`trigger_declaration.go`).

use super::config::{OAUTH, TRIGGER_CONFIGS};
use super::parameter::{AUTO_GENERATE, IDENTITY, PROVIDER_IDENTITY, TEMPLATE};
use super::text::I18N;
use crate::schema::{Field, FieldType, Object, Rule};

pub(crate) static PROVIDER: Object = Object::new(&[
    Field::new("identity", FieldType::Object(&PROVIDER_IDENTITY)),
    Field::new("subscription_schema", TRIGGER_CONFIGS),
    Field::new("subscription_constructor", FieldType::Written(&CONSTRUCTOR)),
    Field::new("events", FieldType::Members(&EVENT)),
])
.others(&["extra"]);

static CONSTRUCTOR: Object = Object::new(&[
    Field::new("parameters", FieldType::ObjectsOrNone(&PARAMETER)),
    Field::new("credentials_schema", TRIGGER_CONFIGS),
    Field::new("oauth_schema", FieldType::Object(&OAUTH)),
])
.others(&["extra"])
.finish(|subject, constructor| {
    // The daemon omits the field only if the key is absent, not if it is null.
    if subject.get("oauth_schema").is_none() {
        constructor.remove("oauth_schema");
    }
});

pub(crate) static EVENT: Object = Object::new(&[
    Field::new("identity", FieldType::Object(&IDENTITY)),
    Field::new("parameters", FieldType::Objects(&PARAMETER)),
    Field::new("description", FieldType::Object(&I18N)),
    Field::new("output_schema", FieldType::Map).omitted_when_empty(),
])
.others(&["extra"])
.finish(crate::check::parameters);

static PARAMETER: Object = Object::new(&[
    Field::new("name", FieldType::Text).required(),
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("type", FieldType::Text).rules(&[Rule::Required, Rule::OneOf(TYPES)]),
    Field::new("auto_generate", FieldType::Optional(&AUTO_GENERATE)).omitted_when_empty(),
    Field::new("template", FieldType::Optional(&TEMPLATE)).omitted_when_empty(),
    Field::new("scope", FieldType::OptionalText).omitted_when_empty(),
    Field::new("required", FieldType::Bool),
    Field::new("multiple", FieldType::Bool).omitted_when_empty(),
    Field::new("default", FieldType::Any).omitted_when_empty(),
    Field::new("min", FieldType::OptionalNumber).omitted_when_empty(),
    Field::new("max", FieldType::OptionalNumber).omitted_when_empty(),
    Field::new("precision", FieldType::OptionalInt).omitted_when_empty(),
    Field::new("options", FieldType::Objects(&OPTION)).omitted_when_empty(),
    Field::new("description", FieldType::Optional(&I18N)).omitted_when_empty(),
])
.finish(crate::check::parameter);

static OPTION: Object = Object::new(&[
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("value", FieldType::Any).required(),
])
.others(&["icon", "show_on"]);

const TYPES: &str = "string number boolean select file files model-selector app-selector object array dynamic-select checkbox";
