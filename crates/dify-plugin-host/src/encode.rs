//! JSON as the daemon writes it, which is how Go's `encoding/json` does.
//!
//! A plugin may depend on the values, so numbers are those that Go keeps: every one has been a float64 (`1.0` becomes `1`,
//! integers past 2^53 lose digits). Texts escape `<`, `>`, `&`, U+2028 and U+2029. Keys come in the order of serde_json's map,
//! which sorts them as Go does.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// Integers up to this one are the same as a float64.
const EXACT_INTEGER: u64 = 1 << 53;

/// Appends `value`.
pub(crate) fn write(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // The host's own values always serialize, and a vector takes every byte.
    let _ = value.serialize(&mut Serializer::with_formatter(out, GoFormatter));
}

/// Returns `value` as text.
pub(crate) fn text(value: &(impl Serialize + ?Sized)) -> String {
    let mut out = Vec::new();
    write(&mut out, value);
    // JSON is UTF-8.
    String::from_utf8(out).unwrap_or_default()
}

struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_i64<W: ?Sized + Write>(&mut self, out: &mut W, value: i64) -> io::Result<()> {
        if value.unsigned_abs() <= EXACT_INTEGER {
            write!(out, "{value}")
        } else {
            self.write_f64(out, value as f64)
        }
    }

    fn write_u64<W: ?Sized + Write>(&mut self, out: &mut W, value: u64) -> io::Result<()> {
        if value <= EXACT_INTEGER { write!(out, "{value}") } else { self.write_f64(out, value as f64) }
    }

    fn write_f64<W: ?Sized + Write>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        let magnitude = value.abs();
        if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
            write!(out, "{value}")
        } else if magnitude >= 1.0 {
            write!(out, "{}", format!("{value:e}").replace('e', "e+"))
        } else {
            write!(out, "{value:e}")
        }
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, special)) = rest
            .char_indices()
            .find(|(_, letter)| matches!(letter, '<' | '>' | '&' | '\u{2028}' | '\u{2029}'))
        {
            write!(out, "{}\\u{:04x}", &rest[..at], u32::from(special))?;
            rest = &rest[at + special.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn strings_are_escaped_as_go_does() {
        let text = "<a href=\"x\">&\u{2028}\u{2029}\u{8}\u{1}\n é鴨🦆\u{7f}";
        let written = super::text(text);
        assert_eq!(
            written,
            r#""\u003ca href=\"x\"\u003e\u0026\u2028\u2029\b\u0001\n é鴨🦆"#.to_owned() + "\u{7f}\""
        );
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }

    #[test]
    fn keys_are_sorted_at_every_level() {
        assert_eq!(text(&json!({"b": {"z": 1, "a": []}, "a": null})), r#"{"a":null,"b":{"a":[],"z":1}}"#);
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
            assert_eq!(text(&serde_json::from_str::<Value>(number).unwrap()), expected);
        }
    }
}
