//! Declarations in; values, findings or an error out.
#![expect(clippy::unwrap_used, reason = "a test's own set-up")]

mod clean;
mod decode;
mod errors;
mod files;
mod glob;
mod limits;
mod mistakes;
mod plugin;
mod scalars;
