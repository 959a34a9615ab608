#![doc = include_str!("../README.md")]

mod config;
mod connection;
mod core;
mod error;
mod heartbeat;
mod link;
mod output;
mod replies;
mod request;
mod session;
mod text;
mod transport;

pub use config::{Config, ConfigError};
pub use connection::{Connection, Handle};
pub use core::Stats;
pub use error::{ConnectionError, InvokeError, SendError};
pub use replies::Replies;
pub use request::{HeldBytes, Payload, Request, Responder};
pub use session::Session;
#[cfg(all(unix, feature = "stdio"))]
pub use transport::restore_stdio;

pub use dify_plugin_protocol as protocol;
