//! Reads every plugin below a folder and says which ones the daemon would refuse, and why.
//!
//! ```sh
//! cargo run -p dify-plugin-manifest --example read_all -- path/to/plugins
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program's output")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use dify_plugin_manifest::Plugin;

fn main() -> ExitCode {
    let Some(top) = std::env::args_os().nth(1) else {
        eprintln!("usage: read_all FOLDER\nreads each plugin (a folder with a manifest.yaml) below FOLDER");
        return ExitCode::from(2);
    };
    match read_all(Path::new(&top)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether there was a plugin and every one is fine.
fn read_all(top: &Path) -> Result<bool, Box<dyn Error>> {
    let mut folders = Vec::new();
    find_plugins(top, &mut folders)?;
    folders.sort();

    let (mut fine, mut tools, mut parameters, mut endpoints) = (0, 0, 0, 0);
    for folder in &folders {
        let plugin = match Plugin::read(folder) {
            Ok(plugin) => plugin,
            Err(error) => {
                println!("{}: {error}", folder.display());
                continue;
            }
        };
        if let Err(error) = plugin.manifest.validate() {
            println!("{}: {error}", folder.display());
            continue;
        }
        fine += 1;
        for tool in plugin.tool_providers.iter().flat_map(|provider| &provider.tools) {
            tools += 1;
            parameters += tool.parameters.len();
        }
        for group in &plugin.endpoint_groups {
            endpoints += group.endpoints.len();
            if let Some(error) = &group.ends_early {
                println!("{}: endpoints are lost without a word: {error}", folder.display());
            }
        }
    }
    println!(
        "{fine} of {} plugins are fine: {tools} tools with {parameters} parameters, {endpoints} endpoints",
        folders.len()
    );
    Ok(fine > 0 && fine == folders.len())
}

/// Collects the folders that hold a manifest.yaml; a plugin's own folders aren't searched.
fn find_plugins(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
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
