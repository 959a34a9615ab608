//! Binaries that run in the daemon's image and ones that don't, made of the few headers that matter.

use dify_plugin_package::{Arch, Binary, BinaryError, Linkage};
use proptest::prelude::*;

const X86_64: u16 = 62;
const AARCH64: u16 = 183;
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

#[derive(Clone)]
struct Elf {
    machine: u16,
    loader: Option<&'static str>,
    libraries: Vec<&'static str>,
    versions: Vec<&'static str>,
    has_dynamic: bool,
    has_sections: bool,
}

impl Elf {
    fn fixed(machine: u16) -> Self {
        Self {
            machine,
            loader: None,
            libraries: vec![],
            versions: vec![],
            has_dynamic: false,
            has_sections: false,
        }
    }

    fn dynamic(libraries: &[&'static str], versions: &[&'static str]) -> Self {
        Self {
            machine: X86_64,
            loader: Some(LOADER),
            libraries: libraries.to_vec(),
            versions: versions.to_vec(),
            has_dynamic: true,
            has_sections: true,
        }
    }

    /// Header, program headers, the strings, the dynamic section, the needed versions, section headers.
    fn bytes(&self) -> Vec<u8> {
        let numbers = |wide: &[u64]| wide.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        let halves =
            |narrow: &[u32]| narrow.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        let mut strings = vec![0];
        let mut string = |text: &str| {
            let at = strings.len();
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
            at as u64
        };
        let loader = self.loader.map(|loader| (string(loader), loader.len() as u64 + 1));
        let needed: Vec<u64> =
            self.libraries.iter().flat_map(|name| [1, string(name)]).chain([0, 0]).collect();
        let names: Vec<u64> = self.versions.iter().map(|name| string(name)).collect();
        let file = string("libc.so.6") as u32;
        let mut versions = halves(&[1 | (names.len() as u32) << 16, file, 16, 0]);
        for (index, name) in names.iter().enumerate() {
            let next = if index + 1 == names.len() { 0 } else { 16 };
            versions.extend(halves(&[0, 0, *name as u32, next]));
        }
        let dynamic = numbers(&needed);

        let segments = u64::from(loader.is_some()) + u64::from(self.has_dynamic);
        let strings_at = 64 + 56 * segments;
        let dynamic_at = (strings_at + strings.len() as u64).next_multiple_of(8);
        let versions_at = dynamic_at + dynamic.len() as u64;
        let sections_at = (versions_at + versions.len() as u64).next_multiple_of(8);

        let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        elf.extend(halves(&[3 | u32::from(self.machine) << 16, 1]));
        elf.extend(numbers(&[0x1000, 64, if self.has_sections { sections_at } else { 0 }]));
        let (count, size) = if self.has_sections { (4 | 1 << 16, 64) } else { (0, 0) };
        elf.extend(halves(&[0, 64 | 56 << 16, segments as u32 | size << 16, count]));
        let mut segment = |kind: u32, at: u64, size: u64| {
            elf.extend(halves(&[kind, 4]));
            elf.extend(numbers(&[at, at, at, size, size, 8]));
        };
        if let Some((at, size)) = loader {
            segment(3, strings_at + at, size);
        }
        if self.has_dynamic {
            segment(2, dynamic_at, dynamic.len() as u64);
        }
        elf.extend(&strings);
        elf.resize(dynamic_at as usize, 0);
        elf.extend(&dynamic);
        elf.extend(&versions);
        elf.resize(sections_at as usize, 0);
        let mut section = |kind: u32, at: u64, size: u64, link: u32, info: u32| {
            elf.extend(halves(&[0, kind]));
            elf.extend(numbers(&[0, at, at, size]));
            elf.extend(halves(&[link, info]));
            elf.extend(numbers(&[1, 0]));
        };
        if self.has_sections {
            section(0, 0, 0, 0, 0);
            section(3, strings_at, strings.len() as u64, 0, 0);
            section(6, dynamic_at, dynamic.len() as u64, 1, 0);
            if self.versions.is_empty() {
                section(8, 0, 0, 0, 0);
            } else {
                section(0x6fff_fffe, versions_at, versions.len() as u64, 1, 1);
            }
        }
        elf
    }

    fn check(&self, named: Arch) -> Result<Binary, BinaryError> {
        Binary::read(&self.bytes()).and_then(|binary| binary.check(named).map(|()| binary))
    }
}

#[test]
fn a_static_binary_runs_anywhere() {
    for (machine, arch) in [(X86_64, Arch::Amd64), (AARCH64, Arch::Arm64)] {
        let binary = Elf::fixed(machine).check(arch).unwrap();
        assert_eq!((binary.arch, binary.linkage), (arch, Linkage::Static));
    }
    // A position-independent one, as Rust makes for musl.
    let anywhere = Elf { has_dynamic: true, has_sections: true, ..Elf::fixed(X86_64) };
    assert_eq!(anywhere.check(Arch::Amd64).unwrap().linkage, Linkage::Static);
}

#[test]
fn the_architecture_must_match_the_name() {
    let wrong = Elf::fixed(X86_64).check(Arch::Arm64);
    assert_eq!(wrong, Err(BinaryError::Misnamed { is: Arch::Amd64, named: Arch::Arm64 }));
    assert_eq!(Elf::fixed(243).check(Arch::Amd64), Err(BinaryError::Machine(243)));
}

#[test]
fn glibc_may_be_as_new_as_in_the_daemons_image() {
    let needs =
        |versions: &[&'static str]| Elf::dynamic(&["libc.so.6", "libm.so.6", "libgcc_s.so.1"], versions);
    let binary = needs(&["GLIBC_2.2.5", "GLIBC_2.39", "GLIBC_2.4", "GCC_3.0"]).check(Arch::Amd64).unwrap();
    let Linkage::Dynamic { loader, libraries, glibc, .. } = binary.linkage else { panic!() };
    assert_eq!((&*loader, libraries.len(), glibc), (LOADER, 3, Some((2, 39))));
    let error = needs(&["GLIBC_2.4", "GLIBC_2.40"]).check(Arch::Amd64).unwrap_err();
    assert_eq!(error, BinaryError::Glibc((2, 40)));
    assert!(error.to_string().starts_with("it needs glibc 2.40, and the daemon's image has 2.39"), "{error}");
}

#[test]
fn unusual_libraries_are_refused() {
    let error = Elf::dynamic(&["libc.so.6", "libssl.so.3"], &["GLIBC_2.4"]).check(Arch::Amd64);
    assert_eq!(error, Err(BinaryError::Libraries(vec!["libssl.so.3".to_owned()])));
}

#[test]
fn the_loader_of_musl_is_refused() {
    let elf = Elf { loader: Some("/lib/ld-musl-x86_64.so.1"), ..Elf::dynamic(&["libc.so"], &[]) };
    assert_eq!(elf.check(Arch::Amd64), Err(BinaryError::Loader("/lib/ld-musl-x86_64.so.1".to_owned())));
}

#[test]
fn binaries_with_unknown_libraries_are_refused() {
    let bare = Elf { has_sections: false, ..Elf::dynamic(&["libssl.so.3"], &["GLIBC_2.99"]) };
    assert_eq!(bare.check(Arch::Amd64), Err(BinaryError::Opaque));
    let library = Elf { loader: None, ..Elf::dynamic(&["libc.so.6"], &[]) };
    assert_eq!(library.check(Arch::Amd64), Err(BinaryError::Opaque));
}

#[test]
fn files_other_than_linux_executables_are_refused() {
    let mut cases: Vec<Vec<u8>> =
        vec![b"".to_vec(), b"#!/bin/sh\n".to_vec(), b"MZ".to_vec(), b"\x7fELF".to_vec()];
    // 32 bits, big-endian, FreeBSD, an object file.
    for (at, byte) in [(4, 1), (5, 2), (7, 9), (16, 1)] {
        let mut bytes = Elf::fixed(X86_64).bytes();
        bytes[at] = byte;
        cases.push(bytes);
    }
    for bytes in cases {
        assert_eq!(Binary::read(&bytes), Err(BinaryError::NotElf), "{bytes:?}");
    }
}

/// Reads the binary of this test, which the system's linker made.
#[test]
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
fn a_real_binary_is_read() {
    let binary = Binary::read(&std::fs::read(std::env::current_exe().unwrap()).unwrap()).unwrap();
    let Linkage::Dynamic { loader, libraries, glibc, .. } = binary.linkage else { panic!() };
    assert_eq!((binary.arch, &*loader), (Arch::Amd64, LOADER));
    assert!(libraries.contains(&"libc.so.6".to_owned()) && glibc >= Some((2, 17)), "{libraries:?} {glibc:?}");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in proptest::option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        let mut bytes = Elf::dynamic(&["libc.so.6", "libm.so.6"], &["GLIBC_2.34", "GLIBC_2.2.5"]).bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = Binary::read(&bytes).and_then(|binary| binary.check(Arch::Amd64));
    }
}
