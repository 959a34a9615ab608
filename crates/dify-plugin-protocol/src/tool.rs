//! Tools: what the daemon asks of them, and the messages they answer with.

pub mod blob;
pub mod message;
pub mod parameter;
pub mod request;
pub mod value;
