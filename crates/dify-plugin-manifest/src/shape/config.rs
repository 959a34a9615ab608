//! Credentials and settings, and OAuth (`config.go`, `oauth.go`).

use serde_json::Value as Json;

use super::text::I18N;
use super::{Field, Kind, Object, Rule};
use crate::reader::{Place, Reader};
use crate::yaml::{Mapping, Raw, Value};

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

const TYPES: &[&str] =
    &["secret-input", "text-input", "select", "boolean", "app-selector", "model-selector", "array[tools]"];

pub(crate) static OAUTH: Object = Object::new(&[
    Field::new("client_schema", Kind::Objects(&CONFIG)).not_null(),
    Field::new("credentials_schema", Kind::Objects(&CONFIG)).not_null(),
]);

/// The credentials of a tool provider: `credentials_schema`, or `credentials_for_provider` where the first holds nothing as
/// it is written, an alias included.
pub(crate) fn tool_credentials(
    reader: &mut Reader,
    provider: &Mapping<'_>,
    written: Option<&Value<'_>>,
) -> Json {
    let holds_something = |schema: &&Value<'_>| schema.content().is_ok_and(|content| !content.is_empty());
    if let Some(schema) = written.filter(holds_something) {
        return configs(reader, Some(schema), Entries::Lenient);
    }
    let fallback = reader.get(provider, "credentials_for_provider");
    configs(reader, fallback.as_ref(), Entries::Lenient)
}

/// The credentials of a data source provider.
pub(crate) fn datasource_credentials(
    reader: &mut Reader,
    _: &Mapping<'_>,
    written: Option<&Value<'_>>,
) -> Json {
    configs(reader, written, Entries::Lenient)
}

/// The subscription schema of a trigger provider, and its constructor's credentials.
pub(crate) fn trigger_configs(reader: &mut Reader, _: &Mapping<'_>, written: Option<&Value<'_>>) -> Json {
    configs(reader, written, Entries::Strict)
}

/// What happens to an entry of the mapping form whose value is no mapping.
#[derive(Clone, Copy, PartialEq)]
enum Entries {
    /// It is left out.
    Lenient,
    /// It is an error.
    Strict,
}

/// A schema in either form: a list, or a mapping whose keys are the names, in their order. Of the mapping form each entry
/// counts as it is written: a repeated key is two entries, and an alias is no mapping.
fn configs(reader: &mut Reader, schema: Option<&Value<'_>>, entries: Entries) -> Json {
    let Some(schema) = schema else { return Json::Array(Vec::new()) };
    let Raw::Mapping = schema.raw() else {
        return match reader.objects(Some(schema), &CONFIG) {
            Json::Null => Json::Array(Vec::new()),
            list => list,
        };
    };
    let Some(content) = reader.caught(schema.content()) else { return Json::Array(Vec::new()) };
    let mut configs = Vec::new();
    let mut name = "";
    for (index, item) in content.into_iter().enumerate() {
        let is_key = index % 2 == 0;
        match item.raw() {
            Raw::Scalar(text) if is_key => name = text,
            Raw::Mapping if !is_key || entries == Entries::Lenient => {
                let item = item.named(name);
                let mut config = reader.object(&Place::of(&item), Some(&item), &CONFIG);
                config.insert("name".to_owned(), Json::from(name));
                configs.push(Json::Object(config));
            }
            _ if entries == Entries::Strict => {
                reader.refuse_kind(&item.named(name), "a mapping (lines of `key: value`)");
            }
            _ => {
                reader.dropped(
                    &item.named(name),
                    "it is no mapping, and the daemon leaves it out without a word",
                    "write `type:`, `label:` and so on below the name",
                );
            }
        }
    }
    Json::Array(configs)
}
