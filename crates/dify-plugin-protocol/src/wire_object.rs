//! JSON objects none of whose fields is certain.

/// Declares a struct for a JSON object in which every field may be absent or null, and which keeps the fields it does
/// not know in `extra`. Its `Debug` prints an [outline](crate::redact).
///
/// With `without $reader`, `extra` is read by that function instead: for objects that share their level with keys that
/// somebody else reads.
macro_rules! wire_object {
    ($(#[$meta:meta])* pub struct $name:ident $(<$T:ident>)? $(without $reader:literal)? {
        $($(#[$fmeta:meta])* $field:ident: $ty:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name $(<$T>)? {
            $(
                $(#[$fmeta])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$ty>,
            )*
            /// The fields that this version does not know.
            #[serde(flatten $(, deserialize_with = $reader)?)]
            pub extra: serde_json::Map<String, serde_json::Value>,
        }

        $crate::redacted_debug!($name $(<$T>)? { $($field,)* extra });
    };
}

pub(crate) use wire_object;

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Reads what is left of an object, but for `keys`: they are read, and written, one level up.
pub(crate) fn rest_without<'de, D>(
    deserializer: D,
    keys: &'static [&'static str],
) -> Result<Map<String, Value>, D::Error>
where
    D: Deserializer<'de>,
{
    struct Rest(&'static [&'static str]);
    impl<'de> Visitor<'de> for Rest {
        type Value = Map<String, Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut rest = Map::new();
            while let Some(key) = map.next_key::<String>()? {
                if self.0.contains(&key.as_str()) {
                    map.next_value::<IgnoredAny>()?;
                } else {
                    rest.insert(key, map.next_value()?);
                }
            }
            Ok(rest)
        }
    }
    deserializer.deserialize_map(Rest(keys))
}

/// Reads null as the default.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
