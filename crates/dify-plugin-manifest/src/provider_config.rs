//! Credentials and settings.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::i18n::I18n;
use crate::open_enum::open_enum;

/// A credential or setting that a user fills in (`pkg/entities/plugin_entities/config.go`).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProviderConfig {
    /// The key under which the plugin receives the value.
    pub name: String,
    /// The type of the value.
    #[serde(rename = "type")]
    pub config_type: ConfigType,
    /// What a selector offers, as in `chat&workflow`.
    pub scope: Option<String>,
    /// Whether a value is required.
    pub required: bool,
    /// The default value.
    pub default: Option<Json>,
    /// The options of a select.
    #[serde(deserialize_with = "crate::typed::list")]
    pub options: Vec<ConfigOption>,
    /// Whether several options may be selected.
    pub multiple: bool,
    /// The name shown to users.
    pub label: I18n,
    /// A text about where to find the value.
    pub help: Option<I18n>,
    /// The link of the help text.
    pub url: Option<String>,
    /// The text shown in an empty field.
    pub placeholder: Option<I18n>,
}

/// An option of a select.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ConfigOption {
    /// The value. A scalar that is not text is kept as its source text: `1` for 1, `false` for false.
    pub value: String,
    /// The name shown to users.
    pub label: I18n,
}

open_enum! {
    /// The type of a credential or setting.
    ConfigType {
        /// Text that is stored encrypted:
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
