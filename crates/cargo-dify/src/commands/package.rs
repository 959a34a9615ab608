//! `cargo dify package`: from a plugin's folder to the file that a daemon installs.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use dify_plugin_manifest::{Plugin, check};
use dify_plugin_package::{
    Arch, ENTRY_MODULE, LeftOut, MAX_PACKAGE_BYTES, Package, Selection, SelectionError, TooLarge,
};
use serde_json::json;

use crate::archive::{self, PackedBinary};
use crate::build::{self, BuildTarget, Libc, Purpose};
use crate::console::{Console, Tone};
use crate::error::{Context, Error};
use crate::humanize::{count, size};
use crate::launch::unreadable;
use crate::{output, report, startable};

/// Build a plugin for Linux and package it
///
/// A package holds a static binary for each processor listed in the manifest under `meta.arch`, a small Python module that replaces
/// itself with the right binary (the daemon starts only Python), and the plugin's files except those named in .difyignore. Build
/// output, secrets such as .env, version control and other packages are never included. The same files give the same package,
/// byte for byte.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo dify package
  cargo dify package examples/duck -o duck.difypkg --target amd64
  cargo dify package --zig            # for dependencies in C; needs cargo-zigbuild
  cargo dify package --no-build       # package bin/plugin-linux-amd64 and -arm64 as they are")]
pub(crate) struct PackageArgs {
    /// Folder of the plugin, which holds manifest.yaml
    #[arg(default_value = ".")]
    dir: PathBuf,

    /// Where to write the package [default: NAME-VERSION.difypkg in the current folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Processor to build for, amd64 or arm64; repeat it for both [default: those listed under `meta.arch`]
    #[arg(long = "target", value_name = "ARCH", value_parser = arch)]
    targets: Vec<Arch>,

    /// C library to link
    #[arg(long, value_enum, default_value_t = Libc::Musl)]
    libc: Libc,

    /// Cargo profile to build with [default: the release profile, optimized for size]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// Build with cargo-zigbuild, for dependencies that need a C compiler for the target
    #[arg(long)]
    zig: bool,

    /// Package the binaries in the plugin's bin folder without building
    #[arg(long, conflicts_with_all = ["targets", "libc", "profile", "zig"])]
    no_build: bool,

    /// Print the result to stdout as one JSON object
    #[arg(long)]
    json: bool,
}

fn arch(text: &str) -> Result<Arch, String> {
    Arch::from_name(text).ok_or_else(|| "the daemon runs plugins on amd64 and arm64".to_owned())
}

/// Builds a package, and checks it as the daemon will.
pub(crate) fn run(args: &PackageArgs, console: &Console) -> Result<(), Error> {
    let plugin = checked(args, console)?;
    let binaries = if args.no_build { Vec::new() } else { built(&plugin, args, console)? };

    let selection = Selection::of(&args.dir, MAX_PACKAGE_BYTES).map_err(|error| match error {
        SelectionError::TooLarge(error) => too_large(error),
        error => Error::new("cannot collect the plugin's files").caused_by(error),
    })?;
    let left_out = selection.left_out().to_vec();
    for LeftOut { path, reason, .. } in &left_out {
        console.entry(Tone::Note, "Left out", &format!("{path} ({reason})"));
    }
    let package =
        Package::new(files(selection, binaries, &plugin, console)).context("cannot create the package")?;
    let binaries = verify(&package, console)?;

    let bytes = package.write().context("cannot create the package")?;
    let identifier = archive::identifier(&plugin.manifest, &package)?;
    let file = args.output.clone().unwrap_or_else(|| default_name(&plugin));
    fs::write(&file, &bytes).context(format!("cannot write `{}`", file.display()))?;

    let lines = binaries
        .iter()
        .map(|binary| format!("\n{} {}, {}", binary.arch.binary_path(), size(binary.bytes), binary.needs()));
    let text = format!(
        "{}: {} ({} unpacked, limit {}), {}{}\n{identifier}",
        file.display(),
        size(bytes.len() as u64),
        size(package.bytes()),
        size(MAX_PACKAGE_BYTES),
        count(package.files().len(), "file"),
        lines.collect::<String>()
    );
    console.status("Packaged", &text);
    if args.json {
        let result = json!({
            "file": file,
            "bytes": bytes.len(),
            "unpacked_bytes": package.bytes(),
            "limit_bytes": MAX_PACKAGE_BYTES,
            "files": package.files().len(),
            "unique_identifier": identifier.as_str(),
            "checksum": package.checksum(),
            "binaries": binaries.iter().map(|binary| binary.arch.name()).collect::<Vec<_>>(),
            "left_out": left_out.iter().map(|left| &left.path).collect::<Vec<_>>(),
        });
        output::json(&result, console)?;
    }
    Ok(())
}

/// Reads the plugin in a folder, and fails if the daemon would refuse it.
fn checked(args: &PackageArgs, console: &Console) -> Result<Plugin, Error> {
    let checked = check(&args.dir);
    let warnings = report::refuse_errors(&args.dir, &checked.findings, args.json, console)?;
    if warnings > 0 {
        let warnings = count(warnings, "warning");
        console.warning(&format!(
            "{warnings} in the declarations; run `cargo dify check --no-build` to see them"
        ));
    }
    checked.plugin.map_err(|error| unreadable(&args.dir, error))
}

/// Builds the plugin for each target.
fn built(plugin: &Plugin, args: &PackageArgs, console: &Console) -> Result<Vec<(Arch, Vec<u8>)>, Error> {
    let dir = &args.dir;
    if !dir.join("Cargo.toml").is_file() {
        return Ok(Vec::new());
    }
    let targets = targets(plugin, args)?;
    let missing: Vec<_> =
        targets.iter().filter(|target| target.is_missing(dir)).map(|target| target.triple()).collect();
    if !missing.is_empty() {
        let missing = missing.join(" ");
        let error = Error::new(format!("the toolchain has no standard library for {missing}"));
        return Err(error.with_help(format!("run `rustup target add {missing}`")));
    }
    let mut binaries = Vec::new();
    for target in targets {
        console.status("Building", &format!("{} for {}", dir.display(), target.triple()));
        let purpose = Purpose::Package { target, profile: args.profile.as_deref(), zig: args.zig };
        let path = build::build(dir, purpose)?;
        let bytes = fs::read(&path).context(format!("cannot read the binary `{}`", path.display()))?;
        binaries.push((target.arch, bytes));
    }
    Ok(binaries)
}

fn targets(plugin: &Plugin, args: &PackageArgs) -> Result<Vec<BuildTarget>, Error> {
    let listed = &plugin.manifest.meta.arch;
    let wanted = |arch: &Arch| match &*args.targets {
        [] => listed.iter().any(|name| name == arch.name()),
        targets => targets.contains(arch),
    };
    let targets: Vec<_> =
        Arch::ALL.into_iter().filter(wanted).map(|arch| BuildTarget { arch, libc: args.libc }).collect();
    if targets.is_empty() {
        let error = Error::new("the manifest lists neither amd64 nor arm64 under `meta.arch`");
        return Err(error.with_help("list the processors that the plugin should run on"));
    }
    Ok(targets)
}

/// Returns the selected files, with new binaries replacing old ones, and what the daemon needs besides.
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
        // Our module looks for the binaries beside itself, so it would not find them from a folder.
        if !module.contains('/') && !has(&files, &module) && !has(&files, &folder) {
            console.entry(Tone::Note, "Adding", &format!("{module}, which starts the binary"));
            files.push((module, ENTRY_MODULE.into()));
        }
        if !has(&files, "requirements.txt") && !has(&files, "pyproject.toml") {
            console.entry(Tone::Note, "Adding", "an empty requirements.txt, which the daemon requires");
            files.push(("requirements.txt".to_owned(), Vec::new()));
        }
    }
    files
}

/// Checks a package as the daemon will: its size, its unpacked declarations, and its binaries' headers.
fn verify(package: &Package, console: &Console) -> Result<Vec<PackedBinary>, Error> {
    package.check_size(MAX_PACKAGE_BYTES).map_err(too_large)?;
    let folder = archive::unpack(package)?;
    let checked = check(folder.path());
    // The folder had no errors, so these are about files that were left out.
    let incomplete = |problem: String| {
        Error::new(format!("the package lacks a file that the plugin declares: {problem}")).with_help(
            "the file is in the plugin's folder, but .difyignore (or .gitignore, if there is none) excludes it",
        )
    };
    let plugin = checked.plugin.map_err(|error| incomplete(error.to_string()))?;
    if let Some(finding) = checked.findings.iter().find(|finding| report::is_error(finding)) {
        return Err(incomplete(finding.to_string()));
    }
    for finding in startable::findings(&plugin) {
        if report::is_error(&finding) {
            return Err(Error::new(finding.message).with_help(finding.help));
        }
        console.warning(&finding.message);
    }
    PackedBinary::all_valid(package)
}

fn too_large(error: TooLarge) -> Error {
    let largest = error.largest.iter().map(|(path, bytes)| format!("{path} ({})", size(*bytes)));
    let largest = largest.collect::<Vec<_>>().join(", ");
    let help =
        format!("exclude files that the plugin doesn't need in .difyignore; the largest are {largest}");
    Error::new("the package is too large for the daemon").caused_by(error).with_help(help)
}

fn default_name(plugin: &Plugin) -> PathBuf {
    let manifest = &plugin.manifest;
    Path::new(&format!("{}-{}.difypkg", manifest.name, manifest.version)).to_owned()
}
