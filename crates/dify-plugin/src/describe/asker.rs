//! A deserializer that holds no value: it notes what it is asked for.

use std::cell::RefCell;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, SeqAccess, VariantAccess, Visitor,
};

use super::problem::Problem;
use crate::file::MARK;

/// How far options, lists and newtypes are followed into each other. A type may contain itself.
const MAX_DEPTH: usize = 16;

/// What a type asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// It takes what comes, or asked for nothing that a parameter can be.
    Any,
    String,
    Number,
    Boolean,
    /// One of these names.
    Select(&'static [&'static str]),
    File,
    /// A list of such values.
    Array(Box<Kind>),
    Object,
}

/// What was noted.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) kind: Option<Kind>,
    /// It takes null.
    pub(super) optional: bool,
    /// The variant that was offered holds data.
    pub(super) data: bool,
    /// How many variants there are to offer.
    pub(super) variants: usize,
}

/// Notes what one value is asked for in `seen`. An enum is offered its variant of the number `variant`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    seen: &'a RefCell<Seen>,
    variant: usize,
    depth: usize,
}

impl<'a> Asker<'a> {
    pub(super) fn new(seen: &'a RefCell<Seen>, variant: usize) -> Self {
        Self { seen, variant, depth: 0 }
    }

    fn note<T>(self, kind: Kind) -> Result<T, Problem> {
        // The first question counts: what is tried after it is the type's second choice.
        self.seen.borrow_mut().kind.get_or_insert(kind);
        Err(Problem::Other)
    }

    fn deeper(self) -> Result<Self, Problem> {
        if self.depth >= MAX_DEPTH { Err(Problem::Other) } else { Ok(Self { depth: self.depth + 1, ..self }) }
    }
}

macro_rules! note {
    ($($method:ident => $kind:expr),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Problem> {
            self.note($kind)
        })*
    };
}

impl<'de> Deserializer<'de> for Asker<'_> {
    type Error = Problem;

    note! {
        deserialize_any => Kind::Any,
        deserialize_ignored_any => Kind::Any,
        deserialize_bytes => Kind::Any,
        deserialize_byte_buf => Kind::Any,
        deserialize_unit => Kind::Any,
        deserialize_bool => Kind::Boolean,
        deserialize_i8 => Kind::Number,
        deserialize_i16 => Kind::Number,
        deserialize_i32 => Kind::Number,
        deserialize_i64 => Kind::Number,
        deserialize_i128 => Kind::Number,
        deserialize_u8 => Kind::Number,
        deserialize_u16 => Kind::Number,
        deserialize_u32 => Kind::Number,
        deserialize_u64 => Kind::Number,
        deserialize_u128 => Kind::Number,
        deserialize_f32 => Kind::Number,
        deserialize_f64 => Kind::Number,
        deserialize_char => Kind::String,
        deserialize_str => Kind::String,
        deserialize_string => Kind::String,
        deserialize_identifier => Kind::String,
        deserialize_map => Kind::Object,
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, _: V) -> Result<V::Value, Problem> {
        self.note(Kind::Any)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        // Not in a newtype: serde asks one that is missing for no option.
        self.seen.borrow_mut().optional |= self.depth == 0;
        visitor.visit_some(self.deeper()?)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        if name == MARK {
            return self.note(Kind::File);
        }
        visitor.visit_newtype_struct(self.deeper()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let seen = RefCell::default();
        let item = Asker { seen: &seen, ..self.deeper()? };
        // The item can't be made, so neither can the list.
        let _ = visitor.visit_seq(One(Some(item)));
        let Seen { kind, data, variants, .. } = seen.into_inner();
        {
            let mut outer = self.seen.borrow_mut();
            outer.data |= data;
            outer.variants = outer.variants.max(variants);
        }
        self.note(Kind::Array(Box::new(kind.unwrap_or(Kind::Any))))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Problem> {
        self.note(Kind::Array(Box::new(Kind::Any)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        _: V,
    ) -> Result<V::Value, Problem> {
        self.note(Kind::Array(Box::new(Kind::Any)))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Problem> {
        self.note(Kind::Object)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.seen.borrow_mut().variants = variants.len();
        if let Some(name) = variants.get(self.variant) {
            // Only whether the variant holds data is of interest.
            let _ = visitor.visit_enum(Variant { name, seen: self.seen });
        }
        self.note(Kind::Select(variants))
    }
}

/// A list of one item, which is not there.
struct One<'a>(Option<Asker<'a>>);

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        self.0.take().map(|item| seed.deserialize(item)).transpose()
    }
}

struct Variant<'a> {
    name: &'static str,
    seen: &'a RefCell<Seen>,
}

impl Variant<'_> {
    fn holds_data<T>(self) -> Result<T, Problem> {
        self.seen.borrow_mut().data = true;
        Err(Problem::Other)
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Problem;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Problem> {
        let name: StrDeserializer<'_, Problem> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Problem> {
        self.holds_data()
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Problem> {
        self.holds_data()
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Problem> {
        self.holds_data()
    }
}
