//! Building a plugin with cargo, and finding the binary that comes out.

mod target;

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

pub(crate) use self::target::BuildTarget;
use crate::error::Error;

/// What a build is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// To run here; `release` is an optimised one.
    Run { release: bool },
    /// To be packed: optimised for this target.
    Package { target: BuildTarget, options: &'a PackageBuild },
}

/// How binaries for a package are built.
#[derive(Debug, Clone, Default)]
pub(crate) struct PackageBuild {
    /// The author's own cargo profile, in place of ours.
    pub(crate) profile: Option<String>,
    /// Build with cargo-zigbuild.
    pub(crate) zig: bool,
}

/// Our cargo profile for a package: the author's release profile, and whatever makes it small. It unwinds, as a handler that
/// panics must end its own session alone.
const PROFILE: &str = "dify-package";
const PROFILE_SETTINGS: [&str; 6] = [
    "inherits = \"release\"",
    "strip = \"symbols\"",
    "debug = false",
    "lto = \"fat\"",
    "codegen-units = 1",
    "panic = \"unwind\"",
];

/// Builds the package in `dir` and hands back the path of its binary. Cargo's own output goes to stderr.
///
/// # Errors
///
/// If cargo can't be run or fails, or the package doesn't build exactly one binary, or one that has its own name.
pub(crate) fn build(dir: &Path, purpose: Purpose<'_>) -> Result<PathBuf, Error> {
    // Cargo names itself to its subcommands, so that the plugin is built with the toolchain that was asked for.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let manifest = dir.join("Cargo.toml");
    let mut command = Command::new(&cargo);
    let zig = matches!(purpose, Purpose::Package { options, .. } if options.zig);
    command.arg(if zig { "zigbuild" } else { "build" });
    command.args(["--bins", "--message-format", "json-render-diagnostics", "--manifest-path"]);
    command.arg(&manifest).stdin(Stdio::null()).stdout(Stdio::piped());
    match purpose {
        Purpose::Run { release: false } => {}
        Purpose::Run { release: true } => {
            command.arg("--release");
        }
        Purpose::Package { target, options } => {
            command.args(["--target", target.triple()]);
            match &options.profile {
                Some(profile) => {
                    command.args(["--profile", profile]);
                }
                None => {
                    command.args(["--profile", PROFILE]);
                    for setting in PROFILE_SETTINGS {
                        command.args(["--config", &format!("profile.{PROFILE}.{setting}")]);
                    }
                }
            }
            if let Some(linker) = target.linker().filter(|_| !zig) {
                command.args(["--config", &format!("target.{}.linker = \"{linker}\"", target.triple())]);
            }
        }
    }
    let no_cargo = |source| Error::NoCargo { cargo: cargo.to_string_lossy().into_owned(), source };
    let mut child = command.spawn().map_err(no_cargo)?;
    let mut binaries = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            binaries.extend(Binary::read(&line.map_err(no_cargo)?));
        }
    }
    let status = child.wait().map_err(no_cargo)?;
    if !status.success() {
        let for_linux = matches!(purpose, Purpose::Package { .. });
        return Err(Error::BuildFailed { status, needs_zig: for_linux && !zig });
    }
    choose(binaries, dir, &manifest)
}

/// A binary that cargo built.
#[derive(Debug, PartialEq)]
struct Binary {
    name: String,
    /// The `Cargo.toml` of its package.
    manifest: PathBuf,
    package: String,
    path: PathBuf,
}

impl Binary {
    /// Reads one of cargo's messages; there are many that tell of something else.
    fn read(line: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Message {
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
        let message: Message = serde_json::from_slice(line).ok()?;
        if message.reason != "compiler-artifact" || message.target.kind != ["bin"] {
            return None;
        }
        Some(Self {
            name: message.target.name,
            package: package_name(&message.package_id).to_owned(),
            manifest: message.manifest_path,
            path: message.executable?,
        })
    }
}

/// The name in a package id: `path+file:///a/duck#0.1.0` and `path+file:///a/d#duck@0.1.0` are both of `duck`.
fn package_name(id: &str) -> &str {
    let (url, fragment) = id.split_once('#').unwrap_or((id, ""));
    match fragment.split_once('@') {
        Some((name, _)) => name,
        None => url.rsplit('/').next().unwrap_or_default(),
    }
}

fn choose(binaries: Vec<Binary>, dir: &Path, manifest: &Path) -> Result<PathBuf, Error> {
    let same = |path: &Path| match (path.canonicalize(), manifest.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => path == manifest,
    };
    let mut own: Vec<_> = binaries.into_iter().filter(|binary| same(&binary.manifest)).collect();
    if let [_] = own[..] {
        return Ok(own.remove(0).path);
    }
    let Some(wanted) = own.first().map(|binary| binary.package.clone()) else {
        return Err(Error::NoBinary { dir: dir.to_owned() });
    };
    match own.iter().position(|binary| binary.name == wanted) {
        Some(at) => Ok(own.swap_remove(at).path),
        None => Err(Error::WhichBinary {
            dir: dir.to_owned(),
            names: own.into_iter().map(|binary| binary.name).collect(),
            wanted,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(name: &str) -> Binary {
        Binary {
            name: name.to_owned(),
            manifest: "d/Cargo.toml".into(),
            package: "duck".to_owned(),
            path: format!("target/debug/{name}").into(),
        }
    }

    #[test]
    fn binaries_are_read_from_cargos_messages() {
        let line = br#"{"reason":"compiler-artifact","package_id":"path+file:///w/d#duck@0.1.0",
            "manifest_path":"d/Cargo.toml","target":{"kind":["bin"],"crate_types":["bin"],"name":"duck"},
            "profile":{},"features":[],"filenames":["/w/target/debug/duck"],"executable":"target/debug/duck",
            "fresh":true}"#;
        assert_eq!(Binary::read(line), Some(binary("duck")));
        for other in [
            &br#"{"reason":"build-finished","success":true}"#[..],
            br#"{"reason":"compiler-artifact","package_id":"a","manifest_path":"c","target":{"kind":["lib"],"name":"n"},"executable":null}"#,
            b"not json",
        ] {
            assert_eq!(Binary::read(other), None);
        }
    }

    #[test]
    fn the_packages_name_is_in_its_id() {
        for id in
            ["path+file:///w/duck#0.1.0", "path+file:///w/d#duck@0.1.0", "registry+https://x/y#duck@1.0.0"]
        {
            assert_eq!(package_name(id), "duck", "{id}");
        }
    }

    #[test]
    fn of_several_binaries_the_one_with_the_packages_name_is_run() {
        let choose = |names: &[&str]| {
            let binaries = names.iter().map(|name| binary(name)).collect();
            choose(binaries, Path::new("d"), Path::new("d/Cargo.toml"))
        };
        assert_eq!(choose(&["other"]).unwrap(), Path::new("target/debug/other"));
        assert_eq!(choose(&["other", "duck"]).unwrap(), Path::new("target/debug/duck"));
        assert!(matches!(choose(&["a", "b"]), Err(Error::WhichBinary { wanted, .. }) if wanted == "duck"));
        assert!(matches!(choose(&[]), Err(Error::NoBinary { .. })));
    }

    #[test]
    fn binaries_of_other_packages_do_not_count() {
        let foreign = Binary { manifest: "elsewhere/Cargo.toml".into(), ..binary("duck") };
        let chosen = choose(vec![foreign, binary("own")], Path::new("d"), Path::new("d/Cargo.toml")).unwrap();
        assert_eq!(chosen, Path::new("target/debug/own"));
    }
}
