//! Error messages: the location, the field, the problem and the fix.

use dify_plugin_manifest::{ManifestError, Plugin};

use crate::files::{manifest, plugin_of, read, tool};

#[test]
fn a_wrong_value_is_reported_with_its_location_and_field() {
    let yaml = "parameters:\n  - name: a\n  - name: b\n    options:\n      - value: [x]\n";
    assert_eq!(
        tool(yaml).unwrap_err().to_string(),
        "tool.yaml:5:16: parameters[1].options[0].value: a list is not allowed here; write text (quote it if it \
         begins with `{` or `[`)"
    );
    assert_eq!(
        manifest("name: x\nresource:\n  permission:\n    app: yes").unwrap_err().to_string(),
        "manifest.yaml:4:10: resource.permission.app: text is not allowed here; write a mapping (lines of `key: value`)"
    );
    assert_eq!(
        manifest("\u{feff}name: [x]").unwrap_err().to_string(),
        "manifest.yaml:1:7: name: a list is not allowed here; write text (quote it if it begins with `{` or `[`)"
    );
    assert_eq!(
        manifest("[]").unwrap_err().to_string(),
        "manifest.yaml:1:1: a list is not allowed here; write a mapping (lines of `key: value`)"
    );
}

#[test]
fn a_repeated_key_is_reported_with_the_line_of_the_first() {
    assert_eq!(
        manifest("name: a\nlabel:\n  en_US: a\n  en_US: b").unwrap_err().to_string(),
        "manifest.yaml:4:3: label: the key \"en_US\" is already defined at line 3; remove one of the two"
    );
}

#[test]
fn broken_yaml_is_reported_with_its_location() {
    let error = manifest("name: a\nlabel: {en_US: x\nauthor: b").unwrap_err();
    let found = error.finding();
    assert_eq!((found.code, &*found.at.file, found.at.line), ("not-yaml", "manifest.yaml", 3));
}

#[test]
fn a_folder_without_manifest_is_an_error_with_a_fix() {
    let dir = plugin_of(&[]);
    let error = Plugin::read(dir.path()).unwrap_err();
    assert_eq!(error.finding().code, ManifestError::NO_MANIFEST);
    assert!(std::error::Error::source(&error).is_some());
    assert!(error.to_string().ends_with("name the folder that holds the plugin's manifest.yaml"), "{error}");
}

#[test]
fn a_missing_file_is_reported_where_it_is_named() {
    let files = [
        ("manifest.yaml", "plugins:\n  tools:\n    - provider/a.yaml"),
        ("provider/a.yaml", "tools:\n- tools/b.yaml"),
    ];
    assert_eq!(
        read(&files).unwrap_err().to_string(),
        "provider/a.yaml:2:3: the file `tools/b.yaml` cannot be read; create it, or correct the path"
    );
    assert_eq!(
        read(&files[..1]).unwrap_err().to_string(),
        "manifest.yaml:3:7: the file `provider/a.yaml` cannot be read; create it, or correct the path"
    );
}

#[test]
fn a_path_outside_the_package_is_refused_unopened() {
    for path in ["../outside.yaml", "/etc/hostname", "./provider.yaml", "", "a//b.yaml", "a/../b.yaml", "a/"]
    {
        let yaml = format!("plugins: {{endpoints: ['{path}']}}");
        let error = read(&[("manifest.yaml", &yaml), ("provider.yaml", "")]).unwrap_err();
        assert_eq!(error.finding().code, "outside-package", "{path}: {error}");
    }
}

#[test]
fn files_that_are_not_text_are_refused() {
    let dir = plugin_of(&[]);
    std::fs::write(dir.path().join("manifest.yaml"), b"name: a\nauthor: \xc3\xa9\xff").unwrap();
    let error = Plugin::read(dir.path()).unwrap_err().to_string();
    assert_eq!(error, "manifest.yaml:2:10: this is not UTF-8 text; save the file as UTF-8");

    let error = manifest("name: a\nauthor: b\u{7}").unwrap_err().to_string();
    assert_eq!(
        error,
        "manifest.yaml:2:10: not valid YAML: control characters are not allowed; correct the YAML here or in the lines before"
    );
}
