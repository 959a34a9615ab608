//! Text in the languages of Dify's interface.

use serde::Deserialize;

/// Text in up to four languages, empty where absent. Other languages are dropped, as in the daemon
/// (`pkg/entities/plugin_entities/basic_type.go`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct I18n {
    /// American English, which is required wherever the text is.
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
