//! Text in the languages of Dify's interface.

use serde::Deserialize;

/// Text in up to four languages; empty where it isn't given. Other languages are dropped, as the daemon does
/// (`pkg/entities/plugin_entities/basic_type.go`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct I18n {
    /// American English, which the daemon requires where the text itself is required.
    #[serde(rename = "en_US")]
    pub en_us: String,
    /// Japanese.
    #[serde(rename = "ja_JP")]
    pub ja_jp: String,
    /// Simplified Chinese.
    #[serde(rename = "zh_Hans")]
    pub zh_hans: String,
    /// Brazilian Portuguese.
    #[serde(rename = "pt_BR")]
    pub pt_br: String,
}
