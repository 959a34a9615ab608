//! The commands, one a file.

pub(crate) mod call;
pub(crate) mod check;
pub(crate) mod dev;
pub(crate) mod inspect;
pub(crate) mod install;
pub(crate) mod manual;
pub(crate) mod new;
pub(crate) mod package;
pub(crate) mod signing;
pub(crate) mod test;
