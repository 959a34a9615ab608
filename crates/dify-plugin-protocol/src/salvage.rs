//! The ids in a frame that is malformed, cut off or too long.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The ids of a frame that could not be read as a whole.
///
/// With the session id, a request can be refused in its own session; with the call id, a reply can fail its own call.
/// Without them the caller would wait until its timeout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvage {
    /// The top-level `session_id`.
    pub session_id: Option<String>,
    /// The top-level `event`.
    pub event: Option<String>,
    /// `data.backwards_request_id`.
    pub backwards_request_id: Option<String>,
    /// Whether reading stopped at an error, so that a missing id may follow after it.
    pub is_cut_off: bool,
}

impl Salvage {
    /// Reads the ids before the first error in `frame`. Invalid UTF-8 inside a string is not an error here.
    pub fn from_frame(frame: &[u8]) -> Self {
        let text = String::from_utf8_lossy(frame);
        let mut found = Self::default();
        let object = Object { found: &mut found, is_data: false };
        let read = object.deserialize(&mut serde_json::Deserializer::from_str(&text));
        found.is_cut_off = read.is_err();
        found
    }
}

/// The frame's outer object, or the object in its `data`. Writes what it finds as it goes, so that an error loses nothing
/// that came before.
struct Object<'f> {
    found: &'f mut Salvage,
    is_data: bool,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            let slot = match (self.is_data, &*key) {
                (false, "session_id") => &mut self.found.session_id,
                (false, "event") => &mut self.found.event,
                (true, "backwards_request_id") => &mut self.found.backwards_request_id,
                (false, "data") => {
                    map.next_value_seed(Object { found: self.found, is_data: true })?;
                    continue;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            // Skips a value of another type, which must not hide the ids after it.
            *slot = serde_json::from_str(map.next_value::<&RawValue>()?.get()).ok();
        }
        Ok(())
    }
}
