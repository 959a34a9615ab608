//! Triggers (`trigger_declaration.go`).

use super::config::{OAUTH, TRIGGER_CONFIGS};
use super::parameter::{AUTO_GENERATE, IDENTITY, PROVIDER_IDENTITY, TEMPLATE};
use super::text::I18N;
use crate::schema::{Field, Kind, Object, Rule};

pub(crate) static PROVIDER: Object = Object::new(&[
    Field::new("identity", Kind::Object(&PROVIDER_IDENTITY)),
    Field::new("subscription_schema", TRIGGER_CONFIGS),
    Field::new("subscription_constructor", Kind::Written(&CONSTRUCTOR)),
    Field::new("events", Kind::Members(&EVENT)),
])
.others(&["extra"]);

static CONSTRUCTOR: Object = Object::new(&[
    Field::new("parameters", Kind::ObjectsOrNone(&PARAMETER)),
    Field::new("credentials_schema", TRIGGER_CONFIGS),
    Field::new("oauth_schema", Kind::Object(&OAUTH)),
])
.others(&["extra"])
.finish(|subject, constructor| {
    // Null counts as written.
    if subject.get("oauth_schema").is_none() {
        constructor.remove("oauth_schema");
    }
});

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

const TYPES: &str = "string number boolean select file files model-selector app-selector object array dynamic-select checkbox";
