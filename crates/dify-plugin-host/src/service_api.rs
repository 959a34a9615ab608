//! A real Dify that answers for apps, through its public Service API.

mod app;
mod client;
mod error;
mod platform;
mod request;
mod sse;

pub use error::ServiceApiError;
pub use platform::ServiceApi;
