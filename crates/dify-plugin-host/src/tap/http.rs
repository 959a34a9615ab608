//! Hides the secrets in the HTTP request of an endpoint, which a frame holds in hex.

use dify_plugin_protocol::hex::{decode_hex, encode_hex};
use percent_encoding::percent_decode_str;

use super::json::{self, REDACTED, Rule};
use super::secret::{is_secret, is_secret_field};

/// Redacts a request. Reads no more of it than fits into `limit` bytes of hex.
pub(super) fn redact(hex: &str, limit: usize) -> String {
    let whole = hex.len() <= limit;
    let Ok(bytes) = decode_hex(hex.get(..if whole { hex.len() } else { limit & !1 }).unwrap_or_default())
    else {
        // Not a request that anyone could read.
        return REDACTED.to_owned();
    };
    let (head, body) = match bytes.windows(4).position(|window| window == b"\r\n\r\n") {
        Some(end) => (&bytes[..end], Some(&bytes[end + 4..])),
        None => (&bytes[..], None),
    };
    let head = String::from_utf8_lossy(head);
    let body = body.map(redacted_body);
    let mut lines = head.split("\r\n");
    let mut out = request_line(lines.next().unwrap_or_default());
    for line in lines {
        out.push_str("\r\n");
        match line.split_once(':') {
            Some((name, _)) if is_secret_field(name) => {
                out.push_str(name);
                out.push_str(": ");
                out.push_str(REDACTED);
            }
            // The length of the body as it is now, so that the request can still be read.
            Some((name, _)) if whole && name.eq_ignore_ascii_case("content-length") => {
                let length = body.as_ref().map_or(0, Vec::len);
                out.push_str(&format!("{name}: {length}"));
            }
            _ => out.push_str(line),
        }
    }
    let mut out = out.into_bytes();
    if let Some(body) = body {
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(&body);
    }
    encode_hex(&out)
}

/// Redacts the query in the first line of a request.
fn request_line(line: &str) -> String {
    let Some((path, rest)) = line.split_once('?') else { return line.to_owned() };
    let (query, version) = rest.split_once(' ').unwrap_or((rest, ""));
    format!("{path}?{} {version}", form(query))
}

/// Redacts a body of JSON or of a form, also one that is cut or not UTF-8. A multipart body is hidden whole, and others are
/// kept.
fn redacted_body(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let rule = |name: &str, _| if is_secret(name) { Rule::Redact } else { Rule::Keep };
    let redacted = match text.trim_start().chars().next() {
        Some('{' | '[') => json::redact(&text, usize::MAX, rule).0,
        Some('-') if text.trim_start().starts_with("--") => REDACTED.to_owned(),
        _ => form(&text),
    };
    // A body without secrets stays as it is, byte for byte.
    if redacted == text { body.to_owned() } else { redacted.into_bytes() }
}

/// Redacts `name=value` pairs that `&` separates.
fn form(text: &str) -> String {
    let pairs = text.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) => {
            let plain = percent_decode_str(name).decode_utf8_lossy();
            // `code` is what OAuth exchanges for a token.
            if plain == "code" || is_secret_field(&plain) {
                format!("{name}={REDACTED}")
            } else {
                pair.to_owned()
            }
        }
        None => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}
