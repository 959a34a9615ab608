//! `Debug` that tells what a value is, and not what it says.
//!
//! Credentials, settings, inputs, questions, answers and files all travel in these types, and whatever is printed ends in
//! a log some day. So their `Debug` prints an outline:
//!
//! - ids, kinds, names of fields and of keys, numbers and booleans as they are;
//! - every other text as its length, `<7 bytes>`; raw JSON and bytes too;
//! - the values of free JSON not at all: `{"api_key": ..}`.
//!
//! Only errors show their text, for it is written to be read: see [`ErrorData`](crate::ErrorData).
//!
//! Whether a text is printed is decided by its field's name alone, in one place: a new field is hidden until somebody
//! decides otherwise.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{Debug, Formatter, Result};

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Something that can be printed without its contents.
pub trait Redact: Debug {
    /// Writes what this is: lengths and names in place of contents.
    fn redact(&self, f: &mut Formatter<'_>) -> Result;
}

/// Prints the outline of a value where its `Debug` would show all.
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

/// The value of a named field, as [`redacted_debug!`](crate::redacted_debug) prints it.
#[doc(hidden)]
pub struct Field<'a, T: ?Sized> {
    /// The field's name in Rust.
    pub name: &'static str,
    /// What it holds.
    pub value: &'a T,
}

impl<T: Redact + ?Sized> Debug for Field<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if names_something(self.name) { self.value.fmt(f) } else { self.value.redact(f) }
    }
}

/// Whether the text of a field of this name is an id, a kind or a name that a program chose, and not what people say.
fn names_something(field: &str) -> bool {
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

/// Implements `Debug` and [`Redact`] for a struct: the outline of each of its fields, all of which must be listed.
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

macro_rules! by_length {
    ($($ty:ty: |$text:ident| $bytes:expr;)+) => {
        $(impl Redact for $ty {
            fn redact(&self, f: &mut Formatter<'_>) -> Result {
                let $text = self;
                write!(f, "<{} bytes>", $bytes)
            }
        })+
    };
}

by_length! {
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
