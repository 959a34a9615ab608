//! Data sources: where documents for knowledge bases come from.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::i18n::I18n;
use crate::open_enum::open_enum;
use crate::provider_config::{OAuthSchema, ProviderConfig};
use crate::tool::{ParameterOption, ProviderIdentity};

/// A provider of data sources (`pkg/entities/plugin_entities/datasource_declaration.go`).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DatasourceProvider {
    /// Who the provider is. It has no icon for a dark background, and nothing is filled from the manifest.
    pub identity: ProviderIdentity,
    /// What a person fills in.
    #[serde(deserialize_with = "crate::typed::list")]
    pub credentials_schema: Vec<ProviderConfig>,
    /// How the provider is authorised by OAuth.
    pub oauth_schema: Option<OAuthSchema>,
    /// What kind of source it is.
    pub provider_type: DatasourceType,
    /// The sources: those written in the provider's own file, then those of the files it names.
    #[serde(deserialize_with = "crate::typed::list")]
    pub datasources: Vec<Datasource>,
}

open_enum! {
    /// The kind of a data source.
    DatasourceType {
        /// Pages of web sites:
        WebsiteCrawl = "website_crawl",
        /// Documents of an online editor:
        OnlineDocument = "online_document",
        /// Files of an online drive:
        OnlineDrive = "online_drive",
    }
}

/// A data source.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Datasource {
    /// Who the source is.
    pub identity: DatasourceIdentity,
    /// What it takes.
    #[serde(deserialize_with = "crate::typed::list")]
    pub parameters: Vec<DatasourceParameter>,
    /// What it is.
    pub description: I18n,
    /// The JSON Schema of what it yields.
    pub output_schema: Option<serde_json::Map<String, Json>>,
}

/// `identity` of a data source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DatasourceIdentity {
    /// Who makes the source.
    pub author: String,
    /// The name by which a call addresses the source.
    pub name: String,
    /// The name shown to people.
    pub label: I18n,
    /// The icon's path below `_assets/`; empty when there is none.
    pub icon: String,
}

/// A parameter of a data source.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DatasourceParameter {
    /// The key under which the value reaches the plugin.
    pub name: String,
    /// The name shown to people.
    pub label: I18n,
    /// The kind of value.
    #[serde(rename = "type")]
    pub parameter_type: DatasourceParameterType,
    /// What a selector would offer; no type of a data source's parameters takes one.
    pub scope: Option<String>,
    /// Whether a value must be given.
    pub required: bool,
    /// `auto_generate.type`: how a value may be generated.
    #[serde(deserialize_with = "crate::typed::auto_generate")]
    pub auto_generate: Option<String>,
    /// `template.enabled`: whether the value is a template.
    #[serde(deserialize_with = "crate::typed::maybe_enabled")]
    pub template: Option<bool>,
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
    /// What it does, for people.
    pub description: I18n,
}

open_enum! {
    /// The kind of a data source's parameter.
    DatasourceParameterType {
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
    }
}
