//! Models: their providers, their parameters and what they cost.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::i18n::I18n;
use crate::open_enum::open_enum;

/// A provider of models (`pkg/entities/plugin_entities/model_declaration.go`).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ModelProvider {
    /// The name by which a call addresses the provider.
    pub provider: String,
    /// The name shown to people.
    pub label: I18n,
    /// What the provider offers; the manifest's description where none is given.
    pub description: Option<I18n>,
    /// The small icon's path below `_assets/`, by language.
    pub icon_small: Option<I18n>,
    /// The large icon's path.
    pub icon_large: Option<I18n>,
    /// The small icon's path for a dark background.
    pub icon_small_dark: Option<I18n>,
    /// The large icon's path for a dark background.
    pub icon_large_dark: Option<I18n>,
    /// The colour behind the icon.
    pub background: Option<String>,
    /// Where a person finds help.
    pub help: Option<ModelProviderHelp>,
    /// The types of model it has.
    #[serde(deserialize_with = "crate::typed::list")]
    pub supported_model_types: Vec<ModelType>,
    /// Whether its models are known beforehand, or set up by a person, or both.
    #[serde(deserialize_with = "crate::typed::list")]
    pub configurate_methods: Vec<ConfigurateMethod>,
    /// What a person fills in for the provider.
    pub provider_credential_schema: Option<ProviderCredentialSchema>,
    /// What a person fills in for a model of their own.
    pub model_credential_schema: Option<ModelCredentialSchema>,
    /// The order in which models are shown, by type; the names are those of the manifest, as in `text_embedding`.
    #[serde(deserialize_with = "crate::typed::lists")]
    pub position: Option<BTreeMap<String, Vec<String>>>,
    /// The models: those written in the provider's own file, then those of the files that its patterns name.
    #[serde(deserialize_with = "crate::typed::list")]
    pub models: Vec<Model>,
}

/// Where a person finds help with a model provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ModelProviderHelp {
    /// The text of the link.
    pub title: I18n,
    /// The URL of the link.
    pub url: I18n,
}

open_enum! {
    /// The type of a model.
    ModelType {
        /// A language model:
        Llm = "llm",
        /// Embeds text:
        TextEmbedding = "text-embedding",
        /// Puts documents in an order:
        Rerank = "rerank",
        /// Transcribes speech:
        SpeechToText = "speech2text",
        /// Moderates text:
        Moderation = "moderation",
        /// Speaks text:
        Tts = "tts",
        /// Makes images:
        TextToImage = "text2img",
        /// Embeds text and images:
        MultimodalEmbedding = "multimodal-embedding",
        /// Puts text and images in an order:
        MultimodalRerank = "multimodal-rerank",
    }
}

open_enum! {
    /// How a model comes to be known.
    ConfigurateMethod {
        /// By its declaration:
        Predefined = "predefined-model",
        /// By a person:
        Customizable = "customizable-model",
    }
}

/// A model.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Model {
    /// The name by which a call addresses the model.
    pub model: String,
    /// The name shown to people; the model's own where none is given.
    pub label: I18n,
    /// Its type.
    pub model_type: ModelType,
    /// What it can do, as in `tool-call`.
    #[serde(deserialize_with = "crate::typed::list")]
    pub features: Vec<String>,
    /// How it comes to be known.
    pub fetch_from: ConfigurateMethod,
    /// Properties, as in `context_size`.
    pub model_properties: Option<serde_json::Map<String, Json>>,
    /// Whether it should no longer be used.
    pub deprecated: bool,
    /// The parameters of a call.
    #[serde(deserialize_with = "crate::typed::list")]
    pub parameter_rules: Vec<ParameterRule>,
    /// What a call costs.
    pub pricing: Option<Pricing>,
}

/// A parameter of calls to a model, with what its template gave it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ParameterRule {
    /// The key under which the value reaches the plugin.
    pub name: String,
    /// The template that gives what is not written.
    pub use_template: Option<String>,
    /// The name shown to people; the rule's own where there is none in English.
    pub label: Option<I18n>,
    /// The kind of value.
    #[serde(rename = "type")]
    pub rule_type: Option<ParameterRuleType>,
    /// What it does, for people.
    pub help: Option<I18n>,
    /// Whether a value must be given.
    pub required: bool,
    /// The value when none is given.
    pub default: Option<Json>,
    /// The least number.
    pub min: Option<f64>,
    /// The greatest number.
    pub max: Option<f64>,
    /// Decimal places.
    pub precision: Option<i64>,
    /// What may be chosen.
    #[serde(deserialize_with = "crate::typed::list")]
    pub options: Vec<String>,
}

open_enum! {
    /// The kind of a model's parameter.
    ParameterRuleType {
        /// A number:
        Float = "float",
        /// A whole number:
        Int = "int",
        /// A line of text:
        String = "string",
        /// True or false:
        Boolean = "boolean",
        /// Text of several lines:
        Text = "text",
    }
}

/// What calls to a model cost. The prices are decimal numbers, kept as text so that no digit is lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Pricing {
    /// The price of what goes in.
    pub input: String,
    /// The price of what comes out.
    pub output: Option<String>,
    /// By what the price is multiplied for one token, as in `0.000001`.
    pub unit: String,
    /// The currency, as in `USD`.
    pub currency: String,
}

/// What a person fills in for a model provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProviderCredentialSchema {
    /// The fields.
    #[serde(deserialize_with = "crate::typed::list")]
    pub credential_form_schemas: Vec<CredentialForm>,
}

/// What a person fills in for a model of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ModelCredentialSchema {
    /// The field for the model's name.
    pub model: ModelNameField,
    /// The other fields.
    #[serde(deserialize_with = "crate::typed::list")]
    pub credential_form_schemas: Vec<CredentialForm>,
}

/// The field for a model's name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ModelNameField {
    /// What the field is called.
    pub label: I18n,
    /// What it shows while it is empty.
    pub placeholder: Option<I18n>,
}

/// A credential of a model provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CredentialForm {
    /// The key under which the value reaches the plugin.
    pub variable: String,
    /// The name shown to people.
    pub label: I18n,
    /// The kind of field.
    #[serde(rename = "type")]
    pub form_type: CredentialFormType,
    /// Whether a value must be given.
    pub required: bool,
    /// The value when none is given.
    pub default: Option<String>,
    /// What may be chosen.
    #[serde(deserialize_with = "crate::typed::list")]
    pub options: Vec<CredentialFormOption>,
    /// Where to find the value.
    pub help: Option<I18n>,
    /// A link that goes with the help.
    pub url: Option<String>,
    /// What an empty field shows.
    pub placeholder: Option<I18n>,
    /// The most characters that a value may have; 0 for no limit.
    pub max_length: i64,
    /// The field shows only where all of these hold.
    #[serde(deserialize_with = "crate::typed::list")]
    pub show_on: Vec<ShowOn>,
}

/// One choice of a credential.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CredentialFormOption {
    /// The name shown to people.
    pub label: I18n,
    /// The value.
    pub value: String,
    /// The choice shows only where all of these hold.
    #[serde(deserialize_with = "crate::typed::list")]
    pub show_on: Vec<ShowOn>,
}

/// A field's value on which something depends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ShowOn {
    /// The field's key.
    pub variable: String,
    /// The value it must have.
    pub value: String,
}

open_enum! {
    /// The kind of a field for a model provider's credential.
    CredentialFormType {
        /// Text:
        TextInput = "text-input",
        /// Text that is kept encrypted:
        SecretInput = "secret-input",
        /// One of the options, in a list to open:
        Select = "select",
        /// One of the options, all shown:
        Radio = "radio",
        /// True or false:
        Switch = "switch",
    }
}
