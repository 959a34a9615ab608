//! Decoding as in yaml.v3, with a test for each of its rules.

use dify_plugin_manifest::ManifestError;
use serde_json::json;

use crate::files::{manifest, provider, tool};

fn code(error: &ManifestError) -> &'static str {
    error.finding().code
}

#[test]
fn unknown_keys_are_ignored_at_every_level() {
    let yaml = "
name: duck
colour: green
resource: {memory: 1, disk: 2, permission: {model: {llm: true, vision: true}, moon: [1]}}
label: {en_US: Duck, de_DE: Ente}
";
    let manifest = manifest(yaml).unwrap();
    assert_eq!(manifest.name, "duck");
    assert!(manifest.resource.permission.model.llm);
    assert_eq!(manifest.label.en_us, "Duck");
}

#[test]
fn a_repeated_key_is_an_error_even_if_unknown() {
    for (yaml, key) in [
        ("name: a\nauthor: b\nname: c", "name"),
        ("name: a\nzz: 1\nzz: 2", "zz"),
        ("name: a\n\"name\": b", "name"),
        ("label: {en_US: a, en_US: b}", "en_US"),
    ] {
        let error = manifest(yaml).unwrap_err();
        assert_eq!(code(&error), "duplicate-key", "{yaml}");
        assert!(error.finding().message.contains(&format!("{key:?}")), "{error}");
    }
}

#[test]
fn a_repeated_key_below_an_unknown_key_is_never_seen() {
    assert!(manifest("name: a\nextra: {python: {source: b, source: c}}").is_ok());
    assert!(tool("extra: {python: {source: b, source: c}}").is_ok());
}

#[test]
fn a_string_field_takes_the_source_text_of_any_scalar() {
    for (written, read) in [
        ("1", "1"),
        ("0x1F", "0x1F"),
        ("3.10", "3.10"),
        ("false", "false"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("2026-01-31", "2026-01-31"),
        (".inf", ".inf"),
        ("'null'", "null"),
        ("\"\\u00e9\"", "é"),
        ("!!str 5", "5"),
        ("!local 5", "5"),
        ("! 5", "5"),
        ("null", ""),
        ("~", ""),
        ("", ""),
    ] {
        assert_eq!(manifest(&format!("name: {written}")).unwrap().name, read, "{written}");
    }
    assert_eq!(manifest("author: x").unwrap().name, "");
}

#[test]
fn a_string_field_refuses_collections_and_wrong_tags() {
    for written in ["[a]", "{a: b}", "!!int x", "!!binary aGk="] {
        let error = manifest(&format!("name: {written}")).unwrap_err();
        assert!(matches!(code(&error), "wrong-type" | "wrong-tag"), "{written}");
    }
}

#[test]
fn an_optional_string_distinguishes_null_from_empty() {
    let manifest = manifest("privacy: ''\nrepo: ~\nmeta: {minimum_dify_version: 1.9}").unwrap();
    assert_eq!(manifest.privacy.as_deref(), Some(""));
    assert_eq!(manifest.repo, None);
    assert_eq!(manifest.meta.minimum_dify_version.as_deref(), Some("1.9"));
}

#[test]
fn a_bool_field_takes_the_booleans_of_yaml_1_1() {
    for (words, value) in [
        ("true True TRUE y Y yes Yes YES on On ON 'yes' \"on\"", true),
        ("false False FALSE n N no No NO off Off OFF 'no' null ~", false),
    ] {
        for word in words.split(' ') {
            let resource = manifest(&format!("resource: {{permission: {{tool: {{enabled: {word}}}}}}}"))
                .unwrap()
                .resource;
            assert_eq!(resource.permission.tool, value, "{word}");
        }
    }
    for word in ["'true'", "\"false\"", "1", "yEs", "[]", "maybe"] {
        let yaml = format!("resource: {{permission: {{tool: {{enabled: {word}}}}}}}");
        assert!(manifest(&yaml).is_err(), "{word}");
    }
}

#[test]
fn a_float_in_an_integer_field_is_truncated() {
    for (written, value) in
        [("2.0", 2), ("2.9", 2), ("-2.9", -2), ("1e3", 1000), ("1_000", 1000), ("0x10", 16), ("~", 0)]
    {
        assert_eq!(manifest(&format!("resource: {{memory: {written}}}")).unwrap().resource.memory, value);
    }
    for written in ["'2'", "two", "9223372036854775808", ".nan", "true"] {
        assert!(manifest(&format!("resource: {{memory: {written}}}")).is_err(), "{written}");
    }
    let size = |written: &str| {
        let yaml = format!("resource: {{permission: {{storage: {{size: {written}}}}}}}");
        manifest(&yaml).map(|manifest| manifest.resource.permission.storage.size)
    };
    assert_eq!(size("18446744073709551615").unwrap(), u64::MAX);
    assert_eq!(size("1024.9").unwrap(), 1024);
    assert!(size("-1").is_err());
}

#[test]
fn a_default_may_be_any_json() {
    for (written, value) in [
        ("3", json!(3)),
        ("3.5", json!(3.5)),
        ("yes", json!("yes")),
        ("true", json!(true)),
        ("'3'", json!("3")),
        ("[1, null, {a: b}]", json!([1, null, {"a": "b"}])),
        ("2026-01-31", json!("2026-01-31T00:00:00Z")),
    ] {
        let tool = tool(&format!("parameters: [{{default: {written}}}]")).unwrap();
        assert_eq!(tool.parameters[0].default, Some(value), "{written}");
    }
    assert_eq!(tool("parameters: [{default: null}]").unwrap().parameters[0].default, None);
    for written in [".inf", "{1: a}", "[{true: a}]"] {
        let error = tool(&format!("parameters: [{{default: {written}}}]")).unwrap_err();
        assert_eq!(code(&error), "not-json", "{written}");
    }
}

#[test]
fn an_output_schema_is_a_mapping_whose_own_keys_may_be_any_scalar() {
    let schema = tool("output_schema: {type: object, 1: {x: [y]}}").unwrap().output_schema.unwrap();
    assert_eq!(json!(schema), json!({"type": "object", "1": {"x": ["y"]}}));
    assert_eq!(tool("output_schema:").unwrap().output_schema, None);
    assert!(tool("output_schema: [1]").is_err());
    assert!(tool("output_schema: {properties: {1: a}}").is_err());
}

#[test]
fn null_items_of_a_list_are_skipped() {
    assert_eq!(manifest("tags: [a, null, ~, b,]").unwrap().tags, ["a", "b"]);
    assert_eq!(tool("parameters: [null, {name: x}]").unwrap().parameters.len(), 1);
    assert!(tool("parameters: null").unwrap().parameters.is_empty());
    assert!(tool("parameters: {name: x}").is_err());
}

#[test]
fn a_time_is_a_plain_yaml_timestamp_or_a_quoted_rfc_3339_time() {
    for (written, read) in [
        ("2026-01-31T08:30:00.658609186Z", "2026-01-31T08:30:00.658609186Z"),
        ("2026-01-31", "2026-01-31T00:00:00Z"),
        ("2026-1-31 8:30:00", "2026-01-31T08:30:00Z"),
        ("\"2026-01-31T08:30:00.50+08:00\"", "2026-01-31T08:30:00.5+08:00"),
        ("'2026-01-31T08:30:00Z'", "2026-01-31T08:30:00Z"),
        ("null", "0001-01-01T00:00:00Z"),
    ] {
        assert_eq!(manifest(&format!("created_at: {written}")).unwrap().created_at, read);
    }
    for written in ["\"2026-01-31\"", "2026-01-31T08:30:00", "yesterday", "2026-02-30", "12"] {
        let error = manifest(&format!("created_at: {written}")).unwrap_err();
        assert_eq!(code(&error), "not-a-time", "{written}");
    }
}

#[test]
fn a_bom_crlf_and_a_missing_final_line_break_are_accepted() {
    let manifest = manifest("\u{feff}name: duck\r\nlabel:\r\n  en_US: |\r\n    One\r\n    Two").unwrap();
    assert_eq!(manifest.name, "duck");
    assert_eq!(manifest.label.en_us, "One\nTwo");
}

#[test]
fn anchors_aliases_and_merges_are_followed() {
    let yaml = "
base: &base {en_US: Base, ja_JP: Moto, unknown: 1}
label: *base
description:
  <<: *base
  en_US: Own
tags: [&tag search, *tag]
resource:
  permission:
    <<: [{tool: {enabled: true}}, {tool: {enabled: false}, app: {enabled: true}}]
";
    let manifest = manifest(yaml).unwrap();
    assert_eq!((manifest.label.en_us.as_str(), manifest.label.ja_jp.as_str()), ("Base", "Moto"));
    assert_eq!((manifest.description.en_us.as_str(), manifest.description.ja_jp.as_str()), ("Own", "Moto"));
    assert_eq!(manifest.tags, ["search", "search"]);
    assert!(manifest.resource.permission.tool);
    assert!(manifest.resource.permission.app);
}

#[test]
fn own_keys_override_merged_ones_and_earlier_merges_override_later_ones() {
    let yaml = "output_schema: {<<: [{a: 1, b: 2}, {b: 3, c: {<<: {d: 4}}}], a: 5}";
    let schema = tool(yaml).unwrap().output_schema.unwrap();
    assert_eq!(json!(schema), json!({"a": 5, "b": 2, "c": {"d": 4}}));
}

#[test]
fn a_key_repeated_through_an_alias_is_an_error() {
    let error = manifest("&key name: a\n*key : b").unwrap_err();
    assert_eq!(code(&error), "duplicate-key");
}

#[test]
fn a_merge_accepts_only_mappings() {
    for yaml in ["a: &a 1\nlabel: {<<: *a}", "label: {<<: x}", "label: {<<: }", "label: {<<: [{}, 1]}"] {
        assert_eq!(code(&manifest(yaml).unwrap_err()), "wrong-merge", "{yaml}");
    }
}

#[test]
fn flow_style_and_multi_line_scalars_are_accepted() {
    let yaml = "{name: duck, label: {en_US: a long
    name, ja_JP: \"two
    lines\"}, tags: [a, b]}";
    let manifest = manifest(yaml).unwrap();
    assert_eq!(manifest.label.en_us, "a long name");
    assert_eq!(manifest.label.ja_jp, "two lines");
    assert_eq!(manifest.tags, ["a", "b"]);
}

#[test]
fn a_quoted_scalar_may_continue_without_indentation() {
    let yaml =
        "label:\n  en_US: \"é and\n\nmore\n  ja_JP: 'x'\\\n    still\"\n  ja_JP: 'it''s\nfine'\nname: duck";
    let manifest = manifest(yaml).unwrap();
    assert_eq!(manifest.label.en_us, "é and\nmore ja_JP: 'x'still");
    assert_eq!(manifest.label.ja_jp, "it's fine");
    assert_eq!(manifest.name, "duck");
}

#[test]
fn only_the_first_document_is_read() {
    assert_eq!(manifest("name: one\n---\nname: [two\n").unwrap().name, "one");
    assert_eq!(manifest("---\nname: one\n...\nname: [two: }").unwrap().name, "one");
    assert_eq!(manifest("  name: one\nversion: ignored").unwrap().version, "");
}

#[test]
fn tab_indentation_is_an_error() {
    assert_eq!(code(&manifest("label:\n\ten_US: x").unwrap_err()), "not-yaml");
}

#[test]
fn json_is_yaml() {
    let manifest = manifest(r#"{"name": "duck", "resource": {"memory": 12}}"#).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.resource.memory), ("duck", 12));
}

#[test]
fn an_empty_document_and_null_declare_nothing() {
    for yaml in ["", "# nothing\n", "---\n", "null", "~"] {
        assert_eq!(manifest(yaml).unwrap().name, "", "{yaml:?}");
    }
    assert!(provider("").unwrap().tools.is_empty());
    for yaml in ["text", "[a]", "12"] {
        assert!(manifest(yaml).is_err(), "{yaml:?}");
    }
}

#[test]
fn a_null_key_is_skipped_and_a_collection_as_a_key_is_an_error() {
    assert_eq!(manifest("~: x\nname: duck").unwrap().name, "duck");
    assert!(manifest("? [a]\n: x\nname: duck").is_err());
}
