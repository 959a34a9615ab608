//! What the parameters of all kinds have in common (`constant.go`, `tool_declaration.go`).

use super::text::I18N;
use crate::schema::{Field, FieldType, Object, Rule};

pub(crate) static AUTO_GENERATE: Object = Object::new(&[
    Field::new("type", FieldType::Text).rules(&[Rule::Required, Rule::OneOf("prompt_instruction")])
]);

pub(crate) static TEMPLATE: Object = Object::new(&[Field::new("enabled", FieldType::Bool)]);

pub(crate) static OPTION: Object = Object::new(&[
    Field::new("value", FieldType::Text).required(),
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("icon", FieldType::Text),
])
.others(&["show_on"]);

/// The longest name and the longest scope.
pub(crate) const LONGEST_NAME: Rule = Rule::AtMost(1023);
pub(crate) const LONGEST_SCOPE: Rule = Rule::AtMost(1024);

/// The identity of a tool, an agent strategy or an event.
pub(crate) static IDENTITY: Object = Object::new(&[
    Field::new("author", FieldType::Text).required(),
    Field::new("name", FieldType::Text).rules(&[Rule::Required, Rule::Format(&super::text::NAME)]),
    Field::new("label", FieldType::Object(&I18N)),
])
.finish(crate::check::member_identity);

/// The identity of a tool or trigger provider.
pub(crate) static PROVIDER_IDENTITY: Object = Object::new(&[
    Field::new("author", FieldType::Text).required(),
    Field::new("name", FieldType::Text).rules(&[Rule::Required, Rule::Format(&super::text::NAME)]),
    // An empty one is inherited from the manifest.
    Field::new("description", FieldType::Object(&super::text::OPTIONAL_I18N)),
    Field::new("icon", FieldType::Text).required(),
    Field::new("icon_dark", FieldType::Text),
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("tags", FieldType::Texts).rules(&[Rule::EachOneOf(TAGS)]),
])
.finish(crate::check::provider_identity);

/// The categories of the marketplace (`manifest_entities/tags.go`).
pub(crate) const TAGS: &str = "search image videos weather finance design travel social news medical productivity education business entertainment utilities agent rag other trigger";
