//! `cargo dify completions` and `cargo dify man`: the command line, for shells and for `man`.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::console::Console;
use crate::error::{Context, Error};
use crate::output::Output;

/// The program's own name. Shells complete that one; zsh finds it for `cargo dify` too.
const PROGRAM: &str = "cargo-dify";

/// Print a shell completion script
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo dify completions bash > ~/.local/share/bash-completion/completions/cargo-dify
  cargo dify completions zsh > ~/.zfunc/_cargo-dify     # completes `cargo dify` too
  cargo dify completions fish > ~/.config/fish/completions/cargo-dify.fish")]
pub(crate) struct Completions {
    /// Shell to complete in
    #[arg(value_enum)]
    shell: Shell,
}

/// Write the manual pages to a folder
///
/// There is a page for each command, such as cargo-dify-new.1, and cargo-dify.1 for all of them.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo dify man ~/.local/share/man/man1    # then: man cargo-dify, or: cargo help dify")]
pub(crate) struct Man {
    /// Folder to write to; it is created if needed
    dir: PathBuf,
}

/// Writes the completion script for the command line `cli`.
pub(crate) fn completions(args: &Completions, cli: Command, console: &Console) -> Result<(), Error> {
    Output::new(console).write(&script(args.shell, cli))
}

fn script(shell: Shell, cli: Command) -> Vec<u8> {
    let generate = |name: &'static str| {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut cli.name(name).bin_name(name), name, &mut script);
        script
    };
    if shell != Shell::Bash {
        return generate(PROGRAM);
    }
    // clap_complete 4.6's bash script finds no subcommands for a program with a hyphen in its name, since it spells that name in
    // two ways. So it is generated for another name, which is replaced where bash looks up the program to complete.
    const WITHOUT_HYPHEN: &str = "cargo_dify";
    let script = String::from_utf8_lossy(&generate(WITHOUT_HYPHEN)).into_owned();
    script.replace(&format!(" {WITHOUT_HYPHEN}\n"), &format!(" {PROGRAM}\n")).into_bytes()
}

/// Writes the manual pages for the command line `cli`.
pub(crate) fn pages(args: &Man, cli: Command, console: &Console) -> Result<(), Error> {
    let written =
        fs::create_dir_all(&args.dir).and_then(|()| clap_mangen::generate_to(cli.name(PROGRAM), &args.dir));
    written.context(format!("cannot write the manual pages to `{}`", args.dir.display()))?;
    console.status("Wrote", &format!("the manual pages to {}", args.dir.display()));
    Ok(())
}
