//! What a binary is built for.

use std::path::Path;
use std::process::{Command, Stdio};

use clap::ValueEnum;
use dify_plugin_package::Arch;

/// A C library to link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Libc {
    /// Statically: the binary runs on any Linux
    Musl,
    /// Dynamically: the binary needs at least the glibc that it was built with
    Gnu,
}

/// A Linux target of Rust, for a processor that plugins run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BuildTarget {
    pub(crate) arch: Arch,
    pub(crate) libc: Libc,
}

impl BuildTarget {
    /// Returns Rust's name for it.
    pub(crate) fn triple(self) -> &'static str {
        match (self.arch, self.libc) {
            (Arch::Amd64, Libc::Musl) => "x86_64-unknown-linux-musl",
            (Arch::Amd64, Libc::Gnu) => "x86_64-unknown-linux-gnu",
            (Arch::Arm64, Libc::Musl) => "aarch64-unknown-linux-musl",
            (Arch::Arm64, Libc::Gnu) => "aarch64-unknown-linux-gnu",
        }
    }

    /// Returns whether the toolchain that builds in `dir` lacks the target's standard library. If rustc can't be asked it is
    /// taken to be there, and the build will tell.
    pub(crate) fn is_missing(self, dir: &Path) -> bool {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc)
            .args(["--print", "target-libdir", "--target", self.triple()])
            .current_dir(dir)
            .stderr(Stdio::null())
            .output();
        let Ok(output) = output else { return false };
        let folder = String::from_utf8_lossy(&output.stdout);
        output.status.success() && !Path::new(folder.trim()).is_dir()
    }

    /// Returns the linker to pass to cargo. Rust's own can link static binaries for both processors, so that no C compiler is
    /// needed. `None` if the user has set another one, or for the system's libraries, which it doesn't find.
    pub(crate) fn linker(self) -> Option<&'static str> {
        let variable = format!("CARGO_TARGET_{}_LINKER", self.triple().to_uppercase().replace('-', "_"));
        (self.libc == Libc::Musl && std::env::var_os(variable).is_none()).then_some("rust-lld")
    }
}
