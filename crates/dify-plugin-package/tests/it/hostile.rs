//! Malicious and damaged input.

use dify_plugin_package::{MAX_PACKAGE_BYTES, Package, PackageError};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::folders::fixture;

const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";

type Change<'a> = &'a dyn Fn(&mut Vec<u8>);

fn one_file(content: &[u8]) -> Vec<u8> {
    Package::new([("a".to_owned(), content.to_vec())]).unwrap().write().unwrap()
}

fn position(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).rposition(|window| window == what).unwrap()
}

/// Overwrites a number in the record that begins with `record`.
fn patch(bytes: &mut [u8], record: &[u8], at: usize, value: &[u8]) {
    let from = position(bytes, record) + at;
    bytes[from..from + value.len()].copy_from_slice(value);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..400)) {
        let _ = Package::read(&bytes, MAX_PACKAGE_BYTES);
    }

    #[test]
    fn any_bytes_after_valid_signatures_are_read_or_refused(
        parts in vec(prop_oneof![
            Just(b"PK\x03\x04".to_vec()),
            Just(b"PK\x01\x02".to_vec()),
            Just(b"PK\x05\x06".to_vec()),
            vec(prop_oneof![Just(0u8), any::<u8>()], 0..60),
        ], 0..12),
    ) {
        let _ = Package::read(&parts.concat(), MAX_PACKAGE_BYTES);
    }

    /// A package with some bytes changed: if it is still read, it respects the limit, has valid paths, and can be written.
    #[test]
    fn a_damaged_package_is_read_or_refused(
        name in prop_oneof![Just("odd"), Just("git"), Just("plain.signed")],
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        cut in proptest::option::weighted(0.2, any::<prop::sample::Index>()),
        limit in prop_oneof![Just(MAX_PACKAGE_BYTES), 0u64..10_000],
    ) {
        let mut bytes = fixture(&format!("{name}.difypkg"));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(package) = Package::read(&bytes, limit) {
            prop_assert!(package.bytes() <= limit);
            let again = Package::read(&package.write().unwrap(), limit).unwrap();
            prop_assert_eq!(again, package);
        }
    }
}

/// Returns the stated size of a package that is refused for it.
fn too_large(bytes: &[u8]) -> u64 {
    match Package::read(bytes, MAX_PACKAGE_BYTES) {
        Err(PackageError::TooLarge(error)) => error.bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bomb_is_refused_before_anything_is_unpacked() {
    let mut bytes = one_file(&vec![0; 60 << 20]);
    assert!(bytes.len() < 100_000, "{}", bytes.len());
    assert_eq!(too_large(&bytes), 60 << 20);
    // Unpacking would fail on these bytes, so they are not unpacked.
    bytes[31..1000].fill(0xff);
    assert_eq!(too_large(&bytes), 60 << 20);
    assert!(matches!(Package::read(&bytes, 60 << 20), Err(PackageError::Damaged { .. })));
}

#[test]
fn a_bomb_with_a_small_stated_size_is_refused() {
    let mut bytes = one_file(&vec![0; 40 << 20]);
    patch(&mut bytes, DIRECTORY_ENTRY, 24, &10u32.to_le_bytes());
    let error = Package::read(&bytes, 1000).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`a` in the package is damaged: its size doesn't match the archive directory"
    );
}

#[test]
fn many_entries_of_the_same_data_count_each() {
    let content = vec![0; 1 << 20];
    let package = Package::new((0..100u8).map(|number| (format!("{number:03}"), content.clone()))).unwrap();
    let mut bytes = package.write().unwrap();
    // All of them point at the first file's data.
    let mut at = 0;
    while let Some(next) = bytes[at..].windows(4).position(|window| window == DIRECTORY_ENTRY) {
        at += next;
        bytes[at + 42..at + 46].fill(0);
        at += 4;
    }
    assert_eq!(too_large(&bytes), 100 << 20);
}

#[test]
fn ambiguous_archives_are_refused() {
    let good = one_file(b"content");
    let refused = |change: Change<'_>| {
        let mut bytes = good.clone();
        change(&mut bytes);
        Package::read(&bytes, MAX_PACKAGE_BYTES).unwrap_err().to_string()
    };
    let all_ones = [0xff; 4];
    let cases: [(&str, Change<'_>); 20] = [
        ("not a package: this is not a zip file", &|bytes| bytes.clear()),
        ("data follows it", &|bytes| bytes.push(b'\n')),
        ("truncated", &|bytes| bytes.truncate(bytes.len() - 1)),
        ("data precedes the archive", &|bytes| bytes.insert(0, b'#')),
        ("large-file records", &|bytes| patch(bytes, END, 16, &all_ones)),
        ("large-file records", &|bytes| patch(bytes, END, 10, &all_ones[..2])),
        ("large-file records", &|bytes| patch(bytes, DIRECTORY_ENTRY, 24, &all_ones)),
        ("several parts", &|bytes| patch(bytes, END, 4, &[1, 0])),
        ("several parts", &|bytes| patch(bytes, END, 8, &[2, 0])),
        ("number of entries", &|bytes| patch(bytes, END, 8, &[2, 0, 2, 0])),
        ("archive directory is damaged", &|bytes| patch(bytes, DIRECTORY_ENTRY, 28, &[9])),
        ("`a` in the package is damaged: it is encrypted", &|bytes| patch(bytes, DIRECTORY_ENTRY, 8, &[1])),
        ("not compressed with deflate", &|bytes| patch(bytes, DIRECTORY_ENTRY, 10, &[12])),
        ("not where the archive directory says", &|bytes| patch(bytes, DIRECTORY_ENTRY, 42, &[1])),
        ("its data is truncated", &|bytes| patch(bytes, DIRECTORY_ENTRY, 20, &[200])),
        ("its size doesn't match", &|bytes| patch(bytes, DIRECTORY_ENTRY, 24, &[8])),
        ("its CRC", &|bytes| patch(bytes, DIRECTORY_ENTRY, 16, &[0, 0])),
        ("\"\u{fffd}\" is not a valid path", &|bytes| patch(bytes, DIRECTORY_ENTRY, 46, &[0xff])),
        (r#"".""#, &|bytes| patch(bytes, DIRECTORY_ENTRY, 46, b".")),
        ("`/` is an entry for a folder", &|bytes| patch(bytes, DIRECTORY_ENTRY, 46, b"/")),
    ];
    for (says, change) in cases {
        let said = refused(change);
        assert!(said.contains(says), "{said} doesn't contain {says}");
    }
}

/// The daemon's packager repeats the CRC after the data, and Go's reader compares it.
#[test]
fn the_record_after_the_data_is_checked() {
    let mut bytes = fixture("plain.difypkg");
    let record = bytes.windows(4).position(|window| window == b"PK\x07\x08").unwrap();
    assert!(Package::read(&bytes, MAX_PACKAGE_BYTES).is_ok());
    bytes[record + 4] ^= 1;
    let error = Package::read(&bytes, MAX_PACKAGE_BYTES).unwrap_err().to_string();
    assert!(error.contains("the CRC after its data doesn't match"), "{error}");
}

#[test]
fn a_stored_file_is_read() {
    let mut bytes = one_file(b"");
    let packed = bytes.iter().rposition(|byte| *byte == b'a').unwrap();
    assert!(packed > 0);
    patch(&mut bytes, DIRECTORY_ENTRY, 10, &[0, 0]);
    patch(&mut bytes, DIRECTORY_ENTRY, 20, &[0; 4]);
    assert_eq!(Package::read(&bytes, 0).unwrap().file("a"), Some(&b""[..]));
}
