//! Which values of a frame are secret.

use super::http;
use super::json::{self, Rule};
use super::secret::is_secret;

/// Returns the first `limit` bytes of a frame's redacted text, and whether there is more.
pub(super) fn frame(to_plugin: bool, text: &str, limit: usize) -> (String, bool) {
    // The name stands in the call, and the stored value may stand before it.
    let stores = !to_plugin && text.contains("\"storage\"");
    json::redact(text, limit, |name, depth| match name {
        "raw_http_request" => Rule::Replace(http::redact),
        "value" if stores => Rule::RedactText,
        // The reply to a call of storage: envelope, reply, and the reply's own data. No other reply has text there.
        "data" if depth == 3 && to_plugin => Rule::RedactText,
        name if is_secret(name) => Rule::Redact,
        _ => Rule::Keep,
    })
}
