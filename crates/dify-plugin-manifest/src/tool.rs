//! Tool providers, tools and their parameters.

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
    /// The provider's identity. An empty description and empty tags are taken from the manifest.
    pub identity: ProviderIdentity,
    /// The credentials, from `credentials_schema` or else `credentials_for_provider`.
    #[serde(deserialize_with = "crate::typed::list")]
    pub credentials_schema: Vec<ProviderConfig>,
    /// The tools: first the inline ones, then those in files that the provider names.
    #[serde(deserialize_with = "crate::typed::list")]
    pub tools: Vec<Tool>,
}

/// The identity of a provider (`identity`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProviderIdentity {
    /// The author of the provider.
    pub author: String,
    /// The name by which calls address the provider.
    pub name: String,
    /// The description shown to users.
    pub description: I18n,
    /// The icon's path below `_assets/`.
    pub icon: String,
    /// The path of the icon for dark backgrounds; empty if there is none.
    pub icon_dark: String,
    /// The name shown to users.
    pub label: I18n,
    /// The categories under which the marketplace lists the provider.
    #[serde(deserialize_with = "crate::typed::list")]
    pub tags: Vec<String>,
}

/// A tool.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Tool {
    /// The tool's identity.
    pub identity: ToolIdentity,
    /// The descriptions for users and for models.
    pub description: ToolDescription,
    /// The parameters.
    #[serde(deserialize_with = "crate::typed::list")]
    pub parameters: Vec<ToolParameter>,
    /// The JSON Schema of the tool's output.
    pub output_schema: Option<serde_json::Map<String, Json>>,
    /// Whether Dify asks the plugin for further parameters at run time.
    pub has_runtime_parameters: bool,
}

/// The identity of a tool (`identity`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ToolIdentity {
    /// The author of the tool.
    pub author: String,
    /// The name by which calls address the tool.
    pub name: String,
    /// The name shown to users.
    pub label: I18n,
}

/// The descriptions of a tool (`description`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ToolDescription {
    /// The description for users.
    pub human: I18n,
    /// The description for the model that decides whether to call the tool.
    pub llm: String,
}

/// A parameter of a tool.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ToolParameter {
    /// The key under which the plugin receives the value.
    pub name: String,
    /// The name shown to users.
    pub label: I18n,
    /// The description for users.
    pub human_description: I18n,
    /// The type of the value.
    #[serde(rename = "type")]
    pub parameter_type: ParameterType,
    /// What a selector offers, or which types `any` allows.
    pub scope: Option<String>,
    /// Who provides the value.
    pub form: ParameterForm,
    /// The description for models.
    pub llm_description: String,
    /// Whether a value is required.
    pub required: bool,
    /// The default value, which may be any JSON whatever the parameter's type.
    pub default: Option<Json>,
    /// The smallest number allowed.
    pub min: Option<f64>,
    /// The largest number allowed.
    pub max: Option<f64>,
    /// Whether several options may be selected.
    pub multiple: bool,
    /// The number of decimal places.
    pub precision: Option<i64>,
    /// The options of a select.
    #[serde(deserialize_with = "crate::typed::list")]
    pub options: Vec<ParameterOption>,
}

/// An option of a select.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ParameterOption {
    /// The value. A scalar that is not text is kept as its source text: `1` for 1, `false` for false.
    pub value: String,
    /// The name shown to users.
    pub label: I18n,
    /// The path of an icon; empty if there is none.
    pub icon: String,
}

open_enum! {
    /// The type of a tool parameter.
    ParameterType {
        /// Text:
        String = "string",
        /// A number:
        Number = "number",
        /// True or false:
        Boolean = "boolean",
        /// One or several of the options:
        Select = "select",
        /// Secret text:
        SecretInput = "secret-input",
        /// A file:
        File = "file",
        /// Files:
        Files = "files",
        /// A Dify app:
        AppSelector = "app-selector",
        /// A model:
        ModelSelector = "model-selector",
        /// Any value that the scope allows:
        Any = "any",
        /// One of the options that the plugin returns at run time:
        DynamicSelect = "dynamic-select",
        /// A list:
        Array = "array",
        /// An object:
        Object = "object",
        /// A checkbox:
        Checkbox = "checkbox",
        /// A date:
        Date = "date",
        /// A range of dates:
        DateRange = "date-range",
    }
}

open_enum! {
    /// Who provides the value of a tool parameter.
    ParameterForm {
        /// The workflow:
        Schema = "schema",
        /// The user, before the tool runs:
        Form = "form",
        /// The model that calls the tool:
        Llm = "llm",
    }
}
