//! Credentials and settings: what a person fills in.

use serde_json::Value as Json;

use crate::error::ManifestError;
use crate::i18n::I18n;
use crate::open_enum::open_enum;
use crate::yaml::{Decode, Raw, Value};

/// One credential or setting that a person fills in (`pkg/entities/plugin_entities/config.go`).
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ProviderConfig {
    /// The key under which the value reaches the plugin.
    pub name: String,
    /// The kind of value.
    pub config_type: ConfigType,
    /// What a selector offers, as in `chat&workflow`.
    pub scope: Option<String>,
    /// Whether a value must be given.
    pub required: bool,
    /// The value when none is given.
    pub default: Option<Json>,
    /// What a select offers.
    pub options: Vec<ConfigOption>,
    /// Whether several of the options may be chosen.
    pub multiple: bool,
    /// The name shown to people.
    pub label: I18n,
    /// Where to find the value.
    pub help: Option<I18n>,
    /// A link that goes with the help.
    pub url: Option<String>,
    /// What an empty field shows.
    pub placeholder: Option<I18n>,
}

/// One choice of a select.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigOption {
    /// The value; the source text of a scalar that isn't text (`1` for 1, `false` for false).
    pub value: String,
    /// The name shown to people.
    pub label: I18n,
}

open_enum! {
    /// The kind of a credential or setting.
    ConfigType {
        /// Text that is kept encrypted:
        SecretInput = "secret-input",
        /// Text:
        TextInput = "text-input",
        /// One of the options:
        Select = "select",
        /// True or false:
        Boolean = "boolean",
        /// A Dify app, an object with `app_id`:
        AppSelector = "app-selector",
        /// A model, an object with `provider`, `model` and `model_type`:
        ModelSelector = "model-selector",
        /// A list of tools:
        Tools = "array[tools]",
    }
}

/// `oauth_schema`: how a provider is authorised by OAuth (`pkg/entities/plugin_entities/oauth.go`).
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct OAuthSchema {
    /// What an administrator fills in.
    pub client_schema: Vec<ProviderConfig>,
    /// What the authorisation yields.
    pub credentials_schema: Vec<ProviderConfig>,
}

impl ProviderConfig {
    /// Reads a schema in either form: a list, or a mapping whose keys are the names, in their order.
    ///
    /// The mapping is read as the daemon reads it (`tool_declaration.go`): an entry whose value isn't a mapping
    /// is left out, and a repeated key is two entries.
    pub(crate) fn decode_schema(schema: &Value<'_>) -> Result<Vec<Self>, ManifestError> {
        let Raw::Mapping = schema.raw() else {
            return Vec::decode(schema);
        };
        let mut configs = Vec::new();
        let mut name = "";
        for item in schema.content()? {
            match item.raw() {
                Raw::Scalar(text) => name = text,
                Raw::Mapping => {
                    let mut config = Self::decode(&item.named(name))?;
                    name.clone_into(&mut config.name);
                    configs.push(config);
                }
                Raw::Sequence | Raw::Alias => {}
            }
        }
        Ok(configs)
    }
}

impl Decode for ProviderConfig {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self {
            name: map.field("name")?,
            config_type: map.field("type")?,
            scope: map.field("scope")?,
            required: map.field("required")?,
            default: map.field("default")?,
            options: map.field("options")?,
            multiple: map.field("multiple")?,
            label: map.field("label")?,
            help: map.field("help")?,
            url: map.field("url")?,
            placeholder: map.field("placeholder")?,
        })
    }
}

impl Decode for ConfigOption {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self { value: map.field("value")?, label: map.field("label")? })
    }
}

impl Decode for OAuthSchema {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self {
            client_schema: map.field("client_schema")?,
            credentials_schema: map.field("credentials_schema")?,
        })
    }
}
