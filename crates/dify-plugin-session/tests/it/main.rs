//! Scenarios: a connection on one end of a pipe, literal frames of a daemon on the other. Time is paused where it matters,
//! and the pipe is narrow, so that frames arrive in parts.

#![allow(clippy::unwrap_used, reason = "a scenario stops where it goes wrong")]

mod calls;
mod config;
mod daemon;
mod drain;
mod input;
mod limits;
mod locks;
mod model;
mod output;
mod scripts;
mod sessions;
