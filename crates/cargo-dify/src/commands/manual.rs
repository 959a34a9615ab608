//! What the command line is made of, for shells and for `man`.

use std::fs;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::{Cli, Completions, Man};
use crate::console::Console;
use crate::error::Error;
use crate::output::Output;

/// The program's own name: shells complete that, and zsh comes to it from `cargo dify` too.
const PROGRAM: &str = "cargo-dify";

/// Writes the completions of a shell to stdout.
pub(crate) fn completions(completions: &Completions, console: &Console) -> Result<(), Error> {
    Output::new(console).write(&script(completions.shell))
}

fn script(shell: Shell) -> Vec<u8> {
    let generate = |name: &'static str| {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command().name(name).bin_name(name), name, &mut script);
        script
    };
    if shell != Shell::Bash {
        return generate(PROGRAM);
    }
    // clap_complete 4.6's script for bash finds no subcommand of a program with a hyphen in its name: it writes that name in
    // two ways. The script takes the program's real name from bash, but for where it says what it completes.
    const WITHOUT_HYPHEN: &str = "cargo_dify";
    let script = String::from_utf8_lossy(&generate(WITHOUT_HYPHEN)).into_owned();
    script.replace(&format!(" {WITHOUT_HYPHEN}\n"), &format!(" {PROGRAM}\n")).into_bytes()
}

/// Writes the manual pages into a folder.
pub(crate) fn pages(man: &Man, console: &Console) -> Result<(), Error> {
    let failed = |source| Error::Save { file: man.dir.clone(), source };
    fs::create_dir_all(&man.dir).map_err(failed)?;
    clap_mangen::generate_to(Cli::command().name(PROGRAM), &man.dir).map_err(failed)?;
    console.status("Wrote", &format!("the manual pages into {}", man.dir.display()));
    Ok(())
}
