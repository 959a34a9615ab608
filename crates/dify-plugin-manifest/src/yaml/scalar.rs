//! The types of scalars, as in yaml.v3's `resolve.go`.

use super::time;

/// An explicit tag. Tags outside the YAML schema are [`Tag::Other`].
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
    /// Returns the tag of a node, or `None` if it has no tag or only the non-specific `!`.
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
            Self::Other => "a tag of an application",
        }
    }
}

/// A scalar's own type and value, whatever the field's type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// A number too large for `i64`.
    UInt(u64),
    Float(f64),
    /// A time in RFC 3339, as Go writes it in JSON.
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

    /// Determines the type of a scalar.
    ///
    /// # Errors
    ///
    /// Returns the tag if the value doesn't fit it, or if it is `!!binary`, which is not supported.
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

/// Parses an integer like Go's `strconv.ParseInt(text, 0, 64)`: with `0x`, `0o`, `0b`, or octal after a bare zero.
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
    // Rust's parser would accept a second sign.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = i128::from_str_radix(digits, radix).ok()?;
    let value = magnitude.checked_mul(sign)?;
    if let Ok(value) = i64::try_from(value) {
        return Some(Scalar::Int(value));
    }
    // Go's `ParseUint` accepts no sign.
    if unsigned.len() == text.len() { u64::try_from(value).ok().map(Scalar::UInt) } else { None }
}

fn float(text: &str) -> Option<Scalar> {
    // Rust also parses words such as `inf`, which are text in YAML.
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let value: f64 = numeric.then(|| text.parse().ok()).flatten()?;
    // For Go, out of range is an error, and the scalar stays text.
    value.is_finite().then_some(Scalar::Float(value))
}
