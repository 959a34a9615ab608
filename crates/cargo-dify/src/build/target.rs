//! What a binary is built for.

use std::path::Path;
use std::process::{Command, Stdio};

use dify_plugin_package::Arch;

use crate::args::Libc;

/// A Rust target of Linux, for one of the processors that plugins run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BuildTarget {
    pub(crate) arch: Arch,
    pub(crate) libc: Libc,
}

impl BuildTarget {
    /// The name that Rust has for it.
    pub(crate) fn triple(self) -> &'static str {
        match (self.arch, self.libc) {
            (Arch::Amd64, Libc::Musl) => "x86_64-unknown-linux-musl",
            (Arch::Amd64, Libc::Gnu) => "x86_64-unknown-linux-gnu",
            (Arch::Arm64, Libc::Musl) => "aarch64-unknown-linux-musl",
            (Arch::Arm64, Libc::Gnu) => "aarch64-unknown-linux-gnu",
        }
    }

    /// Whether the toolchain that builds in `dir` lacks the target's standard library. Where that can't be found out it doesn't:
    /// building shows it.
    pub(crate) fn is_missing(self, dir: &Path) -> bool {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let asked = Command::new(rustc)
            .args(["--print", "target-libdir", "--target", self.triple()])
            .current_dir(dir)
            .stderr(Stdio::null())
            .output();
        let Ok(output) = asked else { return false };
        let folder = String::from_utf8_lossy(&output.stdout);
        output.status.success() && !Path::new(folder.trim()).is_dir()
    }

    /// The linker to tell cargo of: Rust's own has all that a static binary of Rust needs, for both processors, so that no C
    /// compiler is asked for. None where another one is set, or where the system's libraries are linked.
    pub(crate) fn linker(self) -> Option<&'static str> {
        let variable = format!("CARGO_TARGET_{}_LINKER", self.triple().to_uppercase().replace('-', "_"));
        (self.libc == Libc::Musl && std::env::var_os(variable).is_none()).then_some("rust-lld")
    }
}
