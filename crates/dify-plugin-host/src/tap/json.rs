//! Hides secrets in the text of JSON.
//!
//! The text is scanned, not parsed: a scan can stop at the limit, keeps the text as it came, and also works on JSON that is
//! broken. It needs to know only where strings and containers begin and end.

use std::borrow::Cow;

/// Stands in for a secret.
pub(super) const REDACTED: &str = "[redacted]";

/// What to do with the value of a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    Keep,
    /// Hide texts and numbers, also those inside an object or a list.
    Redact,
    /// Hide a text, and keep anything else.
    RedactText,
    /// Replace a text by what the function makes of it within a limit in bytes.
    Replace(fn(&str, usize) -> String),
}

/// Redacts JSON. `rule` is asked with each key and how many containers it is in.
pub(super) fn redact(text: &str, limit: usize, rule: impl Fn(&str, usize) -> Rule) -> (String, bool) {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len().min(limit));
    let mut depth = 0_usize;
    // The depth of the outermost container whose values are all secret.
    let mut secret_below: Option<usize> = None;
    let mut next = Rule::Keep;
    let mut at = 0;
    while at < bytes.len() && out.len() <= limit {
        let start = at;
        let is_secret = matches!(next, Rule::Redact) || secret_below.is_some();
        match bytes[at] {
            b'"' => {
                // No more of a kept text is read than fits. A secret is skipped to its end, or the rest would be kept.
                let end = match next {
                    Rule::Keep if !is_secret => at.saturating_add(limit - out.len()).saturating_add(2),
                    _ => bytes.len(),
                };
                at = text.ceil_char_boundary(string_end(&bytes[..end.min(bytes.len())], at));
                let token = &text[start..at];
                let colon = bytes[at..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
                if colon {
                    out.push_str(token);
                    next = rule(&unquoted(token), depth);
                    continue;
                }
                match std::mem::replace(&mut next, Rule::Keep) {
                    _ if is_secret => push_redacted(&mut out),
                    Rule::RedactText => push_redacted(&mut out),
                    Rule::Replace(replace) => {
                        let room = limit.saturating_sub(out.len());
                        out.push('"');
                        out.push_str(&replace(token.trim_matches('"'), room));
                        out.push('"');
                    }
                    Rule::Keep | Rule::Redact => push_within(&mut out, token, limit),
                }
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                if matches!(next, Rule::Redact) && secret_below.is_none() {
                    secret_below = Some(depth);
                }
                next = Rule::Keep;
                at += 1;
            }
            b'}' | b']' => {
                if secret_below == Some(depth) {
                    secret_below = None;
                }
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b'-' | b'0'..=b'9' if is_secret => {
                let number = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                at += bytes[at..].iter().take_while(|byte| number(byte)).count();
                push_redacted(&mut out);
                continue;
            }
            b',' => {
                next = Rule::Keep;
                at += 1;
            }
            _ => {
                at += 1;
                at += bytes[at..].iter().take_while(|byte| !b"\"{}[],-0123456789".contains(byte)).count();
            }
        }
        push_within(&mut out, &text[start..at], limit);
    }
    let truncated = out.len() > limit;
    out.truncate(out.floor_char_boundary(limit));
    (out, truncated)
}

fn push_redacted(out: &mut String) {
    out.push('"');
    out.push_str(REDACTED);
    out.push('"');
}

/// Appends no more of a long text than it takes to go past the limit.
fn push_within(out: &mut String, text: &str, limit: usize) {
    let room = limit.saturating_sub(out.len());
    out.push_str(&text[..text.ceil_char_boundary(room.saturating_add(1))]);
}

/// The index behind the string that begins at `start`; the end of the text if nothing closes it.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A key without its quotes and escapes.
fn unquoted(token: &str) -> Cow<'_, str> {
    serde_json::from_str(token).unwrap_or_else(|_| Cow::Borrowed(token.trim_matches('"')))
}
