//! Checks many plugins and prints their problems; with `--json`, prints a line for each, with what the daemon would store.
//!
//! ```sh
//! cargo run -p dify-plugin-manifest --example read_all -- path/to/plugins
//! find path/to/plugins -name manifest.yaml -printf '%h\n' |
//!     cargo run -p dify-plugin-manifest --example read_all -- --json - > read.jsonl
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program's output")]

use std::error::Error;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use dify_plugin_manifest::{Checked, Severity, check};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args().skip(1).collect();
    let as_json = arguments.first().is_some_and(|first| first == "--json");
    if as_json {
        arguments.remove(0);
    }
    let [top] = &arguments[..] else {
        eprintln!(
            "usage: read_all [--json] FOLDER\nchecks each plugin (a folder with a manifest.yaml) below FOLDER,"
        );
        eprintln!("or with `-` as FOLDER, each folder named by a line of stdin");
        return ExitCode::from(2);
    };
    match read_all(top, as_json) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether there was at least one plugin and none is refused.
fn read_all(top: &str, as_json: bool) -> Result<bool, Box<dyn Error>> {
    let mut folders = Vec::new();
    if top == "-" {
        for line in io::stdin().lock().lines() {
            folders.push(PathBuf::from(line?));
        }
    } else {
        find_plugins(Path::new(top), &mut folders)?;
        folders.sort();
    }

    let mut out = io::BufWriter::new(io::stdout().lock());
    let (mut accepted, mut errors, mut warnings) = (0, 0, 0);
    for folder in &folders {
        let checked = check(folder);
        let refusals = checked.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        accepted += usize::from(refusals == 0);
        errors += refusals;
        warnings += checked.findings.len() - refusals;
        if as_json {
            writeln!(out, "{}", line(folder, &checked))?;
        } else {
            for finding in &checked.findings {
                writeln!(out, "{}: {finding}", folder.display())?;
            }
        }
    }
    out.flush()?;
    eprintln!("{accepted} of {} plugins are accepted; {errors} errors, {warnings} warnings", folders.len());
    Ok(accepted > 0 && accepted == folders.len())
}

fn line(folder: &Path, checked: &Checked) -> Value {
    // The result is compared with the daemon's, which accepts what only Dify refuses.
    let refused = checked
        .findings
        .iter()
        .any(|finding| finding.severity == Severity::Error && finding.code != "refused-by-dify");
    let findings: Vec<_> = checked.findings.iter().map(finding).collect();
    let mut line = json!({"path": folder, "refused": refused, "findings": findings});
    match &checked.plugin {
        Ok(plugin) => line["declaration"] = Value::Object(plugin.declaration.clone()),
        Err(error) => line["error"] = Value::from(error.to_string()),
    }
    line
}

fn finding(finding: &dify_plugin_manifest::Finding) -> Value {
    json!({
        "severity": finding.severity.as_str(),
        "code": finding.code,
        "at": finding.at.to_string(),
        "field": finding.field,
        "message": finding.message,
    })
}

/// Collects the folders that contain a manifest.yaml, without searching below them.
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
