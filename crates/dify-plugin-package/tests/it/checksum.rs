//! Checksums and identifiers, compared with those of the daemon's command line.

use std::collections::BTreeMap;

use dify_plugin_manifest::Plugin;
use dify_plugin_package::{Package, UniqueIdentifier};

use crate::folders::{by_daemon, fixture};

#[test]
fn checksums_are_the_daemons() {
    let sums: BTreeMap<String, String> = serde_json::from_slice(&fixture("checksums.json")).unwrap();
    assert_eq!(sums.len(), 4);
    for (name, sum) in sums {
        assert_eq!(by_daemon(&name).checksum(), sum, "{name}");
    }
}

#[test]
fn the_identifier_is_author_name_version_and_checksum() {
    let package = by_daemon("plain");
    let dir = tempfile::tempdir().unwrap();
    package.unpack(dir.path()).unwrap();
    let mut manifest = Plugin::read(dir.path()).unwrap().manifest;
    let identifier = |manifest: &_| UniqueIdentifier::new(manifest, &package);
    let sum = package.checksum();
    assert_eq!(identifier(&manifest).unwrap().as_str(), format!("dify-plugin/duck:0.0.1@{sum}"));
    manifest.author.clear();
    assert_eq!(identifier(&manifest).unwrap().to_string(), format!("duck:0.0.1@{sum}"));
    manifest.version = "1".to_owned();
    assert_eq!(identifier(&manifest).unwrap_err().part, "version");
    manifest.name = "Duck".to_owned();
    assert_eq!(identifier(&manifest).unwrap_err().part, "name");
    manifest.author = "a/b".to_owned();
    assert_eq!(identifier(&manifest).unwrap_err().part, "author");
}

#[test]
fn the_checksum_covers_names() {
    let make = |name: &str| {
        Package::new([("b".to_owned(), b"1".to_vec()), (name.to_owned(), b"2".to_vec())]).unwrap()
    };
    assert_eq!(make("a").checksum(), make("a").checksum());
    assert_ne!(make("a").checksum(), make("c").checksum());
}
