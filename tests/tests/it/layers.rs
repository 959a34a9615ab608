//! Which crate may depend on which, according to `cargo tree`.

use std::collections::BTreeSet;
use std::process::Command;

use scenarios::repository;

/// Each published crate, and all of our crates that it depends on.
const LAYERS: [(&str, &[&str]); 10] = [
    ("dify-plugin-protocol", &[]),
    ("dify-plugin-session", &["dify-plugin-protocol"]),
    ("dify-plugin-invoke", &["dify-plugin-protocol", "dify-plugin-session"]),
    ("dify-plugin-app", &["dify-plugin-invoke", "dify-plugin-protocol", "dify-plugin-session"]),
    (
        "dify-plugin",
        &["dify-plugin-app", "dify-plugin-invoke", "dify-plugin-protocol", "dify-plugin-session"],
    ),
    ("dify-plugin-manifest", &[]),
    ("dify-plugin-package", &["dify-plugin-manifest"]),
    // It shares only the wire with `dify-plugin`: with a shared multiplexer, one mistake could hide another.
    ("dify-plugin-host", &["dify-plugin-manifest", "dify-plugin-protocol"]),
    // It runs a plugin and a host in one program; they still share only the wire.
    (
        "dify-plugin-test",
        &[
            "dify-plugin",
            "dify-plugin-app",
            "dify-plugin-host",
            "dify-plugin-invoke",
            "dify-plugin-manifest",
            "dify-plugin-protocol",
            "dify-plugin-session",
        ],
    ),
    // It treats a plugin as a process.
    (
        "cargo-dify",
        &["dify-plugin-host", "dify-plugin-manifest", "dify-plugin-package", "dify-plugin-protocol"],
    ),
];

/// Returns the lines of `cargo tree` for one crate: packages, or with the edge `features` their features too.
fn tree(krate: &str, arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--package", krate, "--prefix", "none", "--no-dedupe"])
        .args(arguments)
        .current_dir(repository())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("names are UTF-8").lines().map(str::to_owned).collect()
}

/// Returns the names of the packages that a build of the crate links.
fn linked(krate: &str, features: &str) -> BTreeSet<String> {
    let lines = tree(krate, &["--edges", "normal", features]);
    lines.iter().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
}

#[test]
fn arrows_point_down_only() {
    for (krate, below) in LAYERS {
        let ours: BTreeSet<String> = linked(krate, "--all-features")
            .into_iter()
            .filter(|name| name != krate && LAYERS.iter().any(|(layer, _)| layer == name))
            .collect();
        assert_eq!(ours, below.iter().map(|name| (*name).to_owned()).collect(), "below {krate}");
    }
}

#[test]
fn every_crate_has_its_layer() {
    let folders: BTreeSet<String> = std::fs::read_dir(repository().join("crates"))
        .expect("there are crates")
        .map(|entry| {
            entry.expect("the folder can be read").file_name().into_string().expect("names are UTF-8")
        })
        .collect();
    assert_eq!(folders, LAYERS.iter().map(|(krate, _)| (*krate).to_owned()).collect());
}

#[test]
fn the_wire_the_declarations_and_the_packages_need_no_runtime() {
    for krate in ["dify-plugin-protocol", "dify-plugin-manifest", "dify-plugin-package"] {
        let packages = linked(krate, "--no-default-features");
        for absent in ["tokio", "tokio-util", "futures-util", "hyper", "reqwest"] {
            assert!(!packages.contains(absent), "{krate} pulls in {absent}");
        }
    }
    let packages = linked("dify-plugin-protocol", "--all-features");
    for absent in ["saphyr-parser", "uuid", "tracing"] {
        assert!(!packages.contains(absent), "the protocol pulls in {absent}");
    }
}

#[test]
fn calls_know_no_transport() {
    for krate in ["dify-plugin-invoke", "dify-plugin-app"] {
        let features = tree(krate, &["--edges", "normal,features"]);
        let has = |feature: &str| features.iter().any(|line| line.starts_with(feature));
        assert!(has("dify-plugin-session v"), "{krate}: {features:?}");
        assert!(!has("dify-plugin-session feature \"stdio\""), "{krate}: {features:?}");
        assert!(!has("tokio feature \"net\"") && !has("tokio feature \"rt\""), "{krate}: {features:?}");
    }
}

#[test]
fn heavy_parts_are_off_until_asked_for() {
    let packages = linked("dify-plugin", "--no-default-features");
    for absent in ["axum", "axum-core", "hyper", "reqwest", "rustls"] {
        assert!(!packages.contains(absent), "dify-plugin pulls in {absent} unasked");
    }
    let packages = linked("dify-plugin-host", "--no-default-features");
    for absent in ["hyper", "reqwest", "rustls"] {
        assert!(!packages.contains(absent), "dify-plugin-host pulls in {absent} unasked");
    }
    assert!(linked("dify-plugin-host", "--features=service-api").contains("reqwest"));
}
