#![doc = include_str!("../README.md")]

mod object;
mod open_enum;
mod wire_object;

pub mod action;
pub mod app;
pub mod credentials;
pub mod daemon_frame;
pub mod endpoint;
pub mod envelope;
pub mod error;
pub mod frame;
pub mod hex;
pub mod invoke;
pub mod limits;
pub mod log;
pub mod message;
pub mod redact;
pub mod retriever;
pub mod salvage;
pub mod text;
pub mod tool;

pub use action::{AccessType, Action, RequestHeader};
pub use envelope::{Incoming, IncomingEvent, Outgoing, OutgoingEvent};
pub use error::ErrorData;
pub use invoke::{
    Failure, FailureKind, InvokeSpec, InvokeType, PermissionKey, ReverseEvent, ReverseRequest,
    ReverseResponse,
};
pub use log::{LogData, LogLevel};
pub use message::{MessageType, SessionMessage};

/// The revision of the plugin daemon that these types were checked against. It is independent of this crate's
/// version.
pub const DAEMON_REVISION: &str = "bdb5642";
