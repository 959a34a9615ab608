//! An HTTP request as the daemon writes it (`internal/service/endpoint.go`), which is how Go's `net/http` writes the request
//! of a client.

use bytes::Bytes;
use dify_plugin_protocol::limits::ENDPOINT_REQUEST_BODY_BYTES;
use http::{HeaderMap, HeaderName, Method, Request, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// Headers that the daemon removes.
const REMOVED: [&str; 6] = [
    "x-forwarded-for",
    "x-real-ip",
    "x-forwarded",
    "x-original-forwarded-for",
    "x-original-url",
    "x-original-host",
];

/// Headers that Go writes itself, or omits.
const WRITTEN_APART: [HeaderName; 5] =
    [header::HOST, header::USER_AGENT, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::TRAILER];

const HOOK_ID: &str = "dify-hook-id";
const HOOK_URL: &str = "dify-hook-url";

/// The bytes that Go escapes in a path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// The bytes that Go escapes in a query. A space becomes `+`.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b' ');

/// Returns the bytes of the HTTP/1.1 message.
pub(super) fn write(request: &Request<Bytes>, hook_id: &str) -> Vec<u8> {
    let headers = request.headers();
    let path: Vec<u8> = percent_decode_str(request.uri().path()).collect();
    let host = host(request);

    let mut out = Vec::new();
    out.extend_from_slice(request.method().as_str().as_bytes());
    out.push(b' ');
    out.extend(percent_encode(&path, PATH).to_string().into_bytes());
    let query = query(request.uri().query().unwrap_or_default());
    if !query.is_empty() {
        out.push(b'?');
        out.extend_from_slice(query.as_bytes());
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    field(&mut out, "Host", &host);
    match headers.get(header::USER_AGENT) {
        // Go omits the header if the caller sends it empty.
        Some(agent) if agent.is_empty() => {}
        Some(agent) => field(&mut out, "User-Agent", agent.as_bytes()),
        None => field(&mut out, "User-Agent", b"Go-http-client/1.1"),
    }
    let body = &request.body()[..request.body().len().min(ENDPOINT_REQUEST_BODY_BYTES)];
    // Go can't tell an empty body from one of unknown length, and marks it as chunked only for methods that usually have one.
    let chunked = body.is_empty() && [Method::POST, Method::PUT, Method::PATCH].contains(request.method());
    if chunked {
        field(&mut out, "Transfer-Encoding", b"chunked");
    } else if !body.is_empty() {
        field(&mut out, "Content-Length", body.len().to_string().as_bytes());
    }
    for (name, value) in sorted(headers, &path, &host, hook_id) {
        field(&mut out, &name, &value);
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(if chunked { b"0\r\n\r\n" } else { body });
    out
}

/// Returns the other headers, sorted by name; the values of one name stay in order.
fn sorted(headers: &HeaderMap, path: &[u8], host: &[u8], hook_id: &str) -> Vec<(String, Vec<u8>)> {
    let mut fields: Vec<(String, Vec<u8>)> = headers
        .iter()
        .filter(|(name, _)| {
            let own = [HOOK_ID, HOOK_URL].contains(&name.as_str());
            !own && !REMOVED.contains(&name.as_str()) && !WRITTEN_APART.contains(name)
        })
        .map(|(name, value)| (canonical(name.as_str()), value.as_bytes().to_vec()))
        .collect();
    let given = headers.get(HOOK_URL).filter(|url| !url.is_empty());
    let url = given.map_or_else(
        || {
            let https = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
            let scheme: &[u8] = if https { b"https" } else { b"http" };
            // The path without escapes, as in the daemon.
            [scheme, b"://", host, b"/e/", hook_id.as_bytes(), path].concat()
        },
        |url| url.as_bytes().to_vec(),
    );
    fields.push((canonical(HOOK_URL), url));
    fields.push((canonical(HOOK_ID), hook_id.as_bytes().to_vec()));
    // The sort is stable, so that the values of one name stay in order.
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    fields
}

fn host(request: &Request<Bytes>) -> Vec<u8> {
    let original = request.headers().get("x-original-host").filter(|host| !host.is_empty());
    match (original.or(request.headers().get(header::HOST)), request.uri().authority()) {
        (Some(host), _) => host.as_bytes().to_vec(),
        (None, Some(authority)) => authority.as_str().as_bytes().to_vec(),
        (None, None) => b"localhost".to_vec(),
    }
}

/// Returns a header's name in Go's spelling: each word begins with a capital.
fn canonical(name: &str) -> String {
    let mut capital = true;
    name.chars()
        .map(|letter| {
            let written = if capital { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
            capital = letter == '-';
            written
        })
        .collect()
}

fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    // A value must not end the line early; Go writes a space as well.
    out.extend(value.iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
    out.extend_from_slice(b"\r\n");
}

/// Parses a query and writes it again: keys are sorted, and pairs with a `;` or a broken escape are dropped.
fn query(query: &str) -> String {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'))
        .filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((unescape(key)?, unescape(value)?))
        })
        .collect();
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    let escape = |text: &[u8]| percent_encode(text, QUERY).to_string().replace(' ', "+");
    let written: Vec<_> =
        pairs.iter().map(|(key, value)| format!("{}={}", escape(key), escape(value))).collect();
    written.join("&")
}

/// Returns `None` for a broken escape.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    let whole = |at: usize| {
        let digits = bytes.get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let sound = bytes.iter().enumerate().all(|(at, &byte)| byte != b'%' || whole(at));
    sound.then(|| percent_decode_str(&text.replace('+', " ")).collect())
}
