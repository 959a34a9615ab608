#![doc = include_str!("../README.md")]

mod chunk;
mod command;
mod config;
mod dispatch;
mod encode;
mod endpoint;
mod error;
mod event;
mod frame;
mod host;
mod messages;
mod outbox;
mod pipe;
mod platform;
mod process;
mod reverse;
mod router;
mod script;
#[cfg(feature = "service-api")]
mod service_api;
mod session;
mod shared;
mod storage;
mod tap;
mod tool;

pub use command::{BinaryNotFound, PluginCommand};
pub use config::HostConfig;
pub use endpoint::{EndpointBody, EndpointError};
pub use error::{ExitCause, HostError, PluginExit, SessionFailure};
pub use event::{HostEvent, HostEvents, SessionEnd};
pub use host::{Host, HostStats, OpenSession};
pub use messages::Messages;
pub use platform::{Platform, PlatformError, Reply, ReverseCall, SessionInfo};
pub use router::Router;
pub use script::{Script, ScriptError, ScriptedApp};
#[cfg(feature = "service-api")]
pub use service_api::{ServiceApi, ServiceApiError};
pub use storage::Storage;
pub use tap::{Direction, Tap, TappedFrame, TappedFrames};
pub use tool::ToolMessages;
