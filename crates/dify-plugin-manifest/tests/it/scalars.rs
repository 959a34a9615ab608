//! Decoding of single scalars, by the type of the field.

use dify_plugin_manifest::{ManifestError, Plugin};
use serde_json::{Value, json};

use crate::files::{manifest, read, tool};

/// Reads `written` in a field that accepts any value.
fn any(written: &str) -> Result<Option<Value>, ManifestError> {
    tool(&format!("parameters:\n- default: {written}\n")).map(|mut tool| tool.parameters.remove(0).default)
}

#[test]
fn plain_scalars_have_the_types_of_yaml_v3() {
    for null in ["", "~", "Null", "null"] {
        assert_eq!(any(null).unwrap(), None, "{null:?}");
    }
    for text in [
        "nULL",
        "tRUE",
        "yes",
        "0x",
        "--1",
        "0x-1",
        "+",
        "1e999",
        ".",
        "-inf",
        "3.12.1",
        "1:30",
        "2026-01-32",
    ] {
        assert_eq!(any(text).unwrap(), Some(json!(text)), "{text:?}");
    }
    for (written, value) in [
        ("TRUE", json!(true)),
        ("0", json!(0)),
        ("-0", json!(0)),
        ("+12", json!(12)),
        ("1_000", json!(1000)),
        ("0x1F", json!(31)),
        ("0X1f", json!(31)),
        ("-0x1f", json!(-31)),
        ("0o17", json!(15)),
        ("0777", json!(511)),
        ("0b101", json!(5)),
        ("08", json!(8)),
        ("9223372036854775807", json!(i64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("18446744073709551615", json!(u64::MAX)),
        ("+18446744073709551615", json!(18446744073709551615.0)),
        ("18446744073709551616", json!(18446744073709551616.0)),
        ("3.12", json!(3.12)),
        ("1.", json!(1)),
        (".5", json!(0.5)),
        ("1e3", json!(1000)),
        ("2026-01-31", json!("2026-01-31T00:00:00Z")),
        ("2026-1-2 3:4:5.60", json!("2026-01-02T03:04:05.6Z")),
    ] {
        assert_eq!(any(written).unwrap(), Some(value), "{written}");
    }
    assert_eq!(any("-.inf").unwrap_err().finding().code, "not-json");
}

#[test]
fn quotes_make_text_and_tags_must_fit() {
    for (written, value) in [
        ("'12'", json!("12")),
        ("!!str 12", json!("12")),
        ("!local 12", json!("12")),
        ("!!int '12'", json!(12)),
        ("!!float 12", json!(12)),
    ] {
        assert_eq!(any(written).unwrap(), Some(value), "{written}");
    }
    for written in ["!!bool yes", "!!int many", "!!null x"] {
        assert_eq!(any(written).unwrap_err().finding().code, "wrong-tag", "{written}");
    }
}

/// As `decimal.NewFromString(…).String()` of the daemon's library.
#[test]
fn decimal_numbers_lose_exponent_and_superfluous_zeros() {
    let decimal = |written: &str| {
        let provider = format!("models:\n- pricing: {{input: '{written}'}}\n");
        let files = [("manifest.yaml", "plugins: {models: [provider.yaml]}"), ("provider.yaml", &*provider)];
        let price = |plugin: Plugin| {
            plugin.declaration["model"]["models"][0]["pricing"]["input"].as_str().map(str::to_owned)
        };
        read(&files).map(price)
    };
    for (written, number) in [
        ("0.0015", "0.0015"),
        ("0.00", "0"),
        ("10", "10"),
        ("-0.50", "-0.5"),
        ("-0", "0"),
        ("+1.5", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("007", "7"),
        ("1e-6", "0.000001"),
        ("1.25E3", "1250"),
        ("0.001e1", "0.01"),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
    ] {
        assert_eq!(decimal(written).unwrap().as_deref(), Some(number), "{written}");
    }
    let long = "7".repeat(100_000);
    assert_eq!(decimal(&long).unwrap(), Some(long));
    for written in ["", "-", ".", "a", "1_000", "1e", "1e2000000000", "1.2.3"] {
        assert_eq!(decimal(written).unwrap_err().finding().code, "wrong-type", "{written:?}");
    }
}

#[test]
fn times_come_back_in_rfc_3339() {
    let time =
        |written: &str| manifest(&format!("created_at: {written}")).map(|manifest| manifest.created_at);
    for (written, read) in [
        ("2024-07-12T08:03:44.658609186Z", "2024-07-12T08:03:44.658609186Z"),
        ("2024-07-12t08:03:44+08:00", "2024-07-12T08:03:44+08:00"),
        ("2024-07-12T08:03:44.500+00:00", "2024-07-12T08:03:44.5Z"),
        ("2024-7-1 8:3:4", "2024-07-01T08:03:04Z"),
        ("2024-02-29", "2024-02-29T00:00:00Z"),
        ("'2024-07-12T08:03:44.658609186Z'", "2024-07-12T08:03:44.658609186Z"),
        ("'2024-07-12T08:03:44-07:00'", "2024-07-12T08:03:44-07:00"),
        ("'2024-07-12T8:03:44,50Z'", "2024-07-12T08:03:44.5Z"),
    ] {
        assert_eq!(time(written).unwrap(), read, "{written}");
    }
    for written in [
        "2023-02-29",
        "2024-07-12T08:03:44",
        "2024-07-12 08:03:44Z",
        "2024-07-12 08:03",
        "24-07-12",
        "2024-07-12T24:00:00Z",
        "'2024-07-12'",
        "'2024-07-12 08:03:44'",
        "'2024-7-12T08:03:44Z'",
        "'2024-07-12T8:3:44Z'",
        "''",
    ] {
        assert_eq!(time(written).unwrap_err().finding().code, "not-a-time", "{written}");
    }
}
