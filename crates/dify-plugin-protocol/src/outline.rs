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

use crate::app::decimal::Decimal;
use crate::app::event::FormToken;
use crate::app::parameters::UserInput;
use crate::credentials::Credentials;
use crate::tool::message::ToolMessageBody;

/// Something that can be printed without its contents.
pub trait Outline: Debug {
    /// Writes what this is: lengths and names in place of contents.
    fn outline(&self, f: &mut Formatter<'_>) -> Result;
}

/// Prints the outline of a value where its `Debug` would show all.
///
/// ```
/// use dify_plugin_protocol::outline::Outlined;
///
/// assert_eq!(format!("{:?}", Outlined("hunter2")), "<7 bytes>");
/// let map = serde_json::Map::from_iter([("api_key".to_owned(), "hunter2".into())]);
/// assert_eq!(format!("{:?}", Outlined(&map)), r#"{"api_key": ..}"#);
/// ```
pub struct Outlined<'a, T: ?Sized>(pub &'a T);

impl<T: Outline + ?Sized> Debug for Outlined<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.0.outline(f)
    }
}

/// The value of a named field, as [`outline_debug!`](crate::outline_debug) prints it.
#[doc(hidden)]
pub struct Field<'a, T: ?Sized> {
    /// The field's name in Rust.
    pub name: &'static str,
    /// What it holds.
    pub value: &'a T,
}

impl<T: Outline + ?Sized> Debug for Field<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if names_something(self.name) { self.value.fmt(f) } else { self.value.outline(f) }
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

/// Implements `Debug` and [`Outline`] for a struct: the outline of each of its fields, all of which must be listed.
#[doc(hidden)]
#[macro_export]
macro_rules! outline_debug {
    ($name:ident $(<$T:ident>)? { $($field:ident),+ $(,)? }) => {
        impl $(<$T: $crate::outline::Outline>)? ::std::fmt::Debug for $name $(<$T>)? {
            $crate::outline_debug!(@fmt $name { $($field)+ });
        }

        impl $(<$T: $crate::outline::Outline>)? $crate::outline::Outline for $name $(<$T>)? {
            $crate::outline_debug!(@outline);
        }
    };
    ($name:ident <'_> { $($field:ident),+ $(,)? }) => {
        impl ::std::fmt::Debug for $name<'_> {
            $crate::outline_debug!(@fmt $name { $($field)+ });
        }

        impl $crate::outline::Outline for $name<'_> {
            $crate::outline_debug!(@outline);
        }
    };
    (@fmt $name:ident { $($field:ident)+ }) => {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            let Self { $($field),+ } = self;
            f.debug_struct(stringify!($name))
                $(.field(
                    stringify!($field),
                    &$crate::outline::Field { name: stringify!($field), value: $field },
                ))+
                .finish()
        }
    };
    (@outline) => {
        fn outline(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            ::std::fmt::Debug::fmt(self, f)
        }
    };
}

macro_rules! by_length {
    ($($ty:ty: |$text:ident| $bytes:expr;)+) => {
        $(impl Outline for $ty {
            fn outline(&self, f: &mut Formatter<'_>) -> Result {
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

macro_rules! as_it_is {
    ($($ty:ty),+) => {
        $(impl Outline for $ty {
            fn outline(&self, f: &mut Formatter<'_>) -> Result {
                Debug::fmt(self, f)
            }
        })+
    };
}

as_it_is!(bool, u16, i64, u64, f64);
// Their `Debug` is an outline already.
as_it_is!(Credentials, Decimal, FormToken, ToolMessageBody, UserInput);

impl Outline for Value {
    fn outline(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("..")
    }
}

impl Outline for Map<String, Value> {
    fn outline(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name, Outlined(value)))).finish()
    }
}

impl<T: Outline> Outline for BTreeMap<String, T> {
    fn outline(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name, Outlined(value)))).finish()
    }
}

impl<T: Outline> Outline for Vec<T> {
    fn outline(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_list().entries(self.iter().map(Outlined)).finish()
    }
}

impl<T: Outline> Outline for Option<T> {
    fn outline(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Some(value) => f.debug_tuple("Some").field(&Outlined(value)).finish(),
            None => f.write_str("None"),
        }
    }
}

impl<T: Outline + ?Sized> Outline for Box<T> {
    fn outline(&self, f: &mut Formatter<'_>) -> Result {
        (**self).outline(f)
    }
}

impl<T: Outline + ?Sized> Outline for &T {
    fn outline(&self, f: &mut Formatter<'_>) -> Result {
        (**self).outline(f)
    }
}
