//! `cargo dify inspect`: what a package contains.

use std::path::PathBuf;

use clap::Args;
use dify_plugin_manifest::Plugin;
use dify_plugin_package::MAX_PACKAGE_BYTES;
use serde_json::json;

use crate::archive::{self, PackedBinary};
use crate::console::Console;
use crate::error::Error;
use crate::humanize::size;
use crate::launch::unreadable;
use crate::output::{self, Output};

/// Show what a package contains
#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo dify inspect duck-0.0.1.difypkg")]
pub(crate) struct Inspect {
    /// Package to inspect
    package: PathBuf,

    /// Print the result to stdout as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Inspect, console: &Console) -> Result<(), Error> {
    let package = archive::read(&args.package)?;
    let folder = archive::unpack(&package)?;
    let plugin = Plugin::read(folder.path()).map_err(|error| unreadable(&args.package, error))?;
    let manifest = &plugin.manifest;
    let identifier = archive::identifier(manifest, &package)?;
    let binaries = PackedBinary::all(&package);
    let signed = package.signature().map(|signature| signature.time);
    if args.json {
        let describe = |binary: &PackedBinary| json!({"arch": binary.arch.name(), "bytes": binary.bytes, "needs": binary.needs()});
        let files =
            package.files().iter().map(|file| json!({"path": file.path, "bytes": file.content.len()}));
        let result = json!({
            "unique_identifier": identifier.as_str(),
            "checksum": package.checksum(),
            "author": manifest.author,
            "name": manifest.name,
            "version": manifest.version,
            "arch": manifest.meta.arch,
            "unpacked_bytes": package.bytes(),
            "limit_bytes": MAX_PACKAGE_BYTES,
            "signed_at": signed,
            "category": package.category(),
            "binaries": binaries.iter().map(describe).collect::<Vec<_>>(),
            "files": files.collect::<Vec<_>>(),
        });
        return output::json(&result, console);
    }

    let mut output = Output::new(console);
    output.line(identifier.as_str())?;
    output.line(&format!("{}: {}", manifest.label.en_us, manifest.description.en_us))?;
    output.line(&match signed {
        Some(time) => format!(
            "signed as {} at {time} (Unix time); check the key with `cargo dify verify`",
            package.category().unwrap_or_else(|| "langgenius (by default)".to_owned())
        ),
        None => "not signed".to_owned(),
    })?;
    for binary in &binaries {
        output.line(&format!("binary for {}: {}, {}", binary.arch, size(binary.bytes), binary.needs()))?;
    }
    output.line(&format!(
        "{} files, {} unpacked (limit {}):",
        package.files().len(),
        size(package.bytes()),
        size(MAX_PACKAGE_BYTES)
    ))?;
    for file in package.files() {
        output.line(&format!("{:>12} {}", file.content.len(), file.path))?;
    }
    Ok(())
}
