//! Prices.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::redact::Redacted;

/// A decimal number, such as a price, exactly as it was written: `"0.0010330"`, `"7.5E-7"`, or a JSON number.
///
/// Dify sends prices as strings, and some releases as numbers. Two decimals are equal if they are written the same way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decimal(Repr);

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a decimal number, as a string or a number")]
enum Repr {
    Text(String),
    Number(Number),
}

impl Decimal {
    /// Creates a decimal that serializes as a string.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Repr::Text(text.into()))
    }

    /// Returns the text, such as `0.0010330` or `7.5E-7`. It may not be a valid number.
    pub fn as_text(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Text(text) => Cow::Borrowed(text),
            Repr::Number(number) => Cow::Owned(number.to_string()),
        }
    }

    /// Returns the nearest floating-point number, or `None` if the text is not a number. To calculate with money, parse
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
            // The text may be anything, also something to hide.
            Repr::Text(text) if self.to_f64().is_none() => write!(f, "Decimal({:?})", Redacted(text)),
            _ => write!(f, "Decimal({self})"),
        }
    }
}

crate::redact::redact_as_debug!(Decimal);
