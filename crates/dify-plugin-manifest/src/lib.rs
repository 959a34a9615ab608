#![doc = include_str!("../README.md")]

mod plugin;

mod agent_strategy;
mod datasource;
mod endpoint;
mod i18n;
mod manifest;
mod model;
mod permission;
mod provider_config;
mod tool;
mod trigger;
mod typed;
mod validate;

mod check;
mod reader;
mod shape;

mod edit;
mod error;
mod finding;
mod glob;
mod open_enum;
mod package;
mod yaml;

pub use crate::agent_strategy::{
    AgentStrategy, AgentStrategyParameter, AgentStrategyParameterType, AgentStrategyProvider,
};
pub use crate::datasource::{
    Datasource, DatasourceIdentity, DatasourceParameter, DatasourceParameterType, DatasourceProvider,
    DatasourceType,
};
pub use crate::edit::{Edit, EditError};
pub use crate::endpoint::{Endpoint, EndpointGroup, Method};
pub use crate::error::{Location, ManifestError, Problem};
pub use crate::finding::{Finding, Severity};
pub use crate::glob::Glob;
pub use crate::i18n::I18n;
pub use crate::manifest::{Kinds, Manifest, Meta, PluginFiles, Resource, Runner};
pub use crate::model::{
    ConfigurateMethod, CredentialForm, CredentialFormOption, CredentialFormType, Model,
    ModelCredentialSchema, ModelNameField, ModelProvider, ModelProviderHelp, ModelType, ParameterRule,
    ParameterRuleType, Pricing, ProviderCredentialSchema, ShowOn,
};
pub use crate::package::MAX_FILE_BYTES;
pub use crate::permission::{ModelPermission, Permission, StoragePermission};
pub use crate::plugin::{Checked, Plugin, check};
pub use crate::provider_config::{ConfigOption, ConfigType, OAuthSchema, ProviderConfig};
pub use crate::reader::MAX_OBJECTS;
pub use crate::tool::{
    ParameterForm, ParameterOption, ParameterType, ProviderIdentity, Tool, ToolDescription, ToolIdentity,
    ToolParameter, ToolProvider,
};
pub use crate::trigger::{
    Event, EventParameter, EventParameterOption, EventParameterType, SubscriptionConstructor, TriggerProvider,
};
pub use crate::validate::IllegalManifest;
pub use crate::yaml::MAX_DEPTH;
