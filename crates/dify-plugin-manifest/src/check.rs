//! Checks that need more than one field: values that depend on each other or on the rest of the plugin.

mod manifest;
mod member;
mod parameter;
mod whole;

pub(crate) use self::manifest::{VERSION, manifest};
pub(crate) use self::member::{datasource, endpoint, member_identity, parameters, provider_identity};
pub(crate) use self::parameter::{config, form, parameter};
pub(crate) use self::whole::whole;
