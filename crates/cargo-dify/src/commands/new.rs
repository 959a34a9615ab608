//! `cargo dify new`: a new plugin.

mod ask;
mod name;
mod templates;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};
use serde_json::json;

use self::name::Name;
use self::templates::{Choices, PluginKind};
use crate::console::Console;
use crate::error::{Context, Error};
use crate::output;

/// Create a new plugin
///
/// The plugin builds, passes its test and the checks of `cargo dify check`, and can be packaged as it is. On a terminal, a command
/// without a name asks for everything that is not given; otherwise the defaults are used. Existing files are never overwritten.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo dify new                       # asks for everything
  cargo dify new weather --author pond
  cargo dify new hooks --kind endpoint --description 'Receives webhooks'")]
pub(crate) struct New {
    /// Folder to create; its last component is the plugin's name
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,

    /// What the plugin offers [default: tool]
    #[arg(long, value_enum)]
    kind: Option<PluginKind>,

    /// Author, as Dify shows it [default: your user name]
    #[arg(long, value_name = "NAME")]
    author: Option<String>,

    /// What the plugin does, in one sentence
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Folder with the source of dify-plugin [default: the one this command was built from, else the registry]
    #[arg(long, value_name = "DIR")]
    crates: Option<PathBuf>,

    /// Print the result to stdout as one JSON object
    #[arg(long)]
    json: bool,
}

/// Asks for what is missing and writes the plugin's folder.
pub(crate) fn run(args: &New, console: &Console) -> Result<(), Error> {
    let (dir, choices) = choices(args)?;
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file() {
        return Err(exists(&dir));
    }
    let files = templates::files(&choices);
    for (path, text) in &files {
        write(&dir.join(path), text)?;
    }
    format(&dir, &files);

    let (what, call) = match choices.kind {
        PluginKind::Tool => ("tool", format!("tool {}/hello --param name=Ada", choices.name)),
        PluginKind::Endpoint => ("endpoint", "endpoint GET /hello/Ada".to_owned()),
    };
    let dir = dir.display();
    console.status(
        "Created",
        &format!("a plugin with {} {what} in `{dir}`; next:", if what == "tool" { "a" } else { "an" }),
    );
    console.plain(&format!("  cd {dir}\n  cargo test\n  cargo dify call . {call}\n  cargo dify package"));
    if args.json {
        let paths: Vec<_> = files.iter().map(|(path, _)| path).collect();
        let dir = dir.to_string();
        output::json(
            &json!({"dir": dir, "name": choices.name.as_str(), "kind": what, "files": paths}),
            console,
        )?;
    }
    Ok(())
}

/// Returns the plugin's folder and what it becomes: from the command line, the terminal, or the defaults.
fn choices(args: &New) -> Result<(PathBuf, Choices), Error> {
    let terminal = ask::terminal();
    let dir = match (&args.path, terminal) {
        (Some(path), _) => path.clone(),
        (None, true) => ask::until_valid("Name of the plugin (a-z, 0-9, - and _)", None, |text| {
            Name::of_folder(Path::new(text)).map(|_| PathBuf::from(text))
        })?,
        (None, false) => {
            return Err(
                Error::new("the plugin has no name").with_help("add one, as in `cargo dify new my-plugin`")
            );
        }
    };
    let name = Name::of_folder(&dir).map_err(Error::new)?;
    // A name on the command line is enough for a script, even in a terminal.
    let asks = terminal && args.path.is_none();
    let kind = match args.kind {
        Some(kind) => kind,
        None if asks => ask::until_valid("A tool or an endpoint?", Some("tool"), |text| {
            PluginKind::from_str(text, true).map_err(|_| "enter `tool` or `endpoint`".to_owned())
        })?,
        None => PluginKind::Tool,
    };
    let user = name::user();
    let author = match &args.author {
        Some(author) => name::author(author).map_err(Error::new)?,
        None if asks => ask::until_valid("Author", Some(&user), name::author)?,
        None => user,
    };
    let about = format!("Says hello. Created by cargo dify as {name}.");
    let description = match &args.description {
        Some(description) => description.clone(),
        None if asks => ask::until_valid("What does it do?", Some(&about), |text| Ok(text.to_owned()))?,
        None => about,
    };
    if description.chars().any(|letter| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')) {
        return Err(Error::new("the description has line breaks or control characters; use a single line"));
    }
    // The path in Cargo.toml would otherwise be relative to the plugin's folder.
    let crates = args.crates.as_deref().map(std::path::absolute).transpose();
    let crates = crates.context("cannot find the current folder")?;
    Ok((dir, Choices { name, kind, author, description, crates }))
}

/// Writes a file that must not exist yet.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    let written = fs::create_dir_all(path.parent().unwrap_or(path))
        .and_then(|()| fs::File::create_new(path))
        .and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(path)),
        written => written.context(format!("cannot write `{}`", path.display())),
    }
}

fn exists(path: &Path) -> Error {
    let message = format!("`{}` already exists, and nothing is overwritten", path.display());
    Error::new(message).with_help("choose another name, or an empty folder")
}

/// Formats the sources, since a long name may need other line breaks. Without rustfmt they stay as they are.
fn format(dir: &Path, files: &[(String, String)]) {
    let sources = files.iter().filter(|(path, _)| path.ends_with(".rs")).map(|(path, _)| dir.join(path));
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024"]).args(sources);
    let _ = rustfmt.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}
