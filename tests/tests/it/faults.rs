//! The table of faults names tests that exist.

use scenarios::repository;

#[test]
fn every_row_of_the_table_names_tests_that_exist() {
    let table = std::fs::read_to_string(repository().join("tests/FAULTS.md")).unwrap();
    let rows: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| fault |") && !line.starts_with("| ---"))
        .collect();
    assert!(rows.len() > 20, "{}", rows.len());
    for row in rows {
        let shown_by = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let tests: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "nothing shows: {row}");
        for test in tests {
            assert!(exists(test), "there is no test `{test}`");
        }
    }
}

/// Returns whether there is a test of this name: `crate module::name`.
fn exists(test: &str) -> bool {
    let (krate, path) = test.split_once(' ').expect("a crate and a path");
    let (module, name) = path.split_once("::").expect("a module and a name");
    let folder = match krate {
        "scenarios" => "tests".to_owned(),
        "plugin" => "crates/dify-plugin".to_owned(),
        other => format!("crates/dify-plugin-{other}"),
    };
    let file = repository().join(folder).join("tests/it").join(module).with_extension("rs");
    let Ok(source) = std::fs::read_to_string(file) else { return false };
    // The attributes before the function must make it a test that is not ignored.
    let Some((before, _)) = source.split_once(&format!("fn {name}(")) else { return false };
    let attributes = before.rsplit("\n\n").next().unwrap_or_default();
    attributes.contains("test") && attributes.contains("#[") && !attributes.contains("#[ignore")
        || source.contains("proptest! {") && attributes.contains("#[test]")
}
