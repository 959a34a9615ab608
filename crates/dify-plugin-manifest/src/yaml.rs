//! YAML as `gopkg.in/yaml.v3` reads it, which is what the daemon decodes declarations with
//! (`pkg/utils/parser/yaml.go`).
//!
//! A file becomes a [`Document`] of untyped nodes, and a scalar becomes a Rust value by [`Decode`]. The two are
//! apart because yaml.v3 types a scalar by the field that receives it (`no` is text in a string field and
//! false in a bool field), and because what stands under a key that no field asks for is never looked at.

mod decimal;
mod decode;
mod document;
mod path;
mod quoted;
mod scalar;
mod strict;
mod time;
mod value;

pub use self::document::MAX_DEPTH;

pub(crate) use self::decode::{Decimal, Decode, TextKeys, Time};
pub(crate) use self::value::{EXCESSIVE, INFINITE, Mapping, Raw, Source, Value};
