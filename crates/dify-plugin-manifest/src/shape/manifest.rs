//! `manifest.yaml` (`plugin_declaration.go`).

use super::parameter::TAGS;
use super::text::I18N;
use super::{agent_strategy, datasource, endpoint, model, tool, trigger};
use crate::identity::is_version;
use crate::schema::{Field, FieldType, Format, Object, Rule};

pub(crate) static MANIFEST: Object = Object::new(&[
    // The formats of version, author and name are checked in `check`, as the daemon refuses invalid ones.
    Field::new("version", FieldType::Text),
    Field::new("type", FieldType::Text).rules(&[Rule::Required, Rule::OneOf("plugin")]),
    Field::new("author", FieldType::Text),
    Field::new("name", FieldType::Text),
    Field::new("label", FieldType::Object(&I18N)),
    Field::new("description", FieldType::Object(&I18N)),
    Field::new("icon", FieldType::Text).rules(&[Rule::Required, Rule::AtMost(128)]),
    Field::new("icon_dark", FieldType::Text).rules(&[Rule::AtMost(128)]),
    Field::new("resource", FieldType::Object(&RESOURCE)),
    Field::new("plugins", FieldType::Object(&PLUGINS)),
    Field::new("meta", FieldType::Object(&META)),
    Field::new("tags", FieldType::Texts).rules(&[Rule::EachOneOf(TAGS)]),
    Field::new("created_at", FieldType::Time).required(),
    Field::new("privacy", FieldType::OptionalText).omitted_when_empty(),
    Field::new("repo", FieldType::OptionalText).rules(&[Rule::Format(&URL)]).omitted_when_empty(),
    Field::new("verified", FieldType::Bool),
    Field::new("endpoint", FieldType::Optional(&endpoint::GROUP)).omitted_when_empty(),
    Field::new("model", FieldType::Optional(&model::PROVIDER)).omitted_when_empty(),
    Field::new("tool", FieldType::Optional(&tool::PROVIDER)).omitted_when_empty(),
    Field::new("agent_strategy", FieldType::Optional(&agent_strategy::PROVIDER)).omitted_when_empty(),
    Field::new("datasource", FieldType::Optional(&datasource::PROVIDER)).omitted_when_empty(),
    Field::new("trigger", FieldType::Optional(&trigger::PROVIDER)).omitted_when_empty(),
])
.finish(crate::check::manifest);

static RESOURCE: Object = Object::new(&[
    Field::new("memory", FieldType::Int).required(),
    Field::new("permission", FieldType::Optional(&PERMISSION)).omitted_when_empty(),
]);

static PERMISSION: Object = Object::new(&[
    Field::new("tool", FieldType::Optional(&SWITCH)).omitted_when_empty(),
    Field::new("model", FieldType::Optional(&MODEL_PERMISSION)).omitted_when_empty(),
    Field::new("node", FieldType::Optional(&SWITCH)).omitted_when_empty(),
    Field::new("endpoint", FieldType::Optional(&SWITCH)).omitted_when_empty(),
    Field::new("app", FieldType::Optional(&SWITCH)).omitted_when_empty(),
    Field::new("storage", FieldType::Optional(&STORAGE)).omitted_when_empty(),
]);

static SWITCH: Object = Object::new(&[Field::new("enabled", FieldType::Bool)]);

static MODEL_PERMISSION: Object = Object::new(&[
    Field::new("enabled", FieldType::Bool),
    Field::new("llm", FieldType::Bool),
    Field::new("text_embedding", FieldType::Bool),
    Field::new("rerank", FieldType::Bool),
    Field::new("tts", FieldType::Bool),
    Field::new("speech2text", FieldType::Bool),
    Field::new("moderation", FieldType::Bool),
]);

static STORAGE: Object = Object::new(&[
    Field::new("enabled", FieldType::Bool),
    Field::new("size", FieldType::Size).rules(&[Rule::Between(1024, 1 << 30)]),
]);

static PLUGINS: Object = Object::new(&[
    Field::new("tools", FieldType::Providers).rules(LONGEST_PATH),
    Field::new("models", FieldType::Providers).rules(LONGEST_PATH),
    Field::new("endpoints", FieldType::Providers).rules(LONGEST_PATH),
    Field::new("agent_strategies", FieldType::Providers).rules(LONGEST_PATH),
    Field::new("datasources", FieldType::Providers).rules(LONGEST_PATH),
    Field::new("triggers", FieldType::Providers).rules(LONGEST_PATH),
]);

const LONGEST_PATH: &[Rule] = &[Rule::EachAtMost(128)];

static META: Object = Object::new(&[
    Field::new("version", FieldType::Text).rules(&[Rule::Required, Rule::Format(&VERSION)]),
    Field::new("arch", FieldType::Texts).rules(&[Rule::Required, Rule::EachOneOf("amd64 arm64")]),
    Field::new("runner", FieldType::Object(&RUNNER)),
    Field::new("minimum_dify_version", FieldType::OptionalText),
]);

static RUNNER: Object = Object::new(&[
    // Checked in `check`, as the daemon cannot start any other language.
    Field::new("language", FieldType::Text),
    Field::new("version", FieldType::Text).rules(&[Rule::Required, Rule::AtMost(128)]),
    Field::new("entrypoint", FieldType::Text).rules(&[Rule::Required, Rule::AtMost(256)]),
]);

/// `^\d{1,4}(\.\d{1,4}){2}(-\w{1,16})?$` (`manifest_entities/version.go`).
static VERSION: Format = Format { fits: |text| is_version(text, 3..=3), help: crate::check::VERSION };

static URL: Format = Format {
    fits: |text| {
        text.split_once(':').is_some_and(|(scheme, rest)| {
            let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
            scheme.starts_with(|char: char| char.is_ascii_alphabetic())
                && scheme.bytes().all(letters)
                && !rest.trim_start_matches('/').is_empty()
                && !rest.contains(char::is_whitespace)
        })
    },
    help: "write a whole URL, as in `https://example.com/plugin`, or leave the line out",
};
