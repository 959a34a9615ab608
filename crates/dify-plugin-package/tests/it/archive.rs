//! Writing packages, and files that are not a valid package.

use dify_plugin_package::{MAX_FILES, MAX_PACKAGE_BYTES, Package, PackageError};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use crate::folders::by_daemon;

fn package(paths: &[&str]) -> Result<Package, PackageError> {
    Package::new(paths.iter().map(|path| ((*path).to_owned(), b"x".to_vec())))
}

proptest! {
    #[test]
    fn a_written_package_is_read_back(files in btree_map("[a-zé ]{1,12}\\.[a-z]", vec(any::<u8>(), 0..2000), 0..20)) {
        let package = Package::new(files).unwrap();
        let bytes = package.write().unwrap();
        prop_assert_eq!(&bytes, &package.write().unwrap());
        prop_assert_eq!(Package::read(&bytes, MAX_PACKAGE_BYTES).unwrap(), package);
    }
}

#[test]
fn the_order_of_the_files_does_not_change_the_bytes() {
    let (one, other) =
        (package(&["b", "a/c", "a-b", "é"]).unwrap(), package(&["é", "a-b", "a/c", "b"]).unwrap());
    assert_eq!(one.write().unwrap(), other.write().unwrap());
    let paths: Vec<_> = one.files().iter().map(|file| &*file.path).collect();
    assert_eq!(paths, ["a-b", "a/c", "b", "é"]);
}

#[test]
fn entries_have_no_modes_no_times_and_no_extra_fields() {
    let bytes = package(&["a/b"]).unwrap().write().unwrap();
    let entry = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let field = |at: usize, length: usize| &bytes[entry + at..entry + at + length];
    assert_eq!(field(4, 2), [20, 0], "made by 2.0 on FAT");
    assert_eq!(field(10, 2), [8, 0], "deflated");
    assert_eq!(field(12, 4), [0, 0, 0x21, 0], "1 January 1980");
    assert_eq!(field(30, 4), [0; 4], "extra fields, comment");
    assert_eq!(field(38, 4), [0; 4], "attributes");
}

/// Pins the bytes of one package. Another compressor would change everybody's packages.
#[test]
fn the_bytes_are_the_same_everywhere() {
    let content: Vec<u8> = (0u32..5000).map(|number| (number * number % 251) as u8).collect();
    let package = Package::new([("content".to_owned(), content)]).unwrap();
    let bytes = package.write().unwrap();
    let sum = bytes.iter().fold(0u64, |sum, byte| sum.wrapping_mul(1_000_003) ^ u64::from(*byte));
    assert_eq!((bytes.len(), sum), (432, 8_173_244_087_661_610_587));
}

#[test]
fn paths_that_leave_the_package_are_refused() {
    let control = "a\nb";
    let long = "x".repeat(4096);
    for path in ["../a", "/a", "a/../b", "./a", "a//b", "", "a\\b", control, "a\0", "..", &long] {
        assert_eq!(package(&[path]), Err(PackageError::Path(path.to_owned())));
    }
    assert_eq!(package(&["a/"]), Err(PackageError::Folder("a/".to_owned())));
    assert_eq!(package(&["a", "b", "a"]), Err(PackageError::Twice("a".to_owned())));
    assert_eq!(package(&["a", "a-b", "a/b/c"]), Err(PackageError::FileAndFolder("a".to_owned())));
    assert!(package(&["a..b/.c", "A", "a"]).is_ok());
}

#[test]
fn too_many_files_are_refused() {
    let many = |count: usize| Package::new((0..count).map(|number| (format!("f/{number}"), Vec::new())));
    assert_eq!(many(MAX_FILES), Err(PackageError::TooManyFiles(MAX_FILES)));
    let most = many(MAX_FILES - 1).unwrap();
    assert_eq!(Package::read(&most.write().unwrap(), 0), Ok(most));
}

#[test]
fn the_size_limit_is_exact() {
    let package = Package::new([("a".to_owned(), vec![0; 60]), ("b".to_owned(), vec![0; 40])]).unwrap();
    assert_eq!(package.bytes(), 100);
    assert!(package.check_size(100).is_ok());
    let error = package.check_size(99).unwrap_err();
    assert_eq!((error.bytes, error.limit, &*error.largest[0].0), (100, 99, "a"));
    let bytes = package.write().unwrap();
    assert!(Package::read(&bytes, 100).is_ok());
    assert_eq!(Package::read(&bytes, 99), Err(PackageError::TooLarge(error)));
}

#[test]
fn debug_output_does_not_show_content() {
    assert_eq!(format!("{:?}", by_daemon("plain").files()[0]), "_assets/icon.svg (42 bytes)");
}
