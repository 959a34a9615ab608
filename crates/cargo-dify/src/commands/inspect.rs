//! `cargo dify inspect`: what is in a package.

use dify_plugin_package::{Arch, Binary, MAX_PACKAGE_BYTES, UniqueIdentifier};
use serde_json::json;

use crate::args::Inspect;
use crate::commands::package::{linkage, size};
use crate::console::Console;
use crate::error::Error;
use crate::output::Output;
use crate::unpacked::{self, Unpacked};

pub(crate) fn run(args: &Inspect, console: &Console) -> Result<(), Error> {
    let package = unpacked::open(&args.package)?;
    let Unpacked { plugin, .. } = &Unpacked::new(&package, &args.package)?;
    let identifier = UniqueIdentifier::new(&plugin.manifest, &package)?;
    let binaries: Vec<_> = Arch::ALL
        .into_iter()
        .filter_map(|arch| {
            let bytes = package.file(&arch.binary_path())?;
            let needs = match Binary::read(bytes).and_then(|binary| binary.check(arch).map(|()| binary)) {
                Ok(binary) => linkage(&binary),
                Err(error) => error.to_string(),
            };
            Some((arch, bytes.len() as u64, needs))
        })
        .collect();
    let signed = package.signature().map(|signature| signature.time);
    let manifest = &plugin.manifest;
    let mut output = Output::new(console);
    if args.json {
        let files: Vec<_> = package
            .files()
            .iter()
            .map(|file| json!({"path": file.path, "bytes": file.content.len()}))
            .collect();
        let said = json!({
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
            "binaries": binaries.iter().map(|(arch, bytes, needs)| json!({"arch": arch.name(), "bytes": bytes, "needs": needs})).collect::<Vec<_>>(),
            "files": files,
        });
        return output.line(&said.to_string());
    }

    output.line(identifier.as_str())?;
    output.line(&format!("{}: {}", manifest.label.en_us, manifest.description.en_us))?;
    output.line(&match signed {
        Some(time) => format!(
            "signed in the name of {}, at {time} seconds since 1970; `cargo dify verify` says by whom",
            package.category().unwrap_or_else(|| "langgenius (it says nothing)".to_owned())
        ),
        None => "not signed".to_owned(),
    })?;
    for (arch, bytes, needs) in &binaries {
        output.line(&format!("binary for {arch}: {}, {needs}", size(*bytes)))?;
    }
    output.line(&format!(
        "{} files, {} unpacked ({} allowed):",
        package.files().len(),
        size(package.bytes()),
        size(MAX_PACKAGE_BYTES)
    ))?;
    for file in package.files() {
        output.line(&format!("{:>12} {}", file.content.len(), file.path))?;
    }
    Ok(())
}
