//! Model providers and models (`model_declaration.go`).

use serde_json::{Value as Json, json};

use super::template;
use super::text::{I18N, OPTIONAL_I18N};
use crate::error::ManifestError;
use crate::report::{Fields, Subject, fill_list, text};
use crate::schema::{Field, FieldType, Object, Rule};

pub(crate) static PROVIDER: Object = Object::new(&[
    Field::new("provider", FieldType::Text).rules(&[Rule::Required, LONGEST]),
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("description", FieldType::Optional(&I18N)),
    Field::new("icon_small", FieldType::Optional(&ICON)),
    Field::new("icon_large", FieldType::Optional(&ICON)),
    Field::new("icon_small_dark", FieldType::Optional(&ICON)),
    Field::new("icon_large_dark", FieldType::Optional(&ICON)),
    Field::new("background", FieldType::OptionalText),
    Field::new("help", FieldType::Optional(&HELP)),
    Field::new("supported_model_types", FieldType::Texts).rules(&[
        Rule::NotNull,
        Rule::AtMostItems(16),
        Rule::EachOneOf(TYPES),
    ]),
    Field::new("configurate_methods", FieldType::Texts).rules(&[
        Rule::NotNull,
        Rule::AtMostItems(16),
        Rule::EachOneOf(METHODS),
    ]),
    Field::new("provider_credential_schema", FieldType::Optional(&PROVIDER_CREDENTIALS)),
    Field::new("model_credential_schema", FieldType::Optional(&MODEL_CREDENTIALS)),
    Field::new("position", FieldType::Optional(&POSITION)).omitted_when_empty(),
    Field::new("models", FieldType::Models(&MODEL)),
])
.others(&["extra", "model_declarations"]);

pub(crate) static MODEL: Object = Object::new(&[
    Field::new("model", FieldType::Text).rules(&[Rule::Required, LONGEST]),
    Field::new("label", FieldType::Object(&OPTIONAL_I18N)),
    Field::new("model_type", FieldType::Text).rules(&[Rule::Required, Rule::OneOf(TYPES)]),
    Field::new("features", FieldType::Texts).rules(&[Rule::EachOneOf(FEATURES)]),
    Field::new("fetch_from", FieldType::Text).rules(&[Rule::OneOf(METHODS)]),
    Field::new("model_properties", FieldType::TextKeyMap).not_null(),
    Field::new("deprecated", FieldType::Bool),
    Field::new("parameter_rules", FieldType::ObjectsOrNone(&RULE)).rules(&[Rule::AtMostItems(128)]),
    Field::new("pricing", FieldType::Optional(&PRICING)),
])
.others(&["extra"])
.finish(|_, model| {
    if model.get("fetch_from") == Some(&Json::from("")) {
        model.insert("fetch_from".to_owned(), Json::from("predefined-model"));
    }
    let name = model.get("model").cloned().unwrap_or_default();
    if let Some(Json::Object(label)) = model.get_mut("label")
        && label.get("en_US") == Some(&Json::from(""))
    {
        label.insert("en_US".to_owned(), name);
    }
});

static RULE: Object = Object::new(&[
    Field::new("name", FieldType::Text).rules(&[Rule::Required, LONGEST]),
    Field::new("use_template", FieldType::OptionalText),
    Field::new("label", FieldType::Optional(&OPTIONAL_I18N)),
    Field::new("type", FieldType::OptionalText).rules(&[Rule::OneOf("float int string boolean text")]),
    Field::new("help", FieldType::Optional(&OPTIONAL_I18N)),
    Field::new("required", FieldType::Bool),
    Field::new("default", FieldType::Any).rules(&[Rule::Plain]),
    Field::new("min", FieldType::OptionalNumber),
    Field::new("max", FieldType::OptionalNumber),
    Field::new("precision", FieldType::OptionalInt),
    Field::new("options", FieldType::Texts).rules(&[Rule::EachAtMost(255)]),
])
.finish(fill_from_template);

/// Does what the daemon's `TransformTemplate` does. A label counts only if it has `en_US`, and is the rule's name
/// otherwise, so a template's label never shows.
fn fill_from_template(subject: &mut Subject<'_, '_>, rule: &mut Fields) {
    let label = rule.get("label").and_then(|label| label["en_US"].as_str()).unwrap_or_default();
    if label.is_empty() {
        let label = json!({"en_US": text(rule, "name")});
        rule.insert("label".to_owned(), label);
    }
    let name = text(rule, "use_template").to_owned();
    if name.is_empty() {
        if rule.get("type").is_none_or(Json::is_null) {
            let help = "write `type: float`, `int`, `string`, `boolean` or `text`, or `use_template:`";
            subject.warn("type", "missing", "a rule without `use_template` needs a type", help);
        }
    } else if let Some(template) = template::template(&name) {
        for (key, value) in template {
            let field = rule.entry(key).or_insert(Json::Null);
            if field.is_null() {
                *field = value;
            }
        }
    } else {
        let place = subject.at("use_template");
        let message = format!("there is no template `{name}`");
        let help = format!("use one of {}, or write the rule out", template::NAMES.replace(' ', ", "));
        let error = ManifestError::new(place.at, "no-such-template", message, help);
        subject.report.unreadable(error.in_field(place.field));
    }
    fill_list(rule, "options");
}

/// A link to help for users.
static HELP: Object = Object::new(&[
    Field::new("title", FieldType::Object(&I18N)),
    Field::new("url", FieldType::Object(&I18N)),
]);

/// An icon for each language.
static ICON: Object = Object::new(&[
    Field::new("en_US", FieldType::Text).required(),
    Field::new("ja_JP", FieldType::Text).omitted_when_empty(),
    Field::new("zh_Hans", FieldType::Text).omitted_when_empty(),
    Field::new("pt_BR", FieldType::Text).omitted_when_empty(),
])
.finish(|subject, icons| {
    for language in icons.keys() {
        subject.icon(language, icons);
    }
});

static PRICING: Object = Object::new(&[
    Field::new("input", FieldType::Decimal),
    Field::new("output", FieldType::OptionalDecimal),
    Field::new("unit", FieldType::Decimal),
    Field::new("currency", FieldType::Text).required(),
]);

static PROVIDER_CREDENTIALS: Object =
    Object::new(&[Field::new("credential_form_schemas", FieldType::ObjectsOrNone(&FORM))
        .rules(&[Rule::AtMostItems(32)])]);

static MODEL_CREDENTIALS: Object = Object::new(&[
    Field::new("model", FieldType::Object(&MODEL_FIELD)),
    Field::new("credential_form_schemas", FieldType::ObjectsOrNone(&FORM)).rules(&[Rule::AtMostItems(32)]),
]);

static MODEL_FIELD: Object = Object::new(&[
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("placeholder", FieldType::Optional(&I18N)),
]);

static FORM: Object = Object::new(&[
    Field::new("variable", FieldType::Text).rules(&[Rule::Required, LONGEST]),
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("type", FieldType::Text)
        .rules(&[Rule::Required, Rule::OneOf("text-input secret-input select radio switch")]),
    Field::new("required", FieldType::Bool),
    Field::new("default", FieldType::OptionalText).rules(&[LONGEST]),
    Field::new("options", FieldType::ObjectsOrNone(&FORM_OPTION)).rules(&[Rule::AtMostItems(128)]),
    Field::new("help", FieldType::Optional(&I18N)),
    Field::new("url", FieldType::OptionalText),
    Field::new("placeholder", FieldType::Optional(&I18N)),
    Field::new("max_length", FieldType::Int),
    Field::new("show_on", FieldType::ObjectsOrNone(&SHOW_ON)).rules(&[Rule::AtMostItems(16)]),
])
.finish(crate::check::form);

static FORM_OPTION: Object = Object::new(&[
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("value", FieldType::Text).rules(&[Rule::Required, LONGEST]),
    Field::new("show_on", FieldType::ObjectsOrNone(&SHOW_ON)).rules(&[Rule::AtMostItems(16)]),
]);

static SHOW_ON: Object = Object::new(&[
    Field::new("variable", FieldType::Text).rules(&[Rule::Required, LONGEST]),
    Field::new("value", FieldType::Text).rules(&[Rule::Required, LONGEST]),
]);

static POSITION: Object = Object::new(&[
    Field::new("llm", FieldType::Texts).omitted_when_empty(),
    Field::new("text_embedding", FieldType::Texts).omitted_when_empty(),
    Field::new("rerank", FieldType::Texts).omitted_when_empty(),
    Field::new("tts", FieldType::Texts).omitted_when_empty(),
    Field::new("speech2text", FieldType::Texts).omitted_when_empty(),
    Field::new("moderation", FieldType::Texts).omitted_when_empty(),
]);

const LONGEST: Rule = Rule::AtMost(255);

const TYPES: &str =
    "llm text-embedding rerank speech2text moderation tts text2img multimodal-embedding multimodal-rerank";

const METHODS: &str = "predefined-model customizable-model";

/// The features that Dify knows (`entities/model/schema.py` of the SDK). The daemon accepts any.
const FEATURES: &str = "tool-call multi-tool-call agent-thought vision stream-tool-call document video audio structured-output polling";
