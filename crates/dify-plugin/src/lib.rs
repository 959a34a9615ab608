// Its examples need the feature `axum`.
#![cfg_attr(any(feature = "axum", not(doctest)), doc = include_str!("../README.md"))]

mod plugin;

pub mod endpoint;
mod tool;

mod actions;
mod context;
mod error;
pub mod file;
mod output;
mod session;

mod describe;
mod dispatch;
mod kind;
mod kinds;
mod payload;
mod process;
mod watchdog;

pub use actions::HandlerContext;
pub use context::RequestContext;
pub use error::{Error, Result};
pub use file::File;
pub use output::{BlobMeta, LogEntry, Output, RawOutput};
pub use plugin::Plugin;
pub use session::Session;
pub use tool::{NoParameters, Tool, ToolContext};

pub use dify_plugin_app as app;
pub use dify_plugin_protocol as protocol;
pub use dify_plugin_protocol::tool::message::{LogMetadata, RetrieverResource};
pub use dify_plugin_protocol::tool::parameter::ToolParameter;
pub use dify_plugin_protocol::tool::request::CredentialType;
pub use dify_plugin_session as session_layer;
pub use schemars;
