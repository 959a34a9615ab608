//! Reads every plugin below a folder and says what is wrong with which; as JSON, what the daemon would keep of it, too.
//!
//! ```sh
//! cargo run -p dify-plugin-manifest --example read_all -- path/to/plugins
//! cargo run -p dify-plugin-manifest --example read_all -- --json path/to/plugins > read.jsonl
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program's output")]

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use dify_plugin_manifest::{Checked, Severity, check};
use serde_json::json;

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let as_json = arguments.first().is_some_and(|first| first == "--json");
    if as_json {
        arguments.remove(0);
    }
    let [top] = &arguments[..] else {
        eprintln!(
            "usage: read_all [--json] FOLDER\nreads each plugin (a folder with a manifest.yaml) below FOLDER"
        );
        return ExitCode::from(2);
    };
    match read_all(Path::new(top), as_json) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether there was a plugin and the daemon takes every one.
fn read_all(top: &Path, as_json: bool) -> Result<bool, Box<dyn Error>> {
    let mut folders = Vec::new();
    find_plugins(top, &mut folders)?;
    folders.sort();

    let mut out = io::BufWriter::new(io::stdout().lock());
    let (mut fine, mut refused, mut misread) = (0, 0, 0);
    for folder in &folders {
        let checked = check(folder);
        let refusals =
            checked.findings.iter().filter(|finding| finding.severity == Severity::Refused).count();
        fine += usize::from(refusals == 0);
        refused += refusals;
        misread += checked.findings.len() - refusals;
        if as_json {
            writeln!(out, "{}", line(folder.strip_prefix(top)?, &checked))?;
        } else {
            for finding in &checked.findings {
                writeln!(out, "{}: {finding}", folder.display())?;
            }
        }
    }
    out.flush()?;
    eprintln!(
        "{fine} of {} plugins are taken; {refused} things are refused, {misread} misread",
        folders.len()
    );
    Ok(fine > 0 && fine == folders.len())
}

fn line(folder: &Path, checked: &Checked) -> serde_json::Value {
    let findings: Vec<_> = checked.findings.iter().map(ToString::to_string).collect();
    let refused = checked.findings.iter().any(|finding| finding.severity == Severity::Refused);
    match &checked.plugin {
        Ok(plugin) => {
            json!({"path": folder, "refused": refused, "findings": findings, "declaration": plugin.declaration})
        }
        Err(error) => {
            json!({"path": folder, "refused": refused, "findings": findings, "error": error.to_string()})
        }
    }
}

/// Collects the folders that hold a manifest.yaml; a plugin's own folders aren't searched.
fn find_plugins(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if folder.join("manifest.yaml").is_file() {
        found.push(folder.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            find_plugins(&entry.path(), found)?;
        }
    }
    Ok(())
}
