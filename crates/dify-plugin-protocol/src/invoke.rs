//! Reverse invocations: calls that a plugin makes into Dify while it handles a request.

mod failure;
mod frames;
mod spec;

pub use failure::{Failure, FailureKind, FailureStage};
pub use frames::{ReverseEvent, ReverseRequest, ReverseResponse};
pub use spec::{InvokeSpec, InvokeType, PermissionKey};
