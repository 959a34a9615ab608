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
