#![doc = include_str!("../README.md")]

mod plugin;

mod endpoint;
mod i18n;
mod identity;
mod manifest;
mod permission;
mod provider_config;
mod tool;
mod typed;

mod check;
mod reader;
mod report;
mod schema;
mod shape;
mod suggest;

mod declared_file;
mod error;
mod finding;
mod glob;
mod open_enum;
mod yaml;

pub use crate::declared_file::MAX_FILE_BYTES;
pub use crate::endpoint::{Endpoint, EndpointGroup, Method};
pub use crate::error::ManifestError;
pub use crate::finding::{Finding, Location, Severity};
pub use crate::glob::Glob;
pub use crate::i18n::I18n;
pub use crate::identity::IdentityError;
pub use crate::manifest::{Manifest, Meta, Resource, Runner};
pub use crate::permission::{ModelPermission, Permission, StoragePermission};
pub use crate::plugin::{Checked, Plugin, check};
pub use crate::provider_config::{ConfigOption, ConfigType, ProviderConfig};
pub use crate::reader::MAX_OBJECTS;
pub use crate::tool::{
    ParameterForm, ParameterOption, ParameterType, ProviderIdentity, Tool, ToolDescription, ToolIdentity,
    ToolParameter, ToolProvider,
};
pub use crate::yaml::MAX_DEPTH;
