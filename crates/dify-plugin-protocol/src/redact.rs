//! `Debug` output without contents.
//!
//! These types hold credentials, settings, questions, answers and files, and `Debug` output may end up in a log. So their
//! `Debug` shows:
//!
//! - ids, types, numbers, booleans and the names of fields and keys;
//! - the length of any other text, raw JSON and bytes: `<7 bytes>`;
//! - no values of arbitrary JSON: `{"api_key": ..}`.
//!
//! Errors show their message, which is meant to be read: see [`ErrorData`](crate::ErrorData).
//!
//! The name of a field decides whether its text is shown. A new field is hidden by default.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{Debug, Formatter, Result};

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A value that can be printed without its contents.
pub trait Redact: Debug {
    /// Writes lengths and names in place of contents.
    fn redact(&self, f: &mut Formatter<'_>) -> Result;
}

/// Wraps a value so that its `Debug` shows no contents.
///
/// ```
/// use dify_plugin_protocol::redact::Redacted;
///
/// assert_eq!(format!("{:?}", Redacted("hunter2")), "<7 bytes>");
/// let map = serde_json::Map::from_iter([("api_key".to_owned(), "hunter2".into())]);
/// assert_eq!(format!("{:?}", Redacted(&map)), r#"{"api_key": ..}"#);
/// ```
pub struct Redacted<'a, T: ?Sized>(pub &'a T);

impl<T: Redact + ?Sized> Debug for Redacted<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.0.redact(f)
    }
}

/// A field, as [`redacted_debug!`](crate::redacted_debug) prints it.
#[doc(hidden)]
pub struct Field<'a, T: ?Sized> {
    /// The name of the field.
    pub name: &'static str,
    /// The value of the field.
    pub value: &'a T,
}

impl<T: Redact + ?Sized> Debug for Field<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if is_shown(self.name) { self.value.fmt(f) } else { self.value.redact(f) }
    }
}

/// Returns whether a field of this name holds an id, a type or a name, which may be shown.
fn is_shown(field: &str) -> bool {
    field == "id"
        || field.ends_with("_id")
        || field.ends_with("_type")
        || matches!(
            field,
            "code"
                | "event"
                | "kind"
                | "method"
                | "name"
                | "output_variable_name"
                | "provider"
                | "tool"
                | "tool_name"
                | "variable"
                | "variable_name"
        )
}

/// Implements redacted `Debug` and [`Redact`] for a struct. All its fields must be listed.
#[doc(hidden)]
#[macro_export]
macro_rules! redacted_debug {
    ($name:ident $(<$T:ident>)? { $($field:ident),+ $(,)? }) => {
        impl $(<$T: $crate::redact::Redact>)? ::std::fmt::Debug for $name $(<$T>)? {
            $crate::redacted_debug!(@fmt $name { $($field)+ });
        }

        impl $(<$T: $crate::redact::Redact>)? $crate::redact::Redact for $name $(<$T>)? {
            $crate::redacted_debug!(@redact);
        }
    };
    ($name:ident <'_> { $($field:ident),+ $(,)? }) => {
        impl ::std::fmt::Debug for $name<'_> {
            $crate::redacted_debug!(@fmt $name { $($field)+ });
        }

        impl $crate::redact::Redact for $name<'_> {
            $crate::redacted_debug!(@redact);
        }
    };
    (@fmt $name:ident { $($field:ident)+ }) => {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            let Self { $($field),+ } = self;
            f.debug_struct(stringify!($name))
                $(.field(
                    stringify!($field),
                    &$crate::redact::Field { name: stringify!($field), value: $field },
                ))+
                .finish()
        }
    };
    (@redact) => {
        fn redact(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            ::std::fmt::Debug::fmt(self, f)
        }
    };
}

macro_rules! redact_to_length {
    ($($ty:ty: |$text:ident| $bytes:expr;)+) => {
        $(impl Redact for $ty {
            fn redact(&self, f: &mut Formatter<'_>) -> Result {
                let $text = self;
                write!(f, "<{} bytes>", $bytes)
            }
        })+
    };
}

redact_to_length! {
    str: |text| text.len();
    String: |text| text.len();
    Cow<'_, str>: |text| text.len();
    RawValue: |json| json.get().len();
    [u8]: |bytes| bytes.len();
}

/// Implements [`Redact`] for types whose `Debug` shows nothing to hide.
macro_rules! redact_as_debug {
    ($($ty:ty),+) => {
        $(impl $crate::redact::Redact for $ty {
            fn redact(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(self, f)
            }
        })+
    };
}

pub(crate) use redact_as_debug;

redact_as_debug!(bool, u16, i64, u64, f64);

impl Redact for Value {
    fn redact(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("..")
    }
}

impl Redact for Map<String, Value> {
    fn redact(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name, Redacted(value)))).finish()
    }
}

impl<T: Redact> Redact for BTreeMap<String, T> {
    fn redact(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name, Redacted(value)))).finish()
    }
}

impl<T: Redact> Redact for Vec<T> {
    fn redact(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_list().entries(self.iter().map(Redacted)).finish()
    }
}

impl<T: Redact> Redact for Option<T> {
    fn redact(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Some(value) => f.debug_tuple("Some").field(&Redacted(value)).finish(),
            None => f.write_str("None"),
        }
    }
}

impl<T: Redact + ?Sized> Redact for Box<T> {
    fn redact(&self, f: &mut Formatter<'_>) -> Result {
        (**self).redact(f)
    }
}

impl<T: Redact + ?Sized> Redact for &T {
    fn redact(&self, f: &mut Formatter<'_>) -> Result {
        (**self).redact(f)
    }
}
