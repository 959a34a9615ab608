//! `cargo dify package`: from a folder to the file that a daemon installs.

use std::fs;
use std::path::{Path, PathBuf};

use dify_plugin_manifest::{Checked, Plugin, Severity, check};
use dify_plugin_package::{
    Arch, Binary, ENTRY_MODULE, LeftOut, Linkage, MAX_PACKAGE_BYTES, Package, Selection, UniqueIdentifier,
};
use serde_json::json;

use crate::args;
use crate::build::BuildTarget;
use crate::build::{self, PackageBuild, Purpose};
use crate::console::{Console, Tone};
use crate::error::{Error, counted};
use crate::output::Output;
use crate::unpacked::Unpacked;
use crate::{report, startable};

/// Builds, packs and checks what came out.
pub(crate) fn run(args: &args::Package, console: &Console) -> Result<(), Error> {
    let plugin = checked(args, console)?;
    let binaries = if args.no_build { Vec::new() } else { built(&plugin, args, console)? };

    let selection = Selection::of(&args.dir, MAX_PACKAGE_BYTES)?;
    let left_out = selection.left_out().to_vec();
    for LeftOut { path, reason, .. } in &left_out {
        console.entry(Tone::Note, "Left out", &format!("{path} ({reason})"));
    }
    let package = Package::new(files(selection, binaries, &plugin, console))?;
    let shipped = shipped(&package, console)?;

    let bytes = package.write()?;
    let identifier = UniqueIdentifier::new(&plugin.manifest, &package)?;
    let file = args.output.clone().unwrap_or_else(|| default_name(&plugin));
    fs::write(&file, &bytes).map_err(|source| Error::Save { file: file.clone(), source })?;

    let binaries = shipped.iter().map(|(arch, binary)| {
        let bytes = package.file(&arch.binary_path()).map_or(0, <[u8]>::len);
        format!("\n{} {}, {}", arch.binary_path(), size(bytes as u64), linkage(binary))
    });
    console.status(
        "Packaged",
        &format!(
            "{} of {} ({} unpacked, {} allowed), {} files{}\n{identifier}",
            file.display(),
            size(bytes.len() as u64),
            size(package.bytes()),
            size(MAX_PACKAGE_BYTES),
            package.files().len(),
            binaries.collect::<String>()
        ),
    );
    if args.json {
        let said = json!({
            "file": file,
            "bytes": bytes.len(),
            "unpacked_bytes": package.bytes(),
            "limit_bytes": MAX_PACKAGE_BYTES,
            "files": package.files().len(),
            "unique_identifier": identifier.as_str(),
            "checksum": package.checksum(),
            "binaries": shipped.iter().map(|(arch, _)| arch.name()).collect::<Vec<_>>(),
            "left_out": left_out.iter().map(|left| &left.path).collect::<Vec<_>>(),
        });
        Output::new(console).line(&said.to_string())?;
    }
    Ok(())
}

/// Reads the plugin in a folder, and refuses what the daemon would.
fn checked(args: &args::Package, console: &Console) -> Result<Plugin, Error> {
    let dir = &args.dir;
    let Checked { plugin, mut findings, .. } = check(dir);
    let warnings = findings.len();
    findings.retain(|finding| finding.severity == Severity::Refused);
    let warnings = warnings - findings.len();
    if !findings.is_empty() {
        report::refuse(dir, &findings, warnings, args.json, console)?;
    }
    if warnings > 0 {
        console.warning(&format!(
            "{} in the declarations: `cargo dify check --no-build` shows them",
            counted(warnings, "warning")
        ));
    }
    plugin.map_err(|source| Error::Manifest { dir: dir.to_owned(), source: Box::new(source) })
}

/// Builds the plugin for each target.
fn built(plugin: &Plugin, args: &args::Package, console: &Console) -> Result<Vec<(Arch, Vec<u8>)>, Error> {
    let dir = &args.dir;
    if !dir.join("Cargo.toml").is_file() {
        return Ok(Vec::new());
    }
    let targets = targets(plugin, args)?;
    let missing: Vec<_> =
        targets.iter().filter(|target| target.is_missing(dir)).map(|target| target.triple()).collect();
    if !missing.is_empty() {
        return Err(Error::NoTarget { missing: missing.join(" ") });
    }
    let options = PackageBuild { profile: args.profile.clone(), zig: args.zig };
    let mut binaries = Vec::new();
    for target in targets {
        console.status("Building", &format!("{} for {}", dir.display(), target.triple()));
        let path = build::build(dir, Purpose::Package { target, options: &options })?;
        let bytes = fs::read(&path).map_err(|source| Error::NoPackage { file: path, source })?;
        binaries.push((target.arch, bytes));
    }
    Ok(binaries)
}

fn targets(plugin: &Plugin, args: &args::Package) -> Result<Vec<BuildTarget>, Error> {
    let listed = &plugin.manifest.meta.arch;
    let wanted = |arch: &Arch| match &*args.targets {
        [] => listed.iter().any(|name| name == arch.name()),
        targets => targets.contains(arch),
    };
    let targets: Vec<_> =
        Arch::ALL.into_iter().filter(wanted).map(|arch| BuildTarget { arch, libc: args.libc }).collect();
    if targets.is_empty() { Err(Error::NoArch) } else { Ok(targets) }
}

/// The selected files, with the binaries just built in place of any that were there, and what the daemon wants besides.
fn files(
    selection: Selection,
    binaries: Vec<(Arch, Vec<u8>)>,
    plugin: &Plugin,
    console: &Console,
) -> Vec<(String, Vec<u8>)> {
    let mut files = selection.into_files();
    if !binaries.is_empty() {
        files.retain(|(path, _)| Arch::ALL.iter().all(|arch| *path != arch.binary_path()));
        files.extend(binaries.into_iter().map(|(arch, bytes)| (arch.binary_path(), bytes)));
    }
    let has = |files: &[(String, Vec<u8>)], wanted: &str| files.iter().any(|(path, _)| path == wanted);
    let is_native = Arch::ALL.iter().any(|arch| has(&files, &arch.binary_path()));
    if is_native {
        let [module, folder] = startable::entry_modules(plugin);
        // Ours looks for the binaries beside itself: in a folder it would not find them.
        if !module.contains('/') && !has(&files, &module) && !has(&files, &folder) {
            console.entry(Tone::Note, "Adding", &format!("{module}, which starts the binary"));
            files.push((module, ENTRY_MODULE.into()));
        }
        if !has(&files, "requirements.txt") && !has(&files, "pyproject.toml") {
            console.entry(Tone::Note, "Adding", "requirements.txt, empty: the daemon wants one");
            files.push(("requirements.txt".to_owned(), Vec::new()));
        }
    }
    files
}

/// Reads what was packed as the daemon will: its declarations from an unpacked copy, its binaries from their headers.
fn shipped(package: &Package, console: &Console) -> Result<Vec<(Arch, Binary)>, Error> {
    package.check_size(MAX_PACKAGE_BYTES)?;
    let unpacked = Unpacked::new(package, Path::new("")).map_err(|error| match error {
        Error::Manifest { source, .. } => Error::Incomplete(source.to_string()),
        other => other,
    })?;
    // The folder was fine: what is wrong here is what was left out.
    let findings = check(&unpacked.plugin.root).findings;
    if let Some(finding) = findings.iter().find(|finding| finding.severity == Severity::Refused) {
        return Err(Error::Incomplete(finding.to_string()));
    }
    for finding in startable::findings(&unpacked.plugin) {
        match finding.severity {
            Severity::Refused => return Err(Error::Unstartable(Box::new(finding))),
            _ => console.warning(&finding.message),
        }
    }

    let mut shipped = Vec::new();
    for arch in Arch::ALL {
        let path = arch.binary_path();
        let Some(bytes) = package.file(&path) else { continue };
        let binary = Binary::read(bytes).and_then(|binary| binary.check(arch).map(|()| binary));
        shipped.push((arch, binary.map_err(|source| Error::Binary { path, source })?));
    }
    Ok(shipped)
}

fn default_name(plugin: &Plugin) -> PathBuf {
    let manifest = &plugin.manifest;
    Path::new(&format!("{}-{}.difypkg", manifest.name, manifest.version)).to_owned()
}

/// For people.
pub(crate) fn linkage(binary: &Binary) -> String {
    match &binary.linkage {
        Linkage::Static => "static".to_owned(),
        Linkage::Dynamic { glibc: Some((major, minor)), .. } => format!("needs glibc {major}.{minor}"),
        _ => "dynamic".to_owned(),
    }
}

/// For people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes} bytes"),
        1024..=1_048_575 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
