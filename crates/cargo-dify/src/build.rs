//! Building a plugin with cargo, and finding its binary.

mod target;

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

pub(crate) use self::target::{BuildTarget, Libc};
use crate::error::{Context, Error};

/// What a build is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// To run on this machine, optimized if `release`.
    Run { release: bool },
    /// To be packaged for a target, with the author's own cargo profile or with ours.
    Package { target: BuildTarget, profile: Option<&'a str>, zig: bool },
}

/// Our cargo profile for packages: the author's release profile, made small. It unwinds, because a handler that panics must end
/// only its own session.
const PROFILE: &str = "dify-package";
const PROFILE_SETTINGS: [&str; 6] = [
    "inherits = \"release\"",
    "strip = \"symbols\"",
    "debug = false",
    "lto = \"fat\"",
    "codegen-units = 1",
    "panic = \"unwind\"",
];

/// Builds the package in `dir` and returns the path of its binary. Cargo's own output goes to stderr.
///
/// # Errors
///
/// Fails if cargo can't be run or fails, or the package builds several binaries and none has the package's name.
pub(crate) fn build(dir: &Path, purpose: Purpose<'_>) -> Result<PathBuf, Error> {
    // Cargo passes its own path to subcommands: the plugin is built with the toolchain that the user chose.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let manifest = dir.join("Cargo.toml");
    let mut command = Command::new(&cargo);
    command.arg(if matches!(purpose, Purpose::Package { zig: true, .. }) { "zigbuild" } else { "build" });
    command.args(["--bins", "--message-format", "json-render-diagnostics", "--manifest-path"]);
    command.arg(&manifest).stdin(Stdio::null()).stdout(Stdio::piped());
    match purpose {
        Purpose::Run { release: false } => {}
        Purpose::Run { release: true } => {
            command.arg("--release");
        }
        Purpose::Package { target, profile, zig } => {
            command.args(["--target", target.triple(), "--profile", profile.unwrap_or(PROFILE)]);
            for setting in PROFILE_SETTINGS.iter().filter(|_| profile.is_none()) {
                command.args(["--config", &format!("profile.{PROFILE}.{setting}")]);
            }
            if let Some(linker) = target.linker().filter(|_| !zig) {
                command.args(["--config", &format!("target.{}.linker = \"{linker}\"", target.triple())]);
            }
        }
    }
    let cannot_run = || format!("cannot run cargo (`{}`)", cargo.display());
    let mut child = command.spawn().context(cannot_run())?;
    let mut binaries = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            binaries.extend(Artifact::read_binary(&line.context(cannot_run())?));
        }
    }
    let status = child.wait().context(cannot_run())?;
    if status.success() {
        return choose(binaries, dir, &manifest);
    }
    let error = Error::new(format!("cargo could not build the plugin ({status})"));
    Err(match purpose {
        Purpose::Package { zig: false, .. } => error.with_help(
            "if a dependency needs a C compiler for the target: `cargo install cargo-zigbuild`, install zig, and add --zig",
        ),
        _ => error,
    })
}

/// Cargo's message about something that it built.
#[derive(Deserialize)]
struct Artifact {
    reason: String,
    package_id: String,
    manifest_path: PathBuf,
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Artifact {
    /// Reads one of cargo's messages, if it is about a binary.
    fn read_binary(line: &[u8]) -> Option<Self> {
        let artifact: Self = serde_json::from_slice(line).ok()?;
        let is_binary = artifact.reason == "compiler-artifact" && artifact.target.kind == ["bin"];
        (is_binary && artifact.executable.is_some()).then_some(artifact)
    }

    /// The package's name in its id: both `path+file:///a/duck#0.1.0` and `path+file:///a/d#duck@0.1.0` mean `duck`.
    fn package(&self) -> &str {
        let (url, fragment) = self.package_id.split_once('#').unwrap_or((&self.package_id, ""));
        match fragment.split_once('@') {
            Some((name, _)) => name,
            None => url.rsplit('/').next().unwrap_or_default(),
        }
    }
}

/// Chooses the only binary of the package in `dir`, or the one with the package's name.
fn choose(binaries: Vec<Artifact>, dir: &Path, manifest: &Path) -> Result<PathBuf, Error> {
    let same = |path: &Path| match (path.canonicalize(), manifest.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => path == manifest,
    };
    let mut own: Vec<_> = binaries.into_iter().filter(|binary| same(&binary.manifest_path)).collect();
    if own.len() > 1 && own.iter().any(|binary| binary.target.name == binary.package()) {
        own.retain(|binary| binary.target.name == binary.package());
    }
    match &*own {
        [Artifact { executable: Some(path), .. }] => Ok(path.clone()),
        [first, ..] => {
            let names: Vec<_> = own.iter().map(|binary| &*binary.target.name).collect();
            let help =
                format!("rename the plugin's binary to `{0}`, the name of its package", first.package());
            let message = format!(
                "`{}` builds several binaries ({}), none of which has the package's name",
                dir.display(),
                names.join(", ")
            );
            Err(Error::new(message).with_help(help))
        }
        [] => Err(Error::new(format!("`{}` builds no binary", dir.display())).with_help("add a src/main.rs")),
    }
}
