#![doc = include_str!("../README.md")]

mod args;
mod commands;
mod error;

mod answering;
mod build;
mod keys;
mod launch;

mod assignment;
mod declared;
mod hook;
mod route;

mod console;
mod narrator;
mod output;
mod stop;

mod report;
mod startable;
mod unpacked;

use std::process::ExitCode;

use crate::args::{Cli, Command};
use crate::commands::{call, check, dev, inspect, install, manual, new, package, signing, test};
use crate::console::Console;

fn main() -> ExitCode {
    let cli = Cli::from_command_line();
    let console = Console::new();
    // Answers are written with blocking calls, on this thread; the plugin's pipes are served on the workers.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = runtime.map_err(error::Error::Runtime).and_then(|runtime| {
        runtime.block_on(async {
            match &cli.command {
                Command::New(new) => new::run(new, &console),
                Command::Dev(dev) => dev::run(dev, &console).await,
                Command::Call(call) => call::run(call, &console).await,
                Command::Check(check) => check::run(check, &console),
                Command::Package(package) => package::run(package, &console),
                Command::Test(test) => test::run(test, &console).await,
                Command::Inspect(inspect) => inspect::run(inspect, &console),
                Command::Keygen(keygen) => signing::keygen(keygen, &console),
                Command::Sign(sign) => signing::sign(sign, &console),
                Command::Verify(verify) => signing::verify(verify, &console),
                Command::Install(install) => install::run(install, &console).await,
                Command::Completions(completions) => manual::completions(completions, &console),
                Command::Man(man) => manual::pages(man, &console),
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console.error(&error);
            ExitCode::FAILURE
        }
    }
}
