//! A deserializer that holds an object of chosen fields.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};

use super::asker::Asker;
use super::problem::Problem;
use super::sample::Sample;

/// How many newtypes may stand around the struct.
const MAX_DEPTH: usize = 16;

/// What a field is filled with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Filling<'a> {
    /// Nothing: what it asks for is noted.
    Ask(Asker<'a>),
    Sample(Sample),
}

/// The names of a struct's fields: of each that by which it is read, and its other names.
pub(super) type Names = &'static [&'static str];

/// Makes a `T` of an object of these fields. The names are those that `T` says it has, if it is a struct.
pub(super) fn make<T: DeserializeOwned>(
    fields: &[(&str, Filling<'_>)],
) -> (Option<Names>, Result<(), Problem>) {
    let names = Cell::new(None);
    let object = Object { fields, names: &names, depth: 0 };
    // The type is the author's, and so may be what reads it.
    let made = catch_unwind(AssertUnwindSafe(|| T::deserialize(object).map(drop)));
    (names.get(), made.unwrap_or(Err(Problem::Other)))
}

struct Object<'a> {
    fields: &'a [(&'a str, Filling<'a>)],
    names: &'a Cell<Option<Names>>,
    depth: usize,
}

impl Object<'_> {
    fn deeper(self) -> Result<Self, Problem> {
        if self.depth >= MAX_DEPTH { Err(Problem::Other) } else { Ok(Self { depth: self.depth + 1, ..self }) }
    }
}

impl<'de> Deserializer<'de> for Object<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Problem> {
        Err(Problem::Other)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self.deeper()?)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self.deeper()?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: Names,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.names.set(Some(names));
        visitor.visit_map(Fields { left: self.fields.iter(), filling: None })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

struct Fields<'a> {
    left: std::slice::Iter<'a, (&'a str, Filling<'a>)>,
    /// That of the field whose name was read.
    filling: Option<Filling<'a>>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        let Some((name, filling)) = self.left.next() else { return Ok(None) };
        self.filling = Some(*filling);
        let name: StrDeserializer<'_, Problem> = (*name).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Problem> {
        let made = match self.filling.take() {
            Some(Filling::Ask(asker)) => seed.deserialize(asker),
            Some(Filling::Sample(sample)) => seed.deserialize(sample),
            None => Err(Problem::Other),
        };
        // What is missing inside of a value is not missing here.
        made.map_err(|_| Problem::Other)
    }
}
