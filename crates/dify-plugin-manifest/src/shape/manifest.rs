//! `manifest.yaml` (`plugin_declaration.go`).

use super::parameter::TAGS;
use super::text::I18N;
use super::{agent_strategy, datasource, endpoint, model, tool, trigger};
use crate::identity::is_version;
use crate::schema::{Field, Form, Kind, Object, Rule};

pub(crate) static MANIFEST: Object = Object::new(&[
    // Its form, and those of author and name, are `check`'s: the daemon refuses what breaks them.
    Field::new("version", Kind::Text),
    Field::new("type", Kind::Text).rules(&[Rule::Required, Rule::OneOf("plugin")]),
    Field::new("author", Kind::Text),
    Field::new("name", Kind::Text),
    Field::new("label", Kind::Object(&I18N)),
    Field::new("description", Kind::Object(&I18N)),
    Field::new("icon", Kind::Text).rules(&[Rule::Required, Rule::AtMost(128)]),
    Field::new("icon_dark", Kind::Text).rules(&[Rule::AtMost(128)]),
    Field::new("resource", Kind::Object(&RESOURCE)),
    Field::new("plugins", Kind::Object(&PLUGINS)),
    Field::new("meta", Kind::Object(&META)),
    Field::new("tags", Kind::Texts).rules(&[Rule::EachOneOf(TAGS)]),
    Field::new("created_at", Kind::Time).required(),
    Field::new("privacy", Kind::OptionalText).omitted_when_empty(),
    Field::new("repo", Kind::OptionalText).rules(&[Rule::Form(&URL)]).omitted_when_empty(),
    Field::new("verified", Kind::Bool),
    Field::new("endpoint", Kind::Optional(&endpoint::GROUP)).omitted_when_empty(),
    Field::new("model", Kind::Optional(&model::PROVIDER)).omitted_when_empty(),
    Field::new("tool", Kind::Optional(&tool::PROVIDER)).omitted_when_empty(),
    Field::new("agent_strategy", Kind::Optional(&agent_strategy::PROVIDER)).omitted_when_empty(),
    Field::new("datasource", Kind::Optional(&datasource::PROVIDER)).omitted_when_empty(),
    Field::new("trigger", Kind::Optional(&trigger::PROVIDER)).omitted_when_empty(),
])
.finish(crate::check::manifest);

static RESOURCE: Object = Object::new(&[
    Field::new("memory", Kind::Int).required(),
    Field::new("permission", Kind::Optional(&PERMISSION)).omitted_when_empty(),
]);

static PERMISSION: Object = Object::new(&[
    Field::new("tool", Kind::Optional(&SWITCH)).omitted_when_empty(),
    Field::new("model", Kind::Optional(&MODEL_PERMISSION)).omitted_when_empty(),
    Field::new("node", Kind::Optional(&SWITCH)).omitted_when_empty(),
    Field::new("endpoint", Kind::Optional(&SWITCH)).omitted_when_empty(),
    Field::new("app", Kind::Optional(&SWITCH)).omitted_when_empty(),
    Field::new("storage", Kind::Optional(&STORAGE)).omitted_when_empty(),
]);

static SWITCH: Object = Object::new(&[Field::new("enabled", Kind::Bool)]);

static MODEL_PERMISSION: Object = Object::new(&[
    Field::new("enabled", Kind::Bool),
    Field::new("llm", Kind::Bool),
    Field::new("text_embedding", Kind::Bool),
    Field::new("rerank", Kind::Bool),
    Field::new("tts", Kind::Bool),
    Field::new("speech2text", Kind::Bool),
    Field::new("moderation", Kind::Bool),
]);

static STORAGE: Object = Object::new(&[
    Field::new("enabled", Kind::Bool),
    Field::new("size", Kind::Size).rules(&[Rule::Between(1024, 1 << 30)]),
]);

static PLUGINS: Object = Object::new(&[
    Field::new("tools", Kind::Providers).rules(LONGEST_PATH),
    Field::new("models", Kind::Providers).rules(LONGEST_PATH),
    Field::new("endpoints", Kind::Providers).rules(LONGEST_PATH),
    Field::new("agent_strategies", Kind::Providers).rules(LONGEST_PATH),
    Field::new("datasources", Kind::Providers).rules(LONGEST_PATH),
    Field::new("triggers", Kind::Providers).rules(LONGEST_PATH),
]);

const LONGEST_PATH: &[Rule] = &[Rule::EachAtMost(128)];

static META: Object = Object::new(&[
    Field::new("version", Kind::Text).rules(&[Rule::Required, Rule::Form(&VERSION)]),
    Field::new("arch", Kind::Texts).rules(&[Rule::Required, Rule::EachOneOf("amd64 arm64")]),
    Field::new("runner", Kind::Object(&RUNNER)),
    Field::new("minimum_dify_version", Kind::OptionalText),
]);

static RUNNER: Object = Object::new(&[
    // What else it may be is `check`'s: a launch fails on it.
    Field::new("language", Kind::Text),
    Field::new("version", Kind::Text).rules(&[Rule::Required, Rule::AtMost(128)]),
    Field::new("entrypoint", Kind::Text).rules(&[Rule::Required, Rule::AtMost(256)]),
]);

/// `^\d{1,4}(\.\d{1,4}){2}(-\w{1,16})?$` (`manifest_entities/version.go`).
static VERSION: Form = Form { fits: |text| is_version(text, 3..=3), cure: crate::check::VERSION };

static URL: Form = Form {
    fits: |text| {
        text.split_once(':').is_some_and(|(scheme, rest)| {
            let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
            scheme.starts_with(|char: char| char.is_ascii_alphabetic())
                && scheme.bytes().all(letters)
                && !rest.trim_start_matches('/').is_empty()
                && !rest.contains(char::is_whitespace)
        })
    },
    cure: "write a whole URL, as in `https://example.com/plugin`, or leave the line out",
};
