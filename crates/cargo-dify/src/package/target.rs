//! What a binary is built for.

use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;

use dify_plugin_package::Arch;

use crate::error::Error;

/// A Rust target of Linux, for one of the processors that plugins run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuildTarget {
    triple: String,
    pub(crate) arch: Arch,
}

impl BuildTarget {
    /// That of a static binary, which runs wherever there is a Linux.
    pub(crate) fn of(arch: Arch) -> Self {
        let triple = match arch {
            Arch::Amd64 => "x86_64-unknown-linux-musl",
            Arch::Arm64 => "aarch64-unknown-linux-musl",
        };
        Self { triple: triple.to_owned(), arch }
    }

    pub(crate) fn triple(&self) -> &str {
        &self.triple
    }

    pub(crate) fn is_musl(&self) -> bool {
        self.triple.ends_with("-musl")
    }

    /// Whether the toolchain that builds in `dir` has the target's standard library.
    ///
    /// # Errors
    /// If it hasn't. Where that can't be found out, building shows it.
    pub(crate) fn require(&self, dir: &Path) -> Result<(), Error> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let asked = Command::new(rustc)
            .args(["--print", "target-libdir", "--target", &self.triple])
            .current_dir(dir)
            .stderr(Stdio::null())
            .output();
        let Ok(output) = asked else { return Ok(()) };
        let folder = String::from_utf8_lossy(&output.stdout);
        if output.status.success() && !Path::new(folder.trim()).is_dir() {
            return Err(Error::NoTarget { target: self.triple.clone() });
        }
        Ok(())
    }
}

impl FromStr for BuildTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(arch) = Arch::from_name(text) {
            return Ok(Self::of(arch));
        }
        let arch = match text.split('-').next() {
            Some("x86_64") => Arch::Amd64,
            Some("aarch64") => Arch::Arm64,
            _ => return Err("expected amd64, arm64, or a Linux target of Rust for one of them".to_owned()),
        };
        if !text.contains("-linux-") {
            return Err(
                "the daemon runs plugins on Linux; take amd64 or arm64 for a static binary".to_owned()
            );
        }
        Ok(Self { triple: text.to_owned(), arch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_processor_or_one_of_rusts() {
        let parse = |text: &str| text.parse::<BuildTarget>();
        assert_eq!(parse("amd64").unwrap().triple(), "x86_64-unknown-linux-musl");
        assert_eq!(parse("arm64").unwrap(), parse("aarch64-unknown-linux-musl").unwrap());
        let gnu = parse("aarch64-unknown-linux-gnu").unwrap();
        assert_eq!((gnu.arch, gnu.is_musl()), (Arch::Arm64, false));
        for wrong in ["", "armv7-unknown-linux-gnueabihf", "x86_64-apple-darwin", "x86"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
