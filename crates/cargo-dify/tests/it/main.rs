//! The command as a user runs it. The plugin is a few lines of shell that run instead of Python, so that neither a build nor
//! Python is needed.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a scenario stops where it goes wrong")]

mod call;
mod check;
mod dev;
mod dify;
mod install;
mod manual;
mod new;
mod packaging;
mod pond;
mod restart;
mod signing;
mod test;
mod usage;
