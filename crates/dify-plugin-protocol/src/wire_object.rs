//! JSON objects in which every field is optional.

/// Declares a struct for a JSON object in which every field may be absent or null. Unknown fields are kept in `extra`.
/// `Debug` is [redacted](crate::redact).
///
/// `without $reader` reads `extra` with that function, to leave out keys at the same level that belong to another type.
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
            /// Fields that this version does not know.
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

/// Reads the unknown fields of an object, except for `keys`, which belong to another type.
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
