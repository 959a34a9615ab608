//! An endpoint's answer on its way to an HTTP caller.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use dify_plugin_host::EndpointBody;
use futures_core::Stream;
use http::{Method, Response, StatusCode, header};
use http_body::{Body, Frame};
use tokio::runtime::Handle;

use crate::commands::dev::generation::Lease;

/// The pieces of an answer's body as they come. A failure puts the daemon's text of it at the end, and the body then ends
/// cleanly: so does the daemon, which writes the error and returns (`internal/service/endpoint.go`).
///
/// A caller who hangs up leaves the session. One who has all that HTTP lets us send doesn't: HEAD gets no body, and
/// after `Content-Length` bytes nobody asks for more, but the plugin's `end` is still to come.
pub(crate) struct Pieces {
    body: Option<EndpointBody>,
    /// Bytes that the caller still waits for, where that is known.
    owed: Option<u64>,
    /// Until the plugin's end, its process is not ended for another to answer.
    lease: Option<Lease>,
}

impl Pieces {
    /// The body of `response`, the answer to a request of `method`.
    pub(crate) fn of(method: &Method, response: Response<EndpointBody>, lease: Lease) -> Response<Self> {
        let owed = owed(method, &response);
        response.map(|body| Self { body: Some(body), owed, lease: Some(lease) })
    }
}

fn owed<T>(method: &Method, response: &Response<T>) -> Option<u64> {
    let status = response.status();
    let bodiless =
        [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status) || method == Method::HEAD;
    if bodiless {
        return Some(0);
    }
    response.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let piece = match ready!(Pin::new(body).poll_next(cx)) {
            Some(Ok(piece)) => piece,
            Some(Err(failure)) => {
                self.body = None;
                failure.daemon_text().into()
            }
            None => {
                self.body = None;
                return Poll::Ready(None);
            }
        };
        self.owed = self.owed.map(|owed| owed.saturating_sub(piece.len() as u64));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        // Without a runtime we are about to end, and so is the plugin.
        if self.owed == Some(0)
            && let Some(mut body) = self.body.take()
            && let Ok(runtime) = Handle::try_current()
        {
            let lease = self.lease.take();
            runtime.spawn(async move {
                while body.next().await.is_some() {}
                drop(lease);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_waits_for_is_known_from_the_head() {
        let response = |status: u16, length: Option<&str>| {
            let mut response = Response::builder().status(status);
            if let Some(length) = length {
                response = response.header("content-length", length);
            }
            response.body(()).unwrap()
        };
        for (method, status, length, expected) in [
            (Method::GET, 200, None, None),
            (Method::GET, 200, Some("7"), Some(7)),
            (Method::GET, 404, Some("0"), Some(0)),
            (Method::GET, 200, Some("many"), None),
            (Method::GET, 204, None, Some(0)),
            (Method::HEAD, 200, Some("7"), Some(0)),
        ] {
            assert_eq!(owed(&method, &response(status, length)), expected, "{method} {status} {length:?}");
        }
    }
}
