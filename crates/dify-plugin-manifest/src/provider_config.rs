//! Credentials and settings: what a person fills in.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::i18n::I18n;
use crate::open_enum::open_enum;

/// One credential or setting that a person fills in (`pkg/entities/plugin_entities/config.go`).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProviderConfig {
    /// The key under which the value reaches the plugin.
    pub name: String,
    /// The kind of value.
    #[serde(rename = "type")]
    pub config_type: ConfigType,
    /// What a selector offers, as in `chat&workflow`.
    pub scope: Option<String>,
    /// Whether a value must be given.
    pub required: bool,
    /// The value when none is given.
    pub default: Option<Json>,
    /// What a select offers.
    #[serde(deserialize_with = "crate::typed::list")]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
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
