//! The command line: which commands there are.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{call, check, dev, inspect, install, manual, new, package, signing, test};
use crate::console::Console;
use crate::error::Error;

/// Create, run, check, package and install Dify plugins
#[derive(Debug, Parser)]
#[command(name = "cargo dify", bin_name = "cargo dify", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(new::New),
    Dev(dev::Dev),
    Call(call::Call),
    Check(check::Check),
    Package(package::PackageArgs),
    Test(test::Test),
    Inspect(inspect::Inspect),
    Keygen(signing::Keygen),
    Sign(signing::Sign),
    Verify(signing::Verify),
    Install(install::Install),
    Completions(manual::Completions),
    Man(manual::Man),
}

impl Cli {
    /// Reads the program's arguments. Ends the process with exit code 2 if they are wrong, and with 0 after `--help`.
    pub(crate) fn from_command_line() -> Self {
        let args = without_subcommand_name(std::env::args_os());
        Self::try_parse_from(args).unwrap_or_else(|error| without_secret(error).exit())
    }

    /// Runs the command.
    pub(crate) async fn run(self, console: &Console) -> Result<(), Error> {
        match self.command {
            Command::New(args) => new::run(&args, console),
            Command::Dev(args) => dev::run(&args, console).await,
            Command::Call(args) => call::run(&args, console).await,
            Command::Check(args) => check::run(&args, console),
            Command::Package(args) => package::run(&args, console),
            Command::Test(args) => test::run(&args, console).await,
            Command::Inspect(args) => inspect::run(&args, console),
            Command::Keygen(args) => signing::keygen(&args, console),
            Command::Sign(args) => signing::sign(&args, console),
            Command::Verify(args) => signing::verify(&args, console),
            Command::Install(args) => install::run(&args, console).await,
            Command::Completions(args) => manual::completions(&args, Self::command(), console),
            Command::Man(args) => manual::pages(&args, Self::command(), console),
        }
    }
}

/// Cargo runs `cargo-dify dify …` for `cargo dify …`; without cargo the word is missing.
fn without_subcommand_name(args: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    args.enumerate().filter(|(index, arg)| *index != 1 || arg != "dify").map(|(_, arg)| arg)
}

/// Removes the value that clap would repeat, where it may be a secret.
fn without_secret(mut error: clap::Error) -> clap::Error {
    let argument = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    if ["--credential", "--setting", "--app"].iter().any(|option| argument.starts_with(option)) {
        error.insert(ContextKind::InvalidValue, ContextValue::String("…".to_owned()));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
