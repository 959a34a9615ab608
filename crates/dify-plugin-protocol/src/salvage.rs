//! What can still be read of a line that is broken, cut off or too long: whose it was.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

/// The ids of a line that could not be read as a whole.
///
/// A request whose session id survives can be refused in its own session, and a reverse answer can fail its own call,
/// instead of leaving a caller to wait for its time limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvage {
    /// The top-level `session_id`.
    pub session_id: Option<String>,
    /// The top-level `event`.
    pub event: Option<String>,
    /// `data.backwards_request_id`.
    pub backwards_request_id: Option<String>,
    /// Whether reading stopped at a fault, so that what is missing here may stand behind it.
    pub is_cut_off: bool,
}

impl Salvage {
    /// Reads the ids that stand before the first fault of `line`. Invalid UTF-8 inside a string is passed over.
    pub fn from_frame(line: &[u8]) -> Self {
        let text = String::from_utf8_lossy(line);
        let mut found = Self::default();
        // What was found before the fault stays in `found`; the fault itself is known to the caller already.
        let read = Top(&mut found).deserialize(&mut serde_json::Deserializer::from_str(&text));
        found.is_cut_off = read.is_err();
        found
    }
}

struct Top<'f>(&'f mut Salvage);

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "session_id" => map.next_value_seed(Text(&mut self.0.session_id))?,
                "event" => map.next_value_seed(Text(&mut self.0.event))?,
                "data" => map.next_value_seed(Data(&mut self.0.backwards_request_id))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Takes a string into its slot and passes over anything else.
struct Text<'f>(&'f mut Option<String>);

/// Looks for the call id in an object and passes over anything else.
struct Data<'f>(&'f mut Option<String>);

macro_rules! pass_over_scalars {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }
        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }
        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }
        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            Ok(())
        }
        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(())
        }
    };
}

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = ();
    pass_over_scalars!();
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        *self.0 = Some(text.to_owned());
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Data<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Data<'_> {
    type Value = ();
    pass_over_scalars!();
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "backwards_request_id" {
                map.next_value_seed(Text(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn salvage(line: &str) -> (Option<String>, Option<String>, Option<String>) {
        let s = Salvage::from_frame(line.as_bytes());
        (s.session_id, s.event, s.backwards_request_id)
    }

    fn some(s: &str) -> Option<String> {
        Some(s.to_owned())
    }

    #[test]
    fn ids_before_a_cut_or_a_fault_are_found() {
        assert_eq!(
            salvage(
                r#"{"session_id":"s","context":{"a":[1]},"event":"backwards_response","data":{"backwards_request_id":"r","event":"resp"#
            ),
            (some("s"), some("backwards_response"), some("r"))
        );
        assert_eq!(
            salvage(r#"{"session_id":"s","event":"request","data":[1,2}"#),
            (some("s"), some("request"), None)
        );
        assert_eq!(salvage(r#"{"session_id":7,"event":"request"}"#), (None, some("request"), None));
        assert_eq!(salvage("[1]"), (None, None, None));
        assert_eq!(salvage(""), (None, None, None));
    }

    #[test]
    fn invalid_utf8_in_a_string_is_passed_over() {
        let line = b"{\"session_id\":\"s\",\"context\":\"\xff\xfe\",\"event\":\"request\"}";
        let found = Salvage::from_frame(line);
        assert_eq!((found.session_id, found.event, found.is_cut_off), (some("s"), some("request"), false));
        assert!(Salvage::from_frame(&line[..30]).is_cut_off);
    }

    #[test]
    fn deep_nesting_does_not_exhaust_the_stack() {
        let line = format!(r#"{{"session_id":"s","data":{}"#, "[".repeat(200_000));
        assert_eq!(Salvage::from_frame(line.as_bytes()).session_id, some("s"));
    }
}
