//! `cargo dify check`: what is wrong with a plugin before it is installed.

mod handlers;
mod listing;
mod schema;

use std::path::{Path, PathBuf};

use clap::Args;
use dify_plugin_manifest::{Checked, Finding, check};
use dify_plugin_package::{Arch, Package};
use tempfile::TempDir;

use self::listing::CheckTarget;
use crate::build::{self, Purpose};
use crate::console::Console;
use crate::error::Error;
use crate::humanize::problems;
use crate::output::Output;
use crate::{archive, report, startable};

/// Check a plugin's manifest and code
///
/// Errors are what the daemon refuses or what cannot work; the exit code is then 1. Warnings are what Dify silently ignores or reads
/// differently than written. The plugin is built, and started with DIFY_PLUGIN_DESCRIBE=1 to list what its code registers; the
/// binary in a package is only started with --run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo dify check
  cargo dify check --strict --target marketplace
  cargo dify check duck-0.0.1.difypkg --json | jq '.findings[] | select(.severity == \"error\")'")]
pub(crate) struct Check {
    /// Folder of the plugin, which holds manifest.yaml, or a package
    #[arg(value_name = "DIR|PACKAGE", default_value = ".")]
    plugin: PathBuf,

    /// Where the plugin will be installed
    #[arg(long, value_enum, default_value_t = CheckTarget::Local)]
    target: CheckTarget,

    /// Check only the declarations, without building or starting anything
    #[arg(long)]
    no_build: bool,

    /// Start the binary in a package to list what its code registers; use it only for packages that you trust
    #[arg(long, conflicts_with = "no_build")]
    run: bool,

    /// Exit with code 1 for warnings too
    #[arg(long)]
    strict: bool,

    /// Print the findings to stdout as one JSON object
    #[arg(long)]
    json: bool,
}

/// Checks a folder or a package and reports all findings.
pub(crate) fn run(args: &Check, console: &Console) -> Result<(), Error> {
    let package = if args.plugin.is_file() { Some(archive::read(&args.plugin)?) } else { None };
    let folder = package.as_ref().map(archive::unpack).transpose()?;
    let root = folder.as_ref().map_or(&*args.plugin, TempDir::path);

    let mut checked = check(root);
    let mut findings = std::mem::take(&mut checked.findings);
    if let Ok(plugin) = &checked.plugin {
        if package.is_some() || !startable::is_completed(root) {
            findings.extend(startable::findings(plugin));
        }
        findings.extend(listing::findings(root, plugin, args.target));
    }
    if !args.no_build {
        findings.extend(check_code(args, root, package.as_ref(), &checked, console)?);
    }

    findings.sort_by_key(|finding| {
        (finding.severity, finding.at.file.clone(), finding.at.line, finding.at.column)
    });
    let errors = findings.iter().filter(|finding| report::is_error(finding)).count();
    let warnings = findings.len() - errors;
    if args.json {
        report::json(&findings, console)?;
    } else {
        let mut output = Output::new(console);
        report::people(root, &findings, |text| output.line(text))?;
    }
    if errors > 0 || (args.strict && warnings > 0) {
        return Err(Error::new(problems(errors, warnings)));
    }
    console.status("Checked", &format!("{}: {}", args.plugin.display(), problems(errors, warnings)));
    Ok(())
}

/// Compares the declarations with what the plugin's code registers, if there is a binary to ask.
fn check_code(
    args: &Check,
    root: &Path,
    package: Option<&Package>,
    checked: &Checked,
    console: &Console,
) -> Result<Vec<Finding>, Error> {
    let Ok(plugin) = &checked.plugin else { return Ok(Vec::new()) };
    let description = match package {
        None if root.join("Cargo.toml").is_file() => {
            console.status("Building", &args.plugin.display().to_string());
            let binary = build::build(root, Purpose::Run { release: false })?;
            handlers::describe(&binary, root, true)?
        }
        None => return Ok(Vec::new()),
        Some(_) if !args.run => return Ok(Vec::new()),
        Some(package) => {
            let here = this_machine().filter(|arch| package.file(&arch.binary_path()).is_some());
            let Some(arch) = here else { return Ok(Vec::new()) };
            let binary = root.join(arch.binary_path());
            make_executable(&binary).map_err(handlers::no_description)?;
            handlers::describe(&binary, root, false)?
        }
    };
    Ok(handlers::compare(plugin, checked, &description))
}

/// Returns the processor of this machine, if plugins run on it.
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
