//! `cargo dify check`: what is wrong with a plugin before anybody installs it.

mod handlers;
mod listing;
mod schema;

use std::path::Path;

use dify_plugin_manifest::{Checked, Finding, Severity, check};
use dify_plugin_package::{Arch, Package};
use tempfile::TempDir;

use crate::args::Check;
use crate::build::{self, Purpose};
use crate::console::Console;
use crate::error::{Error, found};
use crate::output::Output;
use crate::{report, startable, unpacked};

/// Reads, asks the code, and reports.
pub(crate) fn run(args: &Check, console: &Console) -> Result<(), Error> {
    let unpacked = if args.plugin.is_file() { Some(Unpacked::new(&args.plugin)?) } else { None };
    let root = unpacked.as_ref().map_or(&*args.plugin, |unpacked| unpacked.folder.path());

    let mut checked = check(root);
    let mut findings = std::mem::take(&mut checked.findings);
    if let Ok(plugin) = &checked.plugin {
        if unpacked.is_some() || !startable::is_completed(root) {
            findings.extend(startable::findings(plugin));
        }
        findings.extend(listing::findings(root, plugin, args.target));
    }
    if !args.no_build {
        findings.extend(ask_code(args, root, unpacked.as_ref(), &checked, console)?);
    }

    findings.sort_by_key(|finding| {
        (finding.severity, finding.at.file.clone(), finding.at.line, finding.at.column)
    });
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Refused).count();
    let warnings = findings.len() - errors;
    let mut output = Output::new(console);
    if args.json {
        report::json(&findings, &mut output)?;
    } else {
        report::people(root, &findings, |text| output.line(text))?;
    }
    if errors > 0 || (args.strict && warnings > 0) {
        return Err(Error::Findings { errors, warnings });
    }
    console.status("Checked", &format!("{}: {}", args.plugin.display(), found(errors, warnings)));
    Ok(())
}

/// A package in a folder, read or not.
struct Unpacked {
    package: Package,
    folder: TempDir,
}

impl Unpacked {
    fn new(file: &Path) -> Result<Self, Error> {
        let package = unpacked::open(file)?;
        let folder =
            tempfile::tempdir().map_err(|source| Error::Save { file: std::env::temp_dir(), source })?;
        package.unpack(folder.path())?;
        Ok(Self { package, folder })
    }
}

/// Compares the declarations with what the plugin's own binary says, where there is one.
fn ask_code(
    args: &Check,
    root: &Path,
    unpacked: Option<&Unpacked>,
    checked: &Checked,
    console: &Console,
) -> Result<Vec<Finding>, Error> {
    let Ok(plugin) = &checked.plugin else { return Ok(Vec::new()) };
    let description = match unpacked {
        None if root.join("Cargo.toml").is_file() => {
            console.status("Building", &args.plugin.display().to_string());
            let binary = build::build(root, Purpose::Run { release: false })?;
            handlers::describe(&binary, root, false)?
        }
        None => return Ok(Vec::new()),
        Some(_) if !args.run => return Ok(Vec::new()),
        Some(unpacked) => {
            let here = this_machine().filter(|arch| unpacked.package.file(&arch.binary_path()).is_some());
            let Some(arch) = here else { return Ok(Vec::new()) };
            let binary = root.join(arch.binary_path());
            make_executable(&binary).map_err(|source| Error::NoDescription { source })?;
            handlers::describe(&binary, root, true)?
        }
    };
    Ok(handlers::compare(plugin, checked, &description))
}

/// The processor of this machine, if plugins run on it.
fn this_machine() -> Option<Arch> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some(Arch::Amd64),
        ("linux", "aarch64") => Some(Arch::Arm64),
        _ => None,
    }
}

#[cfg(unix)]
fn make_executable(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}
