// Its examples need the feature `axum`.
#![cfg_attr(any(feature = "axum", not(doctest)), doc = include_str!("../README.md"))]

mod describe;
mod dispatch;
mod environment;
mod error;
mod log;
mod payload;
mod plugin;
mod run;
mod session;
mod text;
mod tool;
mod watchdog;

pub mod endpoint;
pub mod file;

pub use error::{Error, Result};
pub use file::File;
pub use plugin::Plugin;
pub use session::Session;
pub use tool::{BlobMeta, LogEntry, NoParameters, Tool, ToolContext, ToolOutput};

pub use dify_plugin_app as app;
pub use dify_plugin_protocol as protocol;
pub use dify_plugin_protocol::tool::message::{LogMetadata, RetrieverResource};
pub use dify_plugin_protocol::tool::parameter::ToolParameter;
pub use dify_plugin_protocol::tool::request::CredentialType;
pub use dify_plugin_session as session_layer;
