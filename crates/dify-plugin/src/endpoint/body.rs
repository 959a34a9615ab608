//! Sends a body so that it arrives whole.
//!
//! The daemon silently loses chunks of a response (`internal/core/io_tunnel/endpoint_service.go`): everything after the
//! first chunk if the end of the session is already there when it passes that chunk on, and chunks that come while 128
//! others are unread. A single chunk is never lost. Therefore:
//!
//! - Data that is ready together goes into one chunk, up to what a frame holds.
//! - When no more is ready, the chunk goes out at once, unless many chunks have gone out in a short time.
//! - With more than one chunk, the end keeps its distance from the first one; so does an error after any chunk.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use dify_plugin_protocol::endpoint::EndpointResponse;
use dify_plugin_protocol::hex::encode_hex;
use http_body::Body as _;
use tokio::time::{Instant, sleep_until};

use super::head::Head;
use super::pace::Pace;
use super::service::{BoxError, ResponseBody};
use crate::error::{Error, Result};
use crate::session::Session;

pub(super) struct Sender<'a> {
    session: &'a Session,
    end_delay: Duration,
    /// Goes out with the first chunk: until then, an error still becomes a status of 500.
    head: Option<Head>,
    first_sent: Option<Instant>,
    chunks: usize,
    pace: Pace,
}

impl<'a> Sender<'a> {
    pub(super) fn new(session: &'a Session, end_delay: Duration, head: Head) -> Self {
        Self { session, end_delay, head: Some(head), first_sent: None, chunks: 0, pace: Pace::new() }
    }

    pub(super) async fn send(mut self, body: Option<ResponseBody>) -> Result<()> {
        let Some(body) = body else { return self.send_chunk(String::new()).await };
        let mut gathering =
            Gathering { body, rest: Bytes::new(), hex: String::new(), limit: self.chunk_limit() };
        loop {
            let mut state = gathering.wait().await;
            while let (State::Idle, Err(when)) = (&state, self.pace.take(Instant::now())) {
                sleep_until(when).await;
                state = gathering.take_what_is_ready().await;
            }
            let is_over = matches!(state, State::Done | State::Failed(_));
            match state {
                State::Done if self.chunks > 0 && gathering.hex.is_empty() => {}
                State::Failed(_) if gathering.hex.is_empty() => {}
                _ => self.send_chunk(std::mem::take(&mut gathering.hex)).await?,
            }
            gathering.limit = self.chunk_limit();
            if is_over {
                let failed = if let State::Failed(error) = state { Some(error) } else { None };
                if failed.is_some() || self.chunks > 1 {
                    self.keep_distance().await;
                }
                return match failed {
                    None => Ok(()),
                    Some(Failure::Error(error)) => Err(Error::from_box(error)),
                    // The data before the panic is out; now it is handled as any other panic.
                    Some(Failure::Panic(panic)) => resume_unwind(panic),
                };
            }
        }
    }

    /// Every message has a `result`: the daemon's relay panics at a later message without one.
    async fn send_chunk(&mut self, hex: String) -> Result<()> {
        let (status, headers) = self.head.take().map(|head| (head.status, head.headers)).unzip();
        let chunk = EndpointResponse { status, headers, result: Some(hex) };
        self.session.transport().send(&chunk).await?;
        self.chunks += 1;
        self.first_sent.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Waits until the end of the session can no longer cut off the body, or the error after it. Before the first chunk
    /// there is nothing to wait for: the daemon turns the error into a status of 500.
    async fn keep_distance(&self) {
        if let Some(first) = self.first_sent {
            sleep_until(first + self.end_delay).await;
        }
    }

    /// Returns how many hex digits fit into the frame of the next chunk: an even number, since a byte takes two.
    fn chunk_limit(&self) -> usize {
        let head = self.head.as_ref().map_or(0, Head::json_bytes);
        let envelope = 256 + 6 * self.session.id().len();
        // If the head alone is too long, sending it fails.
        let digits = self.session.transport().max_frame_bytes().saturating_sub(head + envelope).max(2);
        digits & !1
    }
}

/// Why a chunk is complete, or why no data is added to it for now.
enum State {
    /// Nothing more is ready.
    Idle,
    /// The chunk is full.
    Full,
    /// The body has ended.
    Done,
    /// The body failed.
    Failed(Failure),
}

enum Failure {
    Error(BoxError),
    Panic(Box<dyn Any + Send>),
}

/// The data of the next chunk.
struct Gathering {
    body: ResponseBody,
    /// The part of the last data that did not fit.
    rest: Bytes,
    hex: String,
    limit: usize,
}

impl Gathering {
    /// Waits for the first bytes, then adds what is ready.
    async fn wait(&mut self) -> State {
        poll_fn(|cx| match self.poll(cx) {
            State::Idle if self.hex.is_empty() => Poll::Pending,
            state => Poll::Ready(state),
        })
        .await
    }

    async fn take_what_is_ready(&mut self) -> State {
        poll_fn(|cx| Poll::Ready(self.poll(cx))).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> State {
        loop {
            let room = (self.limit - self.hex.len()) / 2;
            let now = self.rest.split_to(room.min(self.rest.len()));
            self.hex.push_str(&encode_hex(&now));
            if self.rest.has_remaining() {
                return State::Full;
            }
            match self.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => self.rest = data,
                Poll::Ready(Some(Err(error))) => return State::Failed(error),
                Poll::Ready(None) => return State::Done,
                Poll::Pending => return State::Idle,
            }
        }
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        loop {
            // The body is not polled again after a panic.
            let frame = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.body).poll_frame(cx)));
            let frame = match frame {
                Ok(frame) => ready!(frame),
                Err(panic) => return Poll::Ready(Some(Err(Failure::Panic(panic)))),
            };
            match frame {
                Some(Ok(frame)) => {
                    // The wire has no place for trailers.
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(Failure::Error(error)))),
                None => return Poll::Ready(None),
            }
        }
    }
}
