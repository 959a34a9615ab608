//! What the scenarios and the comparison with the official SDK share: the plugins, and a daemon for them.
//!
//! The daemon here writes literal bytes into real pipes and reads the output as plain JSON. It uses none of our types, so
//! that the same mistake on both sides can't go unnoticed.

#![cfg(unix)]

mod binaries;
mod daemon;
mod launch;
pub mod lines;
mod pipes;
mod process;

pub use binaries::{example, repository};
pub use daemon::{Daemon, Exit};
pub use launch::Launch;
pub use process::Process;

/// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
