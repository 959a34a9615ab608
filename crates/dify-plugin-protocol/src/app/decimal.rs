//! Prices.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Number;

use crate::redact::Redacted;

/// A decimal number such as a price, kept as it was written: `"0.0010330"`, `"7.5E-7"`, or a JSON number.
///
/// Dify writes prices as strings, some releases as numbers; both are read, and each is written back as it came. Two of
/// them are equal when written alike.
#[derive(Clone, PartialEq, Eq)]
pub struct Decimal(Repr);

#[derive(Clone, PartialEq, Eq)]
enum Repr {
    Text(String),
    Number(Number),
}

impl Decimal {
    /// A decimal that travels as a string.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Repr::Text(text.into()))
    }

    /// Its text, such as `0.0010330` or `7.5E-7`. Not checked to be a number.
    pub fn as_text(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Text(text) => Cow::Borrowed(text),
            Repr::Number(number) => Cow::Owned(number.to_string()),
        }
    }

    /// The nearest floating-point number, or `None` if the text is no number. For sums of money parse
    /// [`as_text`](Self::as_text) with a decimal library instead.
    pub fn to_f64(&self) -> Option<f64> {
        match &self.0 {
            Repr::Text(text) => text.trim().parse().ok(),
            Repr::Number(number) => number.as_f64(),
        }
    }
}

impl Default for Decimal {
    fn default() -> Self {
        Self::new("0")
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_text())
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            // Nothing keeps other texts from standing in a price's place.
            Repr::Text(text) if self.to_f64().is_none() => write!(f, "Decimal({:?})", Redacted(text)),
            _ => write!(f, "Decimal({self})"),
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Repr::Text(text) => serializer.serialize_str(text),
            Repr::Number(number) => number.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrNumber;
        impl Visitor<'_> for TextOrNumber {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number, as a string or a number")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
                Ok(Decimal::new(text))
            }
            fn visit_string<E: Error>(self, text: String) -> Result<Decimal, E> {
                Ok(Decimal::new(text))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Decimal, E> {
                Ok(Decimal(Repr::Number(number.into())))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Decimal, E> {
                Ok(Decimal(Repr::Number(number.into())))
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Decimal, E> {
                Number::from_f64(number)
                    .map(|number| Decimal(Repr::Number(number)))
                    .ok_or_else(|| E::custom("a decimal number must be finite"))
            }
        }
        deserializer.deserialize_any(TextOrNumber)
    }
}

crate::redact::redact_as_debug!(Decimal);
