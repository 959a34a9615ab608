//! The HTTP request in the payload of an endpoint request.

use std::fmt;

use crate::hex::HexError;
use crate::redact::Redacted;

/// An HTTP/1.1 request, as passed on by the daemon (`internal/service/endpoint.go`).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpRequest {
    /// The method, such as `GET`.
    pub method: String,
    /// The path and query, percent-encoded.
    pub target: String,
    /// The headers in order, including repeated names. A value may contain any bytes: `Dify-Hook-Url` has the decoded
    /// path.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, without its transfer coding. The headers still name the coding.
    pub body: Vec<u8>,
}

/// The maximum number of headers of a request.
pub const MAX_HEADERS: usize = 8192;

impl HttpRequest {
    /// Parses a request message.
    ///
    /// `Transfer-Encoding` or else `Content-Length` determines the length of the body. Without either, the body is the
    /// rest of the message.
    ///
    /// # Errors
    ///
    /// If it is not an HTTP/1 request, has more than [`MAX_HEADERS`] headers, or the body is shorter than its length.
    pub fn parse(mut message: Vec<u8>) -> Result<Self, HttpRequestError> {
        let (head_length, mut request) = parse_head(&message)?;
        message.drain(..head_length);
        request.body = if request.is_chunked() {
            dechunk(&message)?
        } else {
            if let Some(length) = request.content_length()? {
                if message.len() < length {
                    return Err(HttpRequestError::BodyTooShort { expected: length, found: message.len() });
                }
                message.truncate(length);
            }
            message
        };
        Ok(request)
    }

    /// Returns the first value of a header. Ignores case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// Returns all values of a header. Ignores case.
    pub fn values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// Returns the path, and the query without its `?`.
    pub fn path_and_query(&self) -> (&str, Option<&str>) {
        match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&self.target, None),
        }
    }

    fn is_chunked(&self) -> bool {
        self.values("transfer-encoding").any(|value| {
            value
                .rsplit(|&byte| byte == b',')
                .next()
                .is_some_and(|last| last.trim_ascii().eq_ignore_ascii_case(b"chunked"))
        })
    }

    fn content_length(&self) -> Result<Option<usize>, HttpRequestError> {
        let Some(value) = self.header("content-length") else { return Ok(None) };
        let digits = std::str::from_utf8(value).ok().map(str::trim).filter(|text| !text.starts_with('+'));
        digits.and_then(|text| text.parse().ok()).map(Some).ok_or(HttpRequestError::ContentLength)
    }
}

impl fmt::Debug for HttpRequest {
    /// Shows neither header values nor the query, which may contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("path", &self.path_and_query().0)
            .field("headers", &Headers(&self.headers))
            .field("body", &Redacted(&self.body[..]))
            .finish_non_exhaustive()
    }
}

struct Headers<'a>(&'a [(String, Vec<u8>)]);

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name, Redacted(&value[..])))).finish()
    }
}

fn parse_head(message: &[u8]) -> Result<(usize, HttpRequest), HttpRequestError> {
    let mut capacity = 64;
    loop {
        let mut headers = vec![httparse::EMPTY_HEADER; capacity];
        let mut head = httparse::Request::new(&mut headers);
        match head.parse(message) {
            Ok(httparse::Status::Complete(length)) => {
                let request = HttpRequest {
                    method: head.method.unwrap_or_default().to_owned(),
                    target: head.path.unwrap_or_default().to_owned(),
                    headers: head
                        .headers
                        .iter()
                        .map(|header| (header.name.to_owned(), header.value.to_owned()))
                        .collect(),
                    body: Vec::new(),
                };
                return Ok((length, request));
            }
            Ok(httparse::Status::Partial) => return Err(HttpRequestError::Incomplete),
            Err(httparse::Error::TooManyHeaders) if capacity < MAX_HEADERS => capacity *= 2,
            Err(error) => return Err(HttpRequestError::Head(error.to_string())),
        }
    }
}

/// Decodes chunked coding. Trailers are dropped.
fn dechunk(mut rest: &[u8]) -> Result<Vec<u8>, HttpRequestError> {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((start, length))) = httparse::parse_chunk_size(rest) else {
            return Err(HttpRequestError::Chunk { offset: body.len() });
        };
        if length == 0 {
            return Ok(body);
        }
        let chunk = usize::try_from(length).ok().and_then(|length| {
            let chunk = rest.get(start..start.checked_add(length)?)?;
            let after = rest.get(start + length..)?.strip_prefix(b"\r\n")?;
            Some((chunk, after))
        });
        let Some((chunk, after)) = chunk else { return Err(HttpRequestError::Chunk { offset: body.len() }) };
        body.extend_from_slice(chunk);
        rest = after;
    }
}

/// Why an HTTP request could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpRequestError {
    /// `raw_http_request` is not hex.
    #[error("raw_http_request is {0}")]
    Hex(#[from] HexError),
    /// The request line or a header is malformed.
    #[error("raw_http_request is not an HTTP/1 request: {0}")]
    Head(String),
    /// The message ends inside the headers.
    #[error("raw_http_request ends inside its headers")]
    Incomplete,
    /// `Content-Length` is not a number.
    #[error("the request's Content-Length is not a number")]
    ContentLength,
    /// The body is shorter than `Content-Length`.
    #[error("the request's body has {found} bytes, but its Content-Length is {expected}")]
    BodyTooShort {
        /// The `Content-Length`.
        expected: usize,
        /// The length of the body, in bytes.
        found: usize,
    },
    /// The chunked coding is malformed.
    #[error("the request's chunked body is malformed after {offset} bytes")]
    Chunk {
        /// The number of bytes decoded before.
        offset: usize,
    },
}
