#![doc = include_str!("../README.md")]

mod answer;
mod apps;
mod blocking;
mod call;
mod error;
mod event;
mod fold;
mod interface;
mod kind;
mod outcome;
mod progress;
mod refusal;
mod stream;

pub use answer::{AnyAnswer, MessageAnswer, Pause, Run};
pub use apps::Apps;
pub use call::{AppCall, ChatCall, CompletionCall, WorkflowCall};
pub use error::{AppError, Received};
pub use event::Event;
pub use interface::{Chat, Completion, Interface, Workflow};
pub use kind::AppKind;
pub use outcome::Outcome;
pub use refusal::Refusal;
pub use stream::AppStream;

pub use dify_plugin_invoke::{Failure, FailureKind, FailureStage};
pub use dify_plugin_protocol::app::event::{AppEvent, ErrorEvent, EventError, MessageFileEvent, PauseReason};
pub use dify_plugin_protocol::app::metadata::{
    AppFile, AppMode, Metadata, RetrieverResource, RunStatus, Usage,
};
pub use dify_plugin_protocol::app::parameters::AppParameters;
pub use dify_plugin_protocol::app::request::{FileInput, FileType, TransferMethod};
