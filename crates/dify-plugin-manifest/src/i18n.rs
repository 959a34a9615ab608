//! Text in the languages of Dify's interface.

use crate::error::ManifestError;
use crate::yaml::{Decode, Value};

/// Text in up to four languages; empty where it isn't given. Other languages are dropped, as the daemon does
/// (`pkg/entities/plugin_entities/basic_type.go`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct I18n {
    /// American English, which the daemon requires where the text itself is required.
    pub en_us: String,
    /// Japanese.
    pub ja_jp: String,
    /// Simplified Chinese.
    pub zh_hans: String,
    /// Brazilian Portuguese.
    pub pt_br: String,
}

impl Decode for I18n {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self {
            en_us: map.field("en_US")?,
            ja_jp: map.field("ja_JP")?,
            zh_hans: map.field("zh_Hans")?,
            pt_br: map.field("pt_BR")?,
        })
    }
}
