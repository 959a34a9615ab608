//! Tools: the payloads of their requests, and the messages they send.

pub mod blob;
pub mod message;
pub mod parameter;
pub mod request;
pub mod value;
