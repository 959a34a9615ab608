//! What an unquoted scalar means: yaml.v3's `resolve.go`.

use super::time;

/// An explicit tag of the YAML schema; those of an application count as [`Tag::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Null,
    Bool,
    Str,
    Int,
    Float,
    Timestamp,
    Binary,
    Other,
}

impl Tag {
    /// The tag of a node, `None` where there is none or only the non-specific `!`.
    pub(super) fn from_parsed(tag: Option<&saphyr_parser::Tag>) -> Option<Self> {
        let tag = tag?;
        let full = format!("{}{}", tag.handle, tag.suffix);
        Some(match full.strip_prefix("tag:yaml.org,2002:") {
            Some("null") => Self::Null,
            Some("bool") => Self::Bool,
            Some("str") => Self::Str,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("timestamp") => Self::Timestamp,
            Some("binary") => Self::Binary,
            Some(_) => Self::Other,
            None if full == "!" => return None,
            None => Self::Other,
        })
    }

    pub(super) fn short(self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool => "!!bool",
            Self::Str => "!!str",
            Self::Int => "!!int",
            Self::Float => "!!float",
            Self::Timestamp => "!!timestamp",
            Self::Binary => "!!binary",
            Self::Other => "of an application",
        }
    }
}

/// A scalar's own type and value, before any field has asked for another.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Only what exceeds `i64`.
    UInt(u64),
    Float(f64),
    /// In RFC 3339, as Go writes a time in JSON.
    Timestamp(String),
    Text,
}

impl Scalar {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Int(_) | Self::UInt(_) | Self::Float(_) => "a number",
            Self::Timestamp(_) => "a time",
            Self::Text => "text",
        }
    }

    /// Types a scalar.
    ///
    /// # Errors
    /// The tag, when it is one that the value doesn't fit. That includes `!!binary`, which isn't read.
    pub(super) fn resolve(tag: Option<Tag>, plain: bool, text: &str) -> Result<Self, Tag> {
        match tag {
            None if plain => Ok(Self::untagged(text, true)),
            None | Some(Tag::Str | Tag::Other) => Ok(Self::Text),
            Some(Tag::Binary) => Err(Tag::Binary),
            Some(tag) => match (tag, Self::untagged(text, tag == Tag::Timestamp)) {
                (Tag::Float, Self::Int(value)) => Ok(Self::Float(value as f64)),
                (Tag::Null, value @ Self::Null)
                | (Tag::Bool, value @ Self::Bool(_))
                | (Tag::Int, value @ (Self::Int(_) | Self::UInt(_)))
                | (Tag::Float, value @ Self::Float(_))
                | (Tag::Timestamp, value @ Self::Timestamp(_)) => Ok(value),
                _ => Err(tag),
            },
        }
    }

    fn untagged(text: &str, timestamps: bool) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" => return Self::Bool(true),
            "false" | "False" | "FALSE" => return Self::Bool(false),
            ".nan" | ".NaN" | ".NAN" => return Self::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Self::Float(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => return Self::Float(f64::NEG_INFINITY),
            _ => {}
        }
        match text.as_bytes().first() {
            Some(b'.') => float(text).unwrap_or(Self::Text),
            Some(b'+' | b'-' | b'0'..=b'9') => {
                if timestamps && let Some(time) = time::yaml(text) {
                    return Self::Timestamp(time);
                }
                let digits = text.replace('_', "");
                integer(&digits).or_else(|| float(&digits)).unwrap_or(Self::Text)
            }
            _ => Self::Text,
        }
    }
}

/// An integer as Go's `strconv.ParseInt(text, 0, 64)` reads it: `0x`, `0o`, `0b`, and octal after a bare zero.
fn integer(text: &str) -> Option<Scalar> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &unsigned[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &unsigned[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &unsigned[2..]),
        [b'0', _, ..] => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    // Rust's parser would take a second sign.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = i128::from_str_radix(digits, radix).ok()?;
    let value = magnitude.checked_mul(sign)?;
    if let Ok(value) = i64::try_from(value) {
        return Some(Scalar::Int(value));
    }
    // Go's ParseUint takes no sign.
    if unsigned.len() == text.len() { u64::try_from(value).ok().map(Scalar::UInt) } else { None }
}

fn float(text: &str) -> Option<Scalar> {
    // Rust also reads words such as `inf`, which to YAML are text.
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let value: f64 = numeric.then(|| text.parse().ok()).flatten()?;
    // Out of range is an error to Go, and the scalar then stays text.
    value.is_finite().then_some(Scalar::Float(value))
}
