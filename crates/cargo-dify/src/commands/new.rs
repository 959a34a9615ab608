//! `cargo dify new`: a plugin to begin with.

mod ask;
mod name;
mod templates;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::args::{New, PluginKind};
use crate::console::Console;
use crate::error::Error;
use crate::output::Output;
use name::{Author, Name};
use templates::Answers;

/// Asks what isn't said, where there is somebody to ask, and writes the plugin's folder.
pub(crate) fn run(args: &New, console: &Console) -> Result<(), Error> {
    let (dir, answers) = answers(args)?;
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file() {
        return Err(Error::Exists { path: dir });
    }
    let files = templates::files(&answers);
    for (path, text) in &files {
        write(&dir.join(path), text)?;
    }

    format(&dir, &files);
    let what = match answers.kind {
        PluginKind::Tool => "a plugin with a tool",
        PluginKind::Endpoint => "a plugin with an endpoint",
    };
    console.status("Created", &format!("{}: {what}, {} files. Next:", dir.display(), files.len()));
    let call = match answers.kind {
        PluginKind::Tool => format!("cargo dify call . tool {}/hello --param name=Ada", answers.name),
        PluginKind::Endpoint => "cargo dify call . endpoint GET /hello/Ada".to_owned(),
    };
    console.plain(&format!("  cd {}\n  cargo test\n  {call}\n  cargo dify package", dir.display()));
    if args.json {
        let paths: Vec<_> = files.iter().map(|(path, _)| path).collect();
        let said =
            json!({"dir": dir, "name": answers.name.as_str(), "kind": answers.kind.as_str(), "files": paths});
        Output::new(console).line(&said.to_string())?;
    }
    Ok(())
}

/// What the plugin is to be, from the command line, from whoever sits before the terminal, or as is usual.
fn answers(args: &New) -> Result<(PathBuf, Answers), Error> {
    let terminal = ask::terminal();
    let dir = match (&args.path, terminal) {
        (Some(path), _) => path.clone(),
        (None, true) => ask::until_legal("Name of the plugin (a-z, 0-9, - and _)", None, |text| {
            Name::of_folder(Path::new(text)).map(|_| PathBuf::from(text))
        })?,
        (None, false) => return Err(Error::NoName),
    };
    let name = Name::of_folder(&dir).map_err(Error::BadName)?;
    // Where everything is said there is nothing to ask.
    let asks = terminal && args.path.is_none();
    let kind = match args.kind {
        Some(kind) => kind,
        None if asks => ask::until_legal("A tool or an endpoint?", Some("tool"), |text| match text {
            "tool" => Ok(PluginKind::Tool),
            "endpoint" => Ok(PluginKind::Endpoint),
            _ => Err("write `tool` or `endpoint`".to_owned()),
        })?,
        None => PluginKind::Tool,
    };
    let usual = Author::of_this_machine();
    let author = match &args.author {
        Some(author) => author.parse().map_err(Error::BadName)?,
        None if asks => ask::until_legal("Author", Some(usual.as_str()), str::parse)?,
        None => usual,
    };
    let about = format!("Says hello; made with cargo dify as {name}.");
    let description = match &args.description {
        Some(description) => description.clone(),
        None if asks => ask::until_legal("What does it do?", Some(&about), |text| Ok(text.to_owned()))?,
        None => about,
    };
    if description.chars().any(|letter| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')) {
        return Err(Error::BadName(
            "the description has line breaks or control characters; write one line".to_owned(),
        ));
    }
    // The manifest is read from the plugin's folder.
    let crates = args.crates.as_deref().map(std::path::absolute).transpose().map_err(Error::Write)?;
    Ok((dir, Answers { name, kind, author, description, crates }))
}

/// Writes a file that isn't there.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    let save = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => Error::Exists { path: path.to_owned() },
        _ => Error::Save { file: path.to_owned(), source },
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(save)?;
    }
    let mut file = fs::File::create_new(path).map_err(save)?;
    file.write_all(text.as_bytes()).map_err(save)
}

/// Has the sources formatted, as a long name may break a line elsewhere. Without rustfmt they stay as they are.
fn format(dir: &Path, files: &[(String, String)]) {
    let sources = files.iter().filter(|(path, _)| path.ends_with(".rs")).map(|(path, _)| dir.join(path));
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024"]).args(sources);
    let _ = rustfmt.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}
