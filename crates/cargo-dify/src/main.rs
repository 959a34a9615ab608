#![doc = include_str!("../README.md")]

mod cli;
mod commands;

// What several commands share.
mod archive;
mod args;
mod assignment;
mod build;
mod declared;
mod endpoints;
mod keys;
mod launch;
mod narrator;
mod platform;
mod report;
mod startable;
mod stop;

mod console;
mod error;
mod humanize;
mod output;

use std::process::ExitCode;

use crate::cli::Cli;
use crate::console::Console;
use crate::error::Context;

fn main() -> ExitCode {
    let cli = Cli::from_command_line();
    let console = Console::new();
    // Results are written with blocking calls on this thread; the plugin's pipes are served by the workers.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = runtime
        .context("cannot start the async runtime")
        .and_then(|runtime| runtime.block_on(cli.run(&console)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console.error(&error);
            ExitCode::FAILURE
        }
    }
}
