//! Tool providers, their tools and the tools' parameters.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::i18n::I18n;
use crate::open_enum::open_enum;
use crate::provider_config::ProviderConfig;

/// A tool provider (`pkg/entities/plugin_entities/tool_declaration.go`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ToolProvider {
    /// Who the provider is. In a read [`Plugin`](crate::Plugin) an empty description and empty tags are filled
    /// from the manifest.
    pub identity: ProviderIdentity,
    /// What a person fills in, from `credentials_schema` or else `credentials_for_provider`.
    #[serde(deserialize_with = "crate::typed::list")]
    pub credentials_schema: Vec<ProviderConfig>,
    /// The tools: those written in the provider's own file, then those of the files it names.
    #[serde(deserialize_with = "crate::typed::list")]
    pub tools: Vec<Tool>,
}

/// `identity` of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProviderIdentity {
    /// Who makes the provider.
    pub author: String,
    /// The name by which a call addresses the provider.
    pub name: String,
    /// What the provider offers.
    pub description: I18n,
    /// The icon's path below `_assets/`.
    pub icon: String,
    /// The path of the icon for a dark background; empty when there is none.
    pub icon_dark: String,
    /// The name shown to people.
    pub label: I18n,
    /// Where to find it in a catalogue.
    #[serde(deserialize_with = "crate::typed::list")]
    pub tags: Vec<String>,
}

/// A tool.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Tool {
    /// Who the tool is.
    pub identity: ToolIdentity,
    /// What the tool does.
    pub description: ToolDescription,
    /// What it takes.
    #[serde(deserialize_with = "crate::typed::list")]
    pub parameters: Vec<ToolParameter>,
    /// The JSON Schema of what it yields.
    pub output_schema: Option<serde_json::Map<String, Json>>,
    /// Whether the plugin is asked for further parameters.
    pub has_runtime_parameters: bool,
}

/// `identity` of a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ToolIdentity {
    /// Who makes the tool.
    pub author: String,
    /// The name by which a call addresses the tool.
    pub name: String,
    /// The name shown to people.
    pub label: I18n,
}

/// `description` of a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ToolDescription {
    /// For people.
    pub human: I18n,
    /// For the model that decides whether to call the tool.
    pub llm: String,
}

/// A parameter of a tool.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ToolParameter {
    /// The key under which the value reaches the plugin.
    pub name: String,
    /// The name shown to people.
    pub label: I18n,
    /// What the parameter does, for people.
    pub human_description: I18n,
    /// The kind of value.
    #[serde(rename = "type")]
    pub parameter_type: ParameterType,
    /// What a selector offers, or what an `any` may be.
    pub scope: Option<String>,
    /// Who gives the value.
    pub form: ParameterForm,
    /// What the parameter does, for a model.
    pub llm_description: String,
    /// Whether a value must be given.
    pub required: bool,
    /// The value when none is given; any JSON, whatever the parameter's type.
    pub default: Option<Json>,
    /// The least number.
    pub min: Option<f64>,
    /// The greatest number.
    pub max: Option<f64>,
    /// Whether several of the options may be chosen.
    pub multiple: bool,
    /// The decimal places of a number.
    pub precision: Option<i64>,
    /// What a select offers.
    #[serde(deserialize_with = "crate::typed::list")]
    pub options: Vec<ParameterOption>,
}

/// One choice of a select.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ParameterOption {
    /// The value; the source text of a scalar that isn't text (`1` for 1, `false` for false).
    pub value: String,
    /// The name shown to people.
    pub label: I18n,
    /// The path of an icon; empty when there is none.
    pub icon: String,
}

open_enum! {
    /// The kind of a tool parameter.
    ParameterType {
        /// Text:
        String = "string",
        /// A number:
        Number = "number",
        /// True or false:
        Boolean = "boolean",
        /// One of the options, or some:
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
        /// Any value, narrowed by the scope:
        Any = "any",
        /// One of the options that the plugin gives when asked:
        DynamicSelect = "dynamic-select",
        /// A list:
        Array = "array",
        /// An object:
        Object = "object",
        /// A box to tick:
        Checkbox = "checkbox",
        /// A day:
        Date = "date",
        /// A span of days:
        DateRange = "date-range",
    }
}

open_enum! {
    /// Who gives the value of a tool parameter.
    ParameterForm {
        /// The workflow:
        Schema = "schema",
        /// A person, before the tool runs:
        Form = "form",
        /// The model that calls the tool:
        Llm = "llm",
    }
}
