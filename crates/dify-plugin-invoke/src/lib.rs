#![doc = include_str!("../README.md")]

mod calls;
mod error;
mod reply;
mod stream;

pub use calls::Calls;
pub use error::{CallError, Timeout};
pub use reply::FromReply;
pub use stream::ReplyStream;

pub use dify_plugin_protocol::invoke::{Failure, FailureKind, FailureStage, InvokeType, PermissionKey};
