//! Status and headers as the daemon can carry them: one string for each header name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::response::Parts;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};

use super::service::ResponseBody;

use crate::error::{Error, Result};

/// Status and headers of a response.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
}

impl Head {
    /// Creates the head of a response, with the length of `body` if it is known. `body` is `None` if none is sent.
    ///
    /// # Errors
    ///
    /// If the status is below 200: the daemon's HTTP server would wait for another one (`net/http`).
    pub(super) fn new<B: Body>(parts: &Parts, body: Option<&B>) -> Result<Self> {
        let status = parts.status;
        if status.is_informational() {
            return Err(Error::new(
                "InvalidResponse",
                format!("the response has status {status}, which announces another response"),
            ));
        }
        let mut headers = joined(&parts.headers);
        if let Some(length) = body.and_then(|body| body.size_hint().exact()) {
            headers.entry(train_case(&header::CONTENT_LENGTH)).or_insert_with(|| length.to_string());
        }
        Ok(Self { status: status.as_u16(), headers })
    }

    /// Returns an upper bound for the bytes that the head takes as JSON.
    pub(super) fn json_bytes(&self) -> usize {
        let strings = self.headers.iter().map(|(name, value)| 6 * (name.len() + value.len()) + 6);
        64 + strings.sum::<usize>()
    }
}

/// The official SDK's text for an unknown path (`dify_plugin/core/plugin_registration.py` and werkzeug).
const NO_SUCH_PATH: &str = "Failed to dispatch endpoint request: 404 Not Found: The requested URL was not found on the \
                            server. If you entered the URL manually please check your spelling and try again.";

/// Gives a 404 without a body, which is a router's response to an unknown path, the text of the official SDK.
pub(super) fn explained(mut response: Response<ResponseBody>) -> Response<ResponseBody> {
    let is_bare = response.status() == StatusCode::NOT_FOUND
        && response.body().size_hint().exact() == Some(0)
        && !response.headers().contains_key(header::CONTENT_TYPE);
    if !is_bare {
        return response;
    }
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let text = Full::new(Bytes::from_static(NO_SUCH_PATH.as_bytes()));
    response.map(|_| text.map_err(|never| match never {}).boxed_unsync())
}

/// Returns whether a response of this status has no body.
pub(super) fn forbids_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Returns one value for each name: several are joined where HTTP defines that to mean the same, otherwise the last is kept.
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::new();
    for name in headers.keys().filter(|name| !belongs_to_the_connection(name)) {
        let mut values = headers.get_all(name).iter();
        // Every key has a value.
        let Some(first) = values.next() else { continue };
        let mut text = as_text(name, first);
        for value in values {
            let value = as_text(name, value);
            if is_singular(name) {
                warn_of_lost_values(name);
                text = value;
            } else {
                // Writing to a string can't fail.
                let _ = write!(text, ", {value}");
            }
        }
        joined.insert(train_case(name), text);
    }
    joined
}

/// Returns whether a header is about the connection to the client, which belongs to the daemon.
fn belongs_to_the_connection(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION | header::TE | header::TRAILER | header::TRANSFER_ENCODING | header::UPGRADE
    ) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// Returns whether a header is not a list: its values joined with a comma would mean something else.
fn is_singular(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::SET_COOKIE
            | header::CONTENT_TYPE
            | header::CONTENT_LENGTH
            | header::CONTENT_DISPOSITION
            | header::CONTENT_RANGE
            | header::LOCATION
            | header::DATE
            | header::ETAG
            | header::EXPIRES
            | header::LAST_MODIFIED
            | header::RETRY_AFTER
            | header::SERVER
            | header::AGE
    )
}

fn as_text(name: &HeaderName, value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            static WARNED: AtomicBool = AtomicBool::new(false);
            if !WARNED.swap(true, Ordering::Relaxed) {
                tracing::warn!(header = %name, "a header value is not UTF-8, which the daemon cannot carry; the invalid bytes are replaced");
            }
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        }
    }
}

fn warn_of_lost_values(name: &HeaderName) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(header = %name, "a response has the header several times; the daemon carries one value for each name, so only the last is sent");
    }
}

/// Returns `Content-Type` for `content-type`: case does not matter, but this is how the official SDK writes names.
fn train_case(name: &HeaderName) -> String {
    let mut starts_word = true;
    let letters = name.as_str().chars().map(|letter| {
        let upper = std::mem::replace(&mut starts_word, letter == '-');
        if upper { letter.to_ascii_uppercase() } else { letter }
    });
    letters.collect()
}
