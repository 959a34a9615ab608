//! Documents that try to exhaust memory or time.

use std::fmt::Write as _;

use dify_plugin_manifest::{MAX_DEPTH, MAX_FILE_BYTES, ManifestError};

use crate::files::{manifest, tool};

fn code<T>(read: Result<T, ManifestError>) -> Option<&'static str> {
    read.err().map(|error| error.finding().code)
}

fn nested(levels: usize) -> String {
    format!("x: {}{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn nesting_is_bounded_even_where_nothing_is_decoded() {
    // The outer mapping counts too.
    assert!(manifest(&nested(MAX_DEPTH - 1)).is_ok());
    assert_eq!(code(manifest(&nested(MAX_DEPTH))), Some("too-deep"));
    for deep in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000)] {
        assert!(manifest(&deep).is_err());
    }
}

#[test]
fn nesting_through_aliases_is_bounded() {
    let mut yaml = "a0: &a0 [x]\n".to_owned();
    for level in 1..=MAX_DEPTH {
        writeln!(yaml, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    write!(yaml, "output_schema: {{x: *a{MAX_DEPTH}}}").unwrap();
    assert_eq!(code(tool(&yaml)), Some("too-deep"));
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(yaml, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    yaml.push_str("output_schema: {x: *a9}");
    assert_eq!(code(tool(&yaml)), Some("too-many-aliases"));
}

#[test]
fn a_bomb_of_merges_is_refused() {
    let mut yaml = "a0: &a0 {k0: x}\n".to_owned();
    for level in 1..30 {
        let from = level - 1;
        writeln!(yaml, "a{level}: &a{level} {{<<: [*a{from}, *a{from}], k{level}: x}}").unwrap();
    }
    yaml.push_str("label: {<<: *a29}");
    assert_eq!(code(manifest(&yaml)), Some("too-many-aliases"));
}

#[test]
fn a_value_that_contains_itself_is_refused_where_it_is_decoded() {
    for yaml in ["output_schema: &a {x: *a}", "output_schema: &a {x: [{y: *a}, *a]}", "identity: &a {<<: *a}"]
    {
        assert_eq!(code(tool(yaml)), Some("recursive-alias"), "{yaml}");
    }
    assert!(tool("extra: &a {x: *a}").is_ok());
}

#[test]
fn the_size_of_a_file_is_bounded() {
    let limit = usize::try_from(MAX_FILE_BYTES).unwrap();
    let fits = format!("name: duck\n#{}", " ".repeat(limit - 12));
    assert_eq!(fits.len(), limit);
    assert_eq!(manifest(&fits).unwrap().name, "duck");
    assert_eq!(code(manifest(&format!("{fits} "))), Some("too-large"));
}

#[test]
fn repairs_are_bounded() {
    // Each scalar makes the parser start over.
    let mut yaml = String::new();
    for index in 0..20_000 {
        writeln!(yaml, "k{index}:\n  a: 'x\ny'").unwrap();
    }
    assert_eq!(code(manifest(&yaml)), Some("not-yaml"));
}

/// The same mistake as often as fits into a file: time and memory stay proportional to its size.
#[test]
fn the_number_of_findings_is_bounded() {
    let many = |line: &str| line.repeat(100_000);
    for (yaml, wanted) in [
        (format!("parameters: [{}]", many("1, ")), "wrong-type"),
        (format!("parameters:\n{}", many("- name: a\n")), "too-many"),
        (format!("parameters:\n- options:\n{}", many("  - value: a\n")), "too-many"),
        ((0..100_000).map(|number| format!("k{number}: 1\n")).collect(), "unknown-key"),
    ] {
        let files = [
            ("manifest.yaml", "plugins: {tools: [provider.yaml]}"),
            ("provider.yaml", "tools: [tool.yaml]"),
            ("tool.yaml", &yaml),
        ];
        let checked = dify_plugin_manifest::check(crate::files::plugin_of(&files).path());
        assert!(checked.findings.iter().any(|finding| finding.code == wanted), "{wanted}");
        assert!(checked.findings.len() < 1100, "{}", checked.findings.len());
        assert_eq!(checked.plugin.is_ok(), wanted == "unknown-key");
    }
}

#[test]
fn the_number_of_mappings_is_bounded() {
    let endpoints = format!("endpoints:\n{}", "- path: /a\n  method: GET\n".repeat(100_001));
    let error = crate::files::group(&endpoints).err().unwrap().to_string();
    assert!(error.contains("more than 100000 mappings are declared"), "{error}");
}
