#![doc = include_str!("../README.md")]

mod plugin;

mod credentials;
mod endpoint;
mod tool;

mod show;

pub use credentials::{CredentialsCheck, CredentialsResult};
pub use endpoint::{EndpointRequest, EndpointResponse};
pub use plugin::TestPlugin;
pub use tool::{File, ToolRequest, ToolResult};

pub use dify_plugin_host::{
    Platform, PlatformError, Reply, ReverseCall, Script, ScriptedApp, SessionFailure, SessionInfo,
};
pub use dify_plugin_protocol::InvokeType;
pub use dify_plugin_protocol::tool::message::{ToolMessage, ToolMessageBody};
pub use http::{HeaderMap, Method, StatusCode};
