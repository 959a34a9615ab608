//! What a plugin's binary needs from the machine it runs on.

use std::fmt;

use object::elf::{EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC, FileHeader64, PT_DYNAMIC, PT_INTERP};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, elf};

/// The glibc version in the daemon's image, Ubuntu 24.04 (`docker/local.dockerfile`). A binary that needs a newer one does not
/// start there.
pub const GLIBC_OF_THE_DAEMON: (u32, u32) = (2, 39);

/// The libraries that come with glibc and gcc, and so are in that image.
const USUAL: [&str; 10] = [
    "libc.so.6",
    "libm.so.6",
    "libgcc_s.so.1",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
];

/// A processor architecture that plugins run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// AArch64.
    Arm64,
}

/// A Linux executable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Binary {
    /// The architecture it is built for.
    pub arch: Arch,
    /// How it is linked.
    pub linkage: Linkage,
}

/// How an executable finds its libraries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Linkage {
    /// It contains all of them and runs on any Linux.
    Static,
    /// The system's loader finds them at start.
    #[non_exhaustive]
    Dynamic {
        /// The loader's path.
        loader: String,
        /// The names of the libraries.
        libraries: Vec<String>,
        /// The newest version of glibc that a symbol requires.
        glibc: Option<(u32, u32)>,
    },
}

/// The error returned when a binary would not run as part of a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BinaryError {
    /// The file is not a 64-bit Linux executable.
    #[error("it is not a 64-bit Linux executable")]
    NotElf,
    /// The binary is for an architecture that the daemon does not support.
    #[error("it is neither for amd64 nor for arm64 (ELF machine {0})")]
    Machine(u16),
    /// The binary is for another architecture than its name says.
    #[error("it is for {is}, but its name says {named}")]
    Misnamed {
        /// The architecture it is built for.
        is: Arch,
        /// The architecture in its name.
        named: Arch,
    },
    /// The file is a shared library, or its section headers were stripped.
    #[error(
        "its libraries cannot be determined: it is a shared library, or its section headers were stripped"
    )]
    Opaque,
    /// The binary needs a loader that the daemon's image doesn't have, such as musl's.
    #[error("it needs the loader {0}, which the daemon's image doesn't have; link it statically")]
    Loader(String),
    /// The binary needs a newer glibc than the daemon's image has.
    #[error("it needs glibc {}.{}, and the daemon's image has {}.{}; link it statically, or build it on an older system",
        .0.0, .0.1, GLIBC_OF_THE_DAEMON.0, GLIBC_OF_THE_DAEMON.1)]
    Glibc((u32, u32)),
    /// The binary needs libraries that may not be in the daemon's image.
    #[error("it needs {}, which may not be in the daemon's image; link them statically", .0.join(", "))]
    Libraries(Vec<String>),
}

impl Arch {
    /// All supported architectures.
    pub const ALL: [Self; 2] = [Self::Amd64, Self::Arm64];

    /// Returns the architecture that a manifest's `meta.arch` calls by this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|arch| arch.name() == name)
    }

    /// Returns the name in a manifest's `meta.arch`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// Returns the path from the package's root at which [`ENTRY_MODULE`](crate::ENTRY_MODULE) looks for the binary.
    pub fn binary_path(self) -> String {
        format!("bin/plugin-linux-{}", self.name())
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Binary {
    /// Reads the headers of an ELF file.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not a 64-bit Linux executable for a supported architecture, or if its libraries
    /// cannot be determined.
    pub fn read(bytes: &[u8]) -> Result<Self, BinaryError> {
        let header = FileHeader64::<Endianness>::parse(bytes).map_err(|_| BinaryError::NotElf)?;
        let endian = header.endian().map_err(|_| BinaryError::NotElf)?;
        let of_linux = [elf::ELFOSABI_SYSV, elf::ELFOSABI_GNU].contains(&header.e_ident().os_abi);
        if ![ET_EXEC, ET_DYN].contains(&header.e_type(endian)) || !of_linux || endian != Endianness::Little {
            return Err(BinaryError::NotElf);
        }
        let arch = match header.e_machine(endian) {
            EM_X86_64 => Arch::Amd64,
            EM_AARCH64 => Arch::Arm64,
            other => return Err(BinaryError::Machine(other.0)),
        };
        match linkage(header, endian, bytes) {
            Ok(Some(linkage)) => Ok(Self { arch, linkage }),
            Ok(None) => Err(BinaryError::Opaque),
            Err(_) => Err(BinaryError::NotElf),
        }
    }

    /// Checks that the binary can run in the daemon's image as the one for `named`.
    ///
    /// # Errors
    ///
    /// Returns the reason why it cannot.
    pub fn check(&self, named: Arch) -> Result<(), BinaryError> {
        if self.arch != named {
            return Err(BinaryError::Misnamed { is: self.arch, named });
        }
        let Linkage::Dynamic { loader, libraries, glibc } = &self.linkage else { return Ok(()) };
        if !loader.starts_with("/lib64/ld-linux") && !loader.starts_with("/lib/ld-linux") {
            return Err(BinaryError::Loader(loader.clone()));
        }
        if let Some(version) = glibc.filter(|version| *version > GLIBC_OF_THE_DAEMON) {
            return Err(BinaryError::Glibc(version));
        }
        let others: Vec<_> = libraries.iter().filter(|name| !USUAL.contains(&&***name)).cloned().collect();
        if others.is_empty() { Ok(()) } else { Err(BinaryError::Libraries(others)) }
    }
}

/// Returns how a binary is linked, or `None` if that cannot be determined.
fn linkage(
    header: &FileHeader64<Endianness>,
    endian: Endianness,
    bytes: &[u8],
) -> object::read::Result<Option<Linkage>> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (mut loader, mut is_dynamic) = (None, false);
    for segment in header.program_headers(endian, bytes)? {
        match segment.p_type(endian) {
            PT_INTERP => loader = segment.interpreter(endian, bytes)?.map(text),
            PT_DYNAMIC => is_dynamic = true,
            _ => {}
        }
    }
    if !is_dynamic && loader.is_none() {
        return Ok(Some(Linkage::Static));
    }

    let sections = header.sections(endian, bytes)?;
    let Some((entries, strings)) = sections.dynamic(endian, bytes)? else { return Ok(None) };
    let strings = sections.strings(endian, bytes, strings)?;
    let mut libraries = Vec::new();
    for entry in entries.iter().filter(|entry| entry.tag(endian) == elf::DT_NEEDED) {
        libraries.push(text(entry.string(endian, strings)?));
    }
    // A static position-independent binary has a dynamic section to relocate itself, but needs no library.
    let Some(loader) = loader else { return Ok(libraries.is_empty().then_some(Linkage::Static)) };

    let mut glibc = None;
    if let Some((mut needed, strings)) = sections.gnu_verneed(endian, bytes)? {
        let strings = sections.strings(endian, bytes, strings)?;
        while let Some((_, mut versions)) = needed.next()? {
            while let Some(version) = versions.next()? {
                glibc = glibc.max(glibc_version(version.name(endian, strings)?));
            }
        }
    }
    Ok(Some(Linkage::Dynamic { loader, libraries, glibc }))
}

/// Parses a symbol version such as `GLIBC_2.34`.
fn glibc_version(name: &[u8]) -> Option<(u32, u32)> {
    let numbers = std::str::from_utf8(name).ok()?.strip_prefix("GLIBC_")?;
    let mut parts = numbers.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next().flatten().unwrap_or(0)))
}
