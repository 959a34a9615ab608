//! Triggers: what starts a workflow from outside.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::i18n::I18n;
use crate::open_enum::open_enum;
use crate::provider_config::{OAuthSchema, ProviderConfig};
use crate::tool::{ProviderIdentity, ToolIdentity};

/// A provider of triggers (`pkg/entities/plugin_entities/trigger_declaration.go`).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TriggerProvider {
    /// Who the provider is. An empty description and empty tags are filled from the manifest.
    pub identity: ProviderIdentity,
    /// What a person fills in to subscribe.
    #[serde(deserialize_with = "crate::typed::list")]
    pub subscription_schema: Vec<ProviderConfig>,
    /// What is needed for the plugin to subscribe by itself.
    pub subscription_constructor: Option<SubscriptionConstructor>,
    /// The events: those written in the provider's own file, then those of the files it names.
    #[serde(deserialize_with = "crate::typed::list")]
    pub events: Vec<Event>,
}

/// What is needed for the plugin to subscribe by itself.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SubscriptionConstructor {
    /// What a person chooses.
    #[serde(deserialize_with = "crate::typed::list")]
    pub parameters: Vec<EventParameter>,
    /// The credentials.
    #[serde(deserialize_with = "crate::typed::list")]
    pub credentials_schema: Vec<ProviderConfig>,
    /// How the plugin is authorised by OAuth.
    pub oauth_schema: Option<OAuthSchema>,
}

/// An event.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Event {
    /// Who the event is.
    pub identity: ToolIdentity,
    /// What may be chosen of it.
    #[serde(deserialize_with = "crate::typed::list")]
    pub parameters: Vec<EventParameter>,
    /// When it happens.
    pub description: I18n,
    /// The JSON Schema of what it yields.
    pub output_schema: Option<serde_json::Map<String, Json>>,
}

/// A parameter of an event or of a subscription's constructor.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EventParameter {
    /// The key under which the value reaches the plugin.
    pub name: String,
    /// The name shown to people.
    pub label: I18n,
    /// The kind of value.
    #[serde(rename = "type")]
    pub parameter_type: EventParameterType,
    /// `auto_generate.type`: how a value may be generated.
    #[serde(deserialize_with = "crate::typed::auto_generate")]
    pub auto_generate: Option<String>,
    /// `template.enabled`: whether the value is a template.
    #[serde(deserialize_with = "crate::typed::maybe_enabled")]
    pub template: Option<bool>,
    /// What a selector offers.
    pub scope: Option<String>,
    /// Whether a value must be given.
    pub required: bool,
    /// Whether several of the options may be chosen.
    pub multiple: bool,
    /// The value when none is given.
    pub default: Option<Json>,
    /// The least number.
    pub min: Option<f64>,
    /// The greatest number.
    pub max: Option<f64>,
    /// Decimal places.
    pub precision: Option<i64>,
    /// What a select offers.
    #[serde(deserialize_with = "crate::typed::list")]
    pub options: Vec<EventParameterOption>,
    /// What it does, for people.
    pub description: Option<I18n>,
}

/// One choice of an event's parameter.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EventParameterOption {
    /// The value, which keeps its type.
    pub value: Json,
    /// The name shown to people.
    pub label: I18n,
}

open_enum! {
    /// The kind of an event's parameter.
    EventParameterType {
        /// Text:
        String = "string",
        /// A number:
        Number = "number",
        /// True or false:
        Boolean = "boolean",
        /// One of the options, or some:
        Select = "select",
        /// A file:
        File = "file",
        /// Files:
        Files = "files",
        /// A model:
        ModelSelector = "model-selector",
        /// A Dify app:
        AppSelector = "app-selector",
        /// An object:
        Object = "object",
        /// A list:
        Array = "array",
        /// One of the options that the plugin gives when asked:
        DynamicSelect = "dynamic-select",
        /// Boxes to tick:
        Checkbox = "checkbox",
    }
}
