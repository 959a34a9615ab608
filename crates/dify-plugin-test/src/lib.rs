#![doc = include_str!("../README.md")]

mod plugin;

mod credentials;
mod endpoint;
mod tool;

mod dify;
mod show;

pub use credentials::{CredentialsAnswer, CredentialsCheck};
pub use endpoint::{EndpointAnswer, EndpointCall};
pub use plugin::TestPlugin;
pub use tool::{File, ToolAnswer, ToolCall};

pub use dify_plugin_host::{
    Platform, PlatformError, Reply, ReverseCall, Script, ScriptedApp, SessionFailure, SessionInfo,
};
pub use dify_plugin_protocol::InvokeType;
pub use dify_plugin_protocol::tool::message::{ToolMessage, ToolMessageBody};
pub use http::{HeaderMap, Method, StatusCode};
