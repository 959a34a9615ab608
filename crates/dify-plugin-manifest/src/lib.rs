#![doc = include_str!("../README.md")]

mod plugin;

mod endpoint;
mod i18n;
mod manifest;
mod permission;
mod provider_config;
mod tool;
mod validate;

mod error;
mod open_enum;
mod package;
mod yaml;

pub use crate::endpoint::{Endpoint, EndpointGroup, Method};
pub use crate::error::{Location, ManifestError, Problem};
pub use crate::i18n::I18n;
pub use crate::manifest::{InlineKinds, Manifest, Meta, PluginFiles, Resource, Runner};
pub use crate::package::{DeclaredFile, MAX_FILE_BYTES};
pub use crate::permission::{ModelPermission, Permission, StoragePermission};
pub use crate::plugin::Plugin;
pub use crate::provider_config::{ConfigOption, ConfigType, OAuthSchema, ProviderConfig};
pub use crate::tool::{
    ParameterForm, ParameterOption, ParameterType, Tool, ToolDescription, ToolIdentity, ToolParameter,
    ToolProvider, ToolProviderIdentity,
};
pub use crate::validate::IllegalManifest;
pub use crate::yaml::MAX_DEPTH;
