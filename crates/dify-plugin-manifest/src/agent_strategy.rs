//! Agent strategies: ways for a model to think and to use tools.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::i18n::I18n;
use crate::open_enum::open_enum;
use crate::tool::{ParameterOption, ProviderIdentity, ToolIdentity};

/// A provider of agent strategies (`pkg/entities/plugin_entities/agent_declaration.go`).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AgentStrategyProvider {
    /// Who the provider is.
    pub identity: ProviderIdentity,
    /// The strategies: those written in the provider's own file, then those of the files it names.
    #[serde(deserialize_with = "crate::typed::list")]
    pub strategies: Vec<AgentStrategy>,
}

/// An agent strategy.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AgentStrategy {
    /// Who the strategy is.
    pub identity: ToolIdentity,
    /// What it does.
    pub description: I18n,
    /// What it takes.
    #[serde(deserialize_with = "crate::typed::list")]
    pub parameters: Vec<AgentStrategyParameter>,
    /// The JSON Schema of what it yields.
    pub output_schema: Option<serde_json::Map<String, Json>>,
    /// What it can do, as in `history-messages`.
    #[serde(deserialize_with = "crate::typed::list")]
    pub features: Vec<String>,
}

/// A parameter of an agent strategy.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AgentStrategyParameter {
    /// The key under which the value reaches the plugin.
    pub name: String,
    /// The name shown to people.
    pub label: I18n,
    /// What it does, for people.
    pub help: I18n,
    /// The kind of value.
    #[serde(rename = "type")]
    pub parameter_type: AgentStrategyParameterType,
    /// `auto_generate.type`: how a value may be generated.
    #[serde(deserialize_with = "crate::typed::auto_generate")]
    pub auto_generate: Option<String>,
    /// `template.enabled`: whether the value is a template.
    #[serde(deserialize_with = "crate::typed::maybe_enabled")]
    pub template: Option<bool>,
    /// What a selector offers, or what an `any` may be.
    pub scope: Option<String>,
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
    /// What a select offers.
    #[serde(deserialize_with = "crate::typed::list")]
    pub options: Vec<ParameterOption>,
}

open_enum! {
    /// The kind of an agent strategy's parameter.
    AgentStrategyParameterType {
        /// Text:
        String = "string",
        /// A number:
        Number = "number",
        /// True or false:
        Boolean = "boolean",
        /// One of the options:
        Select = "select",
        /// Text that is kept secret:
        SecretInput = "secret-input",
        /// A file:
        File = "file",
        /// Files:
        Files = "files",
        /// A Dify app:
        AppSelector = "app-selector",
        /// A model:
        ModelSelector = "model-selector",
        /// A list of tools:
        Tools = "array[tools]",
        /// Any value, narrowed by the scope:
        Any = "any",
    }
}
