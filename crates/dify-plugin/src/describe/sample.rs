//! A deserializer that makes values up: anything that a type might accept.

use dify_plugin_protocol::tool::value::FILE_IDENTITY;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::problem::Problem;
use crate::file::MARK;

/// How deep values are made. A type may contain itself.
const MAX_DEPTH: usize = 16;

/// Texts of the kinds that types are often made of.
const TEXTS: [&str; 14] = [
    "",
    "a",
    "1",
    "true",
    "2026-01-01",
    "12:00:00",
    "2026-01-01T12:00:00",
    "2026-01-01T12:00:00Z",
    "https://example.com/",
    "a@example.com",
    "127.0.0.1",
    "127.0.0.1:80",
    "00000000-0000-4000-8000-000000000000",
    "en-US",
];

/// One attempt at a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    text: &'static str,
    /// Options are filled, lists have an item, numbers are 1, enums are at their last variant; else as little as can be.
    full: bool,
    depth: usize,
}

impl Sample {
    /// All attempts, simple ones first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        TEXTS.into_iter().flat_map(|text| [false, true].map(|full| Self { text, full, depth: 0 }))
    }

    fn deeper(self) -> Result<Self, Problem> {
        if self.depth >= MAX_DEPTH { Err(Problem::Other) } else { Ok(Self { depth: self.depth + 1, ..self }) }
    }

    fn number(self) -> u64 {
        self.full.into()
    }

    fn visit_items<'de, V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_seq(Items { left: count, item: self.deeper()? })
    }

    fn visit_fields<'de, V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_map(Fields { names: names.iter(), value: self.deeper()? })
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            visitor.visit_u64(self.number())
        })*
    };
}

macro_rules! texts {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            visitor.visit_str(self.text)
        })*
    };
}

impl<'de> Deserializer<'de> for Sample {
    type Error = Problem;

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    texts! { deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.full { visitor.visit_u64(self.number()) } else { visitor.visit_str(self.text) }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_bool(self.full)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_char(self.text.chars().next().unwrap_or('a'))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_bytes(self.text.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_bytes(self.text.as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.full { visitor.visit_some(self.deeper()?) } else { visitor.visit_none() }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        if name == MARK {
            let file = serde_json::json!({"dify_model_identity": FILE_IDENTITY, "url": "/files/a.png"});
            return visitor.visit_newtype_struct(file).map_err(|_| Problem::Other);
        }
        visitor.visit_newtype_struct(self.deeper()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.visit_items(self.full.into(), visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Problem> {
        self.visit_items(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.visit_items(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.visit_fields(&[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.visit_fields(names, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let name = if self.full { variants.last() } else { variants.first() };
        visitor.visit_enum(Variant { name: name.ok_or(Problem::Other)?, data: self.deeper()? })
    }
}

struct Items {
    left: usize,
    item: Sample,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.item).map(Some)
    }
}

struct Fields {
    names: std::slice::Iter<'static, &'static str>,
    value: Sample,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        let Some(name) = self.names.next() else { return Ok(None) };
        let name: StrDeserializer<'_, Problem> = (*name).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Problem> {
        seed.deserialize(self.value)
    }
}

struct Variant {
    name: &'static str,
    data: Sample,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Problem;
    type Variant = Sample;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Sample), Problem> {
        let name: StrDeserializer<'_, Problem> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.data))
    }
}

impl<'de> VariantAccess<'de> for Sample {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Problem> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Problem> {
        self.visit_items(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.visit_fields(names, visitor)
    }
}
