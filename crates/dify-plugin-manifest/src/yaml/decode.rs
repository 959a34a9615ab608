//! Decoding of scalars and of arbitrary values, by yaml.v3's rules for each type.

use serde_json::Value as Json;

use super::document::NodeKind;
use super::scalar::Scalar;
use super::value::{Keys, Result, Value};
use super::{decimal, time};

/// A type that YAML values are decoded into.
///
/// Null is never decoded: as in Go, a null field has the type's default, like an absent one.
pub(crate) trait Decode: Sized {
    fn decode(value: &Value<'_>) -> Result<Self>;
}

impl Decode for String {
    fn decode(value: &Value<'_>) -> Result<Self> {
        value.text().map(str::to_owned)
    }
}

impl Decode for bool {
    fn decode(value: &Value<'_>) -> Result<Self> {
        const EXPECTED: &str = "true or false (unquoted)";
        match value.scalar(EXPECTED)? {
            Scalar::Bool(value) => Ok(value),
            // The other booleans of YAML 1.1, which yaml.v3 accepts only in a bool field, quoted or not.
            Scalar::Text => match value.text()? {
                "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Ok(true),
                "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Ok(false),
                _ => Err(value.wrong_type(EXPECTED)),
            },
            _ => Err(value.wrong_type(EXPECTED)),
        }
    }
}

impl Decode for i64 {
    fn decode(value: &Value<'_>) -> Result<Self> {
        const EXPECTED: &str = "a whole number of at most 64 bits (unquoted)";
        match value.scalar(EXPECTED)? {
            Scalar::Int(value) => Ok(value),
            // Truncated, as in Go. Converting the largest `i64` to a float adds one.
            Scalar::Float(number) if number <= i64::MAX as f64 => Ok(number as i64),
            _ => Err(value.wrong_type(EXPECTED)),
        }
    }
}

impl Decode for u64 {
    fn decode(value: &Value<'_>) -> Result<Self> {
        const EXPECTED: &str = "a whole number from 0 on, of at most 64 bits (unquoted)";
        let number = match value.scalar(EXPECTED)? {
            Scalar::Int(number) => u64::try_from(number).ok(),
            Scalar::UInt(number) => Some(number),
            // Truncated. Go's result for floats of -1 or less depends on the processor, so they are refused.
            Scalar::Float(number) if number > -1.0 && number <= u64::MAX as f64 => Some(number as u64),
            _ => None,
        };
        number.ok_or_else(|| value.wrong_type(EXPECTED))
    }
}

impl Decode for f64 {
    fn decode(value: &Value<'_>) -> Result<Self> {
        const EXPECTED: &str = "a number (unquoted)";
        match value.scalar(EXPECTED)? {
            Scalar::Int(number) => Ok(number as f64),
            Scalar::UInt(number) => Ok(number as f64),
            Scalar::Float(number) => Ok(number),
            _ => Err(value.wrong_type(EXPECTED)),
        }
    }
}

/// Any value, as JSON.
impl Decode for Json {
    fn decode(value: &Value<'_>) -> Result<Self> {
        value.json(1, Keys::Text)
    }
}

impl Decode for serde_json::Map<String, Json> {
    fn decode(value: &Value<'_>) -> Result<Self> {
        value.json_object(1, Keys::AnyHere)
    }
}

/// A mapping with any values, whose keys become text at every level.
pub(crate) struct TextKeys(Json);

impl TextKeys {
    pub(crate) fn into_json(self) -> Json {
        self.0
    }
}

impl Decode for TextKeys {
    fn decode(value: &Value<'_>) -> Result<Self> {
        value.json_object(1, Keys::Any).map(|map| Self(Json::Object(map)))
    }
}

/// A decimal number, stored as text.
pub(crate) struct Decimal(String);

impl Decimal {
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

impl Decode for Decimal {
    fn decode(value: &Value<'_>) -> Result<Self> {
        const EXPECTED: &str = "a decimal number, as in 0.0015";
        // As for a time, below.
        if let NodeKind::Mapping(_) = value.node.kind {
            return value.mapping().map(|_| Self("0".to_owned()));
        }
        value.scalar(EXPECTED)?;
        decimal::plain(value.text()?).map(Self).ok_or_else(|| value.wrong_type(EXPECTED))
    }
}

/// A point in time as Go writes it in JSON, or `None` for a mapping in its place.
#[derive(Debug)]
pub(crate) struct Time(Option<String>);

impl Time {
    pub(crate) fn into_json(self) -> Option<String> {
        self.0
    }
}

impl Decode for Time {
    fn decode(value: &Value<'_>) -> Result<Self> {
        // For Go, a time is a struct without exported fields, so a mapping leaves it zero.
        if let NodeKind::Mapping(_) = value.node.kind {
            return value.mapping().map(|_| Self(None));
        }
        let scalar = value.scalar("a time, as in 2026-01-31T08:30:00Z")?;
        let time = match scalar {
            Scalar::Timestamp(time) => Some(time),
            _ => time::rfc3339(value.text()?),
        };
        time.map(|time| Self(Some(time))).ok_or_else(|| {
            value.error("not-a-time", "this is not a time", "write it as in 2026-01-31T08:30:00Z")
        })
    }
}
