//! The tables of declarations, one module for each kind.
//!
//! They follow the Go structs of `pkg/entities/plugin_entities/` field by field and in their order; the rules are those
//! structs' `validate:` tags. The daemon applies the rules in remote debugging but not to an uploaded
//! package, so breaking one is a warning.

pub(crate) mod agent_strategy;
mod config;
pub(crate) mod datasource;
pub(crate) mod endpoint;
pub(crate) mod manifest;
pub(crate) mod model;
mod parameter;
mod template;
mod text;
pub(crate) mod tool;
pub(crate) mod trigger;
