//! JSON as Go's `encoding/json` writes it, which is what a plugin reads from the daemon.
//!
//! Keys of maps are sorted, every number has been a float64 (`1.0` becomes `1`, integers past 2^53 lose digits), and
//! `<`, `>`, `&`, U+2028 and U+2029 are escaped.

use serde_json::{Map, Number, Value};

/// Appends `value`.
pub(crate) fn value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(n) => number(out, n),
        Value::String(text) => string(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                self::value(out, item);
            }
            out.push(b']');
        }
        Value::Object(map) => object(out, map),
    }
}

/// Appends `map` with its keys sorted. serde_json's own map is sorted only as long as nobody in the program asks it
/// to keep the order of insertion.
pub(crate) fn object(out: &mut Vec<u8>, map: &Map<String, Value>) {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| key.as_str());
    out.push(b'{');
    for (index, (key, item)) in entries.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string(out, key);
        out.push(b':');
        value(out, item);
    }
    out.push(b'}');
}

/// Appends `text` as a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => Some(byte),
            b'\n' => Some(b'n'),
            b'\r' => Some(b'r'),
            b'\t' => Some(b't'),
            0x08 => Some(b'b'),
            0x0c => Some(b'f'),
            0..=0x1f | b'<' | b'>' | b'&' => None,
            // U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
            0xe2 if matches!(bytes.get(at + 1..at + 3), Some([0x80, 0xa8 | 0xa9])) => {
                out.extend_from_slice(&bytes[copied..at]);
                out.extend_from_slice(if bytes[at + 2] == 0xa8 { b"\\u2028" } else { b"\\u2029" });
                copied = at + 3;
                continue;
            }
            _ => continue,
        };
        out.extend_from_slice(&bytes[copied..at]);
        match short {
            Some(letter) => out.extend_from_slice(&[b'\\', letter]),
            None => {
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
        copied = at + 1;
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// `text` as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    string(&mut out, text);
    // Only escapes were put in.
    String::from_utf8(out).unwrap_or_default()
}

/// Appends a string, or null.
pub(crate) fn string_or_null(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

fn number(out: &mut Vec<u8>, number: &Number) {
    // Integers that a float64 holds exactly need no detour.
    if let Some(small) = number.as_i64().filter(|n| n.unsigned_abs() < 1 << 53) {
        out.extend_from_slice(small.to_string().as_bytes());
        return;
    }
    let float = number.as_f64().unwrap_or_default();
    let magnitude = float.abs();
    let text = if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{float:e}");
        if magnitude >= 1.0 { text.replace('e', "e+") } else { text }
    } else {
        float.to_string()
    };
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(item: &Value) -> String {
        let mut out = Vec::new();
        value(&mut out, item);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_are_escaped_as_go_does() {
        let text = "<a href=\"x\">&\u{2028}\u{2029}\u{8}\u{1}\n é鴨🦆\u{7f}";
        assert_eq!(
            written(&json!(text)),
            r#""\u003ca href=\"x\"\u003e\u0026\u2028\u2029\b\u0001\n é鴨🦆"#.to_owned() + "\u{7f}\""
        );
        assert_eq!(serde_json::from_str::<String>(&written(&json!(text))).unwrap(), text);
    }

    #[test]
    fn keys_are_sorted_at_every_level() {
        assert_eq!(written(&json!({"b": {"z": 1, "a": []}, "a": null})), r#"{"a":null,"b":{"a":[],"z":1}}"#);
    }

    #[test]
    fn numbers_have_been_float64() {
        for (number, expected) in [
            ("1.0", "1"),
            ("-2.0", "-2"),
            ("1.5", "1.5"),
            ("12345678901234567890", "12345678901234567000"),
            ("9007199254740993", "9007199254740992"),
            ("1e-7", "1e-7"),
            ("6e-06", "0.000006"),
            ("1e21", "1e+21"),
            ("1e20", "100000000000000000000"),
        ] {
            assert_eq!(written(&serde_json::from_str(number).unwrap()), expected);
        }
    }
}
