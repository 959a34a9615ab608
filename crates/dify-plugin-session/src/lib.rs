#![doc = include_str!("../README.md")]

mod clock;
mod config;
mod connection;
mod core;
mod error;
mod handle;
mod link;
mod replies;
mod request;
mod session;
mod transport;

pub use config::{Config, ConfigError};
pub use connection::Connection;
pub use core::Stats;
pub use error::{ConnectionError, InvokeError, SendError};
pub use handle::Handle;
pub use replies::Replies;
pub use request::{Request, Responder};
pub use session::Session;

pub use dify_plugin_protocol as protocol;
