//! YAML as read by `gopkg.in/yaml.v3`, with which the daemon decodes declarations (`pkg/utils/parser/yaml.go`).
//!
//! Parsing makes a document of untyped nodes, and decoding makes a Rust value of a node. The two steps are separate because
//! yaml.v3 types a scalar by the field that receives it (`no` is text in a string field and false in a bool field), and
//! because it never looks at values of unknown keys.

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
