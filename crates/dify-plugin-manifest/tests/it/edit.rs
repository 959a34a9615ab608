//! Changes that leave the rest as it is.

use dify_plugin_manifest::{Edit, EditError};
use serde_json::{Value, json};

fn set(text: &str, path: &[&str], value: &Value) -> Result<String, EditError> {
    let mut edit = Edit::new("a.yaml", text).unwrap();
    let set = edit.set(path, value);
    assert!(set.is_ok() || edit.text() == text, "changed, and an error: {}", edit.text());
    set.map(|()| edit.text().to_owned())
}

#[test]
fn a_value_is_replaced_and_nothing_else() {
    for (before, path, value, after) in [
        ("a: 1 # why\nx: y\n", &["a"][..], json!(2), "a: 2 # why\nx: y\n"),
        ("a: 'it''s'\n", &["a"], json!("b"), "a: b\n"),
        ("a: b", &["a"], json!("no"), "a: \"no\""),
        ("a: b", &["a"], json!("1.0"), "a: \"1.0\""),
        ("a: b", &["a"], json!("1.0.0"), "a: 1.0.0"),
        ("é: {b: [x, y], c: d}\n", &["é", "b", "1"], json!("z"), "é: {b: [x, z], c: d}\n"),
        ("a:\n- b: c\n  d: e\n- f\n", &["a", "0", "d"], json!(true), "a:\n- b: c\n  d: true\n- f\n"),
        (
            "a:\n  b: |\n    one\n    two\nc: d\n",
            &["c"],
            json!("e: f"),
            "a:\n  b: |\n    one\n    two\nc: \"e: f\"\n",
        ),
        ("a:\nb: c\n", &["a"], json!("x"), "a: x\nb: c\n"),
        ("a: |\n  hello\nb: 1\n", &["a"], json!("new"), "a: new\nb: 1\n"),
        ("a: >-\n  hello\n\n  you\n# why\nb: 1\n", &["a"], json!(2), "a: 2\n# why\nb: 1\n"),
        (
            "a:\n  b: c\n  d: e\n\n# why\nf: g\n",
            &["a", "b"],
            json!("x"),
            "a:\n  b: x\n  d: e\n\n# why\nf: g\n",
        ),
        ("\u{feff}a: b\r\nc: d\r\n", &["c"], json!("e"), "\u{feff}a: b\r\nc: e\r\n"),
    ] {
        assert_eq!(set(before, path, &value).as_deref(), Ok(after), "{before:?}");
    }
}

#[test]
fn a_key_that_is_not_there_is_added_after_the_others() {
    for (before, path, value, after) in [
        ("a: b\n", &["c"][..], json!("d"), "a: b\nc: d\n"),
        ("a: b", &["c"], json!("d"), "a: b\nc: d\n"),
        ("", &["a", "b"], json!(1), "a:\n  b: 1\n"),
        (
            "a:\n  b: c # why\n\n# end\nd: e\n",
            &["a", "x", "z"],
            json!(1),
            "a:\n  b: c # why\n  x:\n    z: 1\n\n# end\nd: e\n",
        ),
        ("a: {b: c}\n", &["a", "x", "v"], json!("z"), "a: {b: c, x: {v: z}}\n"),
        ("a: {}\n", &["a", "x"], json!([1, "b"]), "a: {x: [1,\"b\"]}\n"),
        ("a:\nb: c\n", &["a", "x"], json!(1), "a: {x: 1}\nb: c\n"),
        ("a:\n  - b: c\n", &["a", "0", "d"], json!("e"), "a:\n  - b: c\n    d: e\n"),
        ("a:\n  b: |\n    one\nc: d\n", &["a", "x"], json!(1), "a:\n  b: |\n    one\n  x: 1\nc: d\n"),
    ] {
        assert_eq!(set(before, path, &value).as_deref(), Ok(after), "{before:?}");
    }
}

#[test]
fn what_is_not_plain_is_left_to_people() {
    let kind = |text: &str, path: &[&str]| match set(text, path, &json!(1)).unwrap_err() {
        EditError::NoMapping { at, .. } => format!("no mapping {at}"),
        EditError::NoItem { at, .. } => format!("no item {at}"),
        EditError::Shared { at } => format!("shared {at}"),
        other => other.to_string(),
    };
    assert_eq!(kind("a: b\n", &["a", "c"]), "no mapping a.yaml:1:4");
    // A mapping or a list of several lines is no single value.
    let whole = set("a:\n  b: c\nd: e\n", &["a"], &json!(1));
    assert!(whole.is_err() || whole.as_deref() == Ok("a:\n  1\nd: e\n"), "{whole:?}");
    assert_eq!(kind("a: [b]\n", &["a", "1"]), "no item a.yaml:1:4");
    assert_eq!(kind("a: [b]\n", &["a", "x"]), "no item a.yaml:1:4");
    assert_eq!(kind("a: &x b\nc: *x\n", &["c"]), "shared a.yaml:2:4");
    assert!(kind("a: &x {b: c}\nd: *x\n", &["a", "b"]).starts_with("shared"));
}

proptest::proptest! {
    /// Whatever is set in whatever plugin: the file still reads, with that value in that place.
    #[test]
    fn what_was_set_is_read_again(
        kind in 0..6_usize,
        file in 0..8_usize,
        key in "[a-z]{1,6}( [a-z:#]{1,4})?",
        text in "[ -~é🦆\\n]{0,12}",
    ) {
        let (_, files) = crate::clean::ALL[kind];
        let yaml: Vec<_> = files.iter().filter(|(path, text)| path.ends_with(".yaml") && !text.starts_with('-')).collect();
        let (path, before) = *yaml[file % yaml.len()];
        let mut edit = Edit::new(path, before).unwrap();
        edit.set(&["label", &key], &json!(text)).unwrap();
        edit.set(&["x", "y"], &json!([text])).unwrap();
        for line in before.lines() {
            proptest::prop_assert!(edit.text().contains(line), "{line} is gone");
        }
        let again = edit.text().to_owned();
        edit.set(&["label", &key], &json!(text)).unwrap();
        proptest::prop_assert_eq!(edit.text(), again);
    }
}
