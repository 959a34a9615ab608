//! Tool providers, their tools and the tools' parameters.

use serde_json::Value as Json;

use crate::error::ManifestError;
use crate::i18n::I18n;
use crate::open_enum::open_enum;
use crate::package::DeclaredFile;
use crate::provider_config::{OAuthSchema, ProviderConfig};
use crate::yaml::{Decode, Raw, Value};

/// A tool provider (`pkg/entities/plugin_entities/tool_declaration.go`).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ToolProvider {
    /// Who the provider is. In a read [`Plugin`](crate::Plugin) an empty description and empty tags are filled
    /// from the manifest.
    pub identity: ToolProviderIdentity,
    /// What a person fills in, from `credentials_schema` or else `credentials_for_provider`.
    pub credentials_schema: Vec<ProviderConfig>,
    /// How the provider is authorised by OAuth.
    pub oauth_schema: Option<OAuthSchema>,
    /// The tools: those written inline, then in a read [`Plugin`](crate::Plugin) those of `tool_files`.
    pub tools: Vec<Tool>,
    /// The files that declare tools.
    pub tool_files: Vec<DeclaredFile>,
}

/// `identity` of a tool provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolProviderIdentity {
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
    pub tags: Vec<String>,
}

/// A tool.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Tool {
    /// Who the tool is.
    pub identity: ToolIdentity,
    /// What the tool does.
    pub description: ToolDescription,
    /// What it takes.
    pub parameters: Vec<ToolParameter>,
    /// The JSON Schema of what it yields.
    pub output_schema: Option<serde_json::Map<String, Json>>,
    /// Whether the plugin is asked for further parameters.
    pub has_runtime_parameters: bool,
}

/// `identity` of a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolDescription {
    /// For people.
    pub human: I18n,
    /// For the model that decides whether to call the tool.
    pub llm: String,
}

/// A parameter of a tool.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ToolParameter {
    /// The key under which the value reaches the plugin.
    pub name: String,
    /// The name shown to people.
    pub label: I18n,
    /// What the parameter does, for people.
    pub human_description: I18n,
    /// The kind of value.
    pub parameter_type: ParameterType,
    /// What a selector offers, or what an `any` may be.
    pub scope: Option<String>,
    /// Who gives the value.
    pub form: ParameterForm,
    /// What the parameter does, for a model.
    pub llm_description: String,
    /// Whether a value must be given.
    pub required: bool,
    /// `auto_generate.type`: how a value may be generated, as in `prompt_instruction`.
    pub auto_generate: Option<String>,
    /// `template.enabled`: whether the value is a template.
    pub template: Option<bool>,
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
    pub options: Vec<ParameterOption>,
}

/// One choice of a select.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

impl Decode for ToolProvider {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        let mut provider = Self {
            identity: map.field("identity")?,
            oauth_schema: map.field("oauth_schema")?,
            ..Self::default()
        };

        // The daemon falls back when the first schema holds nothing as it is written, an alias included.
        let preferred = match map.get("credentials_schema")? {
            Some(schema) if !schema.content()?.is_empty() => Some(schema),
            _ => None,
        };
        provider.credentials_schema = match preferred {
            Some(schema) => ProviderConfig::decode_schema(&schema)?,
            None => map.field::<CredentialsSchema>("credentials_for_provider")?.0,
        };

        if let Some(tools) = map.get("tools")?
            && let Raw::Sequence = tools.raw()
        {
            for item in tools.content()? {
                match item.raw() {
                    Raw::Scalar(path) => provider.tool_files.push(DeclaredFile::new(path, item.location())),
                    Raw::Mapping => provider.tools.push(Tool::decode(&item)?),
                    Raw::Sequence | Raw::Alias => {}
                }
            }
        }
        Ok(provider)
    }
}

/// A schema in either of its forms.
#[derive(Default)]
struct CredentialsSchema(Vec<ProviderConfig>);

impl Decode for CredentialsSchema {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        ProviderConfig::decode_schema(value).map(Self)
    }
}

impl Decode for ToolProviderIdentity {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self {
            author: map.field("author")?,
            name: map.field("name")?,
            description: map.field("description")?,
            icon: map.field("icon")?,
            icon_dark: map.field("icon_dark")?,
            label: map.field("label")?,
            tags: map.field("tags")?,
        })
    }
}

impl Decode for Tool {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self {
            identity: map.field("identity")?,
            description: map.field("description")?,
            parameters: map.field("parameters")?,
            output_schema: map.field("output_schema")?,
            has_runtime_parameters: map.field("has_runtime_parameters")?,
        })
    }
}

impl Decode for ToolIdentity {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self { author: map.field("author")?, name: map.field("name")?, label: map.field("label")? })
    }
}

impl Decode for ToolDescription {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self { human: map.field("human")?, llm: map.field("llm")? })
    }
}

impl Decode for ToolParameter {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self {
            name: map.field("name")?,
            label: map.field("label")?,
            human_description: map.field("human_description")?,
            parameter_type: map.field("type")?,
            scope: map.field("scope")?,
            form: map.field("form")?,
            llm_description: map.field("llm_description")?,
            required: map.field("required")?,
            auto_generate: map.field::<Option<AutoGenerate>>("auto_generate")?.map(|generate| generate.0),
            template: map.field::<Option<Template>>("template")?.map(|template| template.0),
            default: map.field("default")?,
            min: map.field("min")?,
            max: map.field("max")?,
            multiple: map.field("multiple")?,
            precision: map.field("precision")?,
            options: map.field("options")?,
        })
    }
}

struct AutoGenerate(String);

impl Decode for AutoGenerate {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        Ok(Self(value.mapping()?.field("type")?))
    }
}

struct Template(bool);

impl Decode for Template {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        Ok(Self(value.mapping()?.field("enabled")?))
    }
}

impl Decode for ParameterOption {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self { value: map.field("value")?, label: map.field("label")?, icon: map.field("icon")? })
    }
}
