//! Sends a body so that it arrives whole.
//!
//! The daemon loses parts of answers without a word (`internal/core/io_tunnel/endpoint_service.go`): everything after the
//! first piece if the session's end is already there as it hands that piece over, and pieces that come while 128 others
//! are unread. One piece is never cut. So:
//!
//! - What is ready goes into one piece, up to what a line holds; a body that is ready as a whole is one piece.
//! - When nothing more is ready, what there is goes out at once, unless many pieces have gone out in a short time.
//! - With more than one piece, the end keeps its distance from the first; so does an error after any piece.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use dify_plugin_protocol::endpoint::{EndpointResponse, encode_hex};
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
    /// Goes with the first piece: an error before that can still become a status of 500.
    head: Option<Head>,
    first_sent: Option<Instant>,
    pieces: usize,
    pace: Pace,
}

impl<'a> Sender<'a> {
    pub(super) fn new(session: &'a Session, end_delay: Duration, head: Head) -> Self {
        Self { session, end_delay, head: Some(head), first_sent: None, pieces: 0, pace: Pace::new() }
    }

    pub(super) async fn send(mut self, body: Option<ResponseBody>) -> Result<()> {
        let Some(body) = body else { return self.send_piece(String::new()).await };
        let mut gathering =
            Gathering { body, rest: Bytes::new(), hex: String::new(), limit: self.piece_limit() };
        loop {
            let mut state = gathering.wait().await;
            while let (State::Idle, Err(when)) = (&state, self.pace.take(Instant::now())) {
                sleep_until(when).await;
                state = gathering.take_what_is_ready().await;
            }
            let is_over = matches!(state, State::Done | State::Failed(_));
            match state {
                State::Done if self.pieces > 0 && gathering.hex.is_empty() => {}
                State::Failed(_) if gathering.hex.is_empty() => {}
                _ => self.send_piece(std::mem::take(&mut gathering.hex)).await?,
            }
            gathering.limit = self.piece_limit();
            if is_over {
                let failed = if let State::Failed(error) = state { Some(error) } else { None };
                if failed.is_some() || self.pieces > 1 {
                    self.keep_distance().await;
                }
                return match failed {
                    None => Ok(()),
                    Some(Failure::Error(error)) => Err(Error::from_box(error)),
                    // Now that what came before it is out, it goes the way of any other.
                    Some(Failure::Panic(panic)) => resume_unwind(panic),
                };
            }
        }
    }

    /// Every message has a `result`: without it, the daemon's relay panics at any but the first.
    async fn send_piece(&mut self, hex: String) -> Result<()> {
        let (status, headers) = self.head.take().map(|head| (head.status, head.headers)).unzip();
        let piece = EndpointResponse { status, headers, result: Some(hex) };
        self.session.transport().send(&piece).await?;
        self.pieces += 1;
        self.first_sent.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Waits until the end cannot cut the body any more, or an error be cut off. Before the first piece there is nothing
    /// to wait for: the daemon makes a status of 500 of an error then.
    async fn keep_distance(&self) {
        if let Some(first) = self.first_sent {
            sleep_until(first + self.end_delay).await;
        }
    }

    /// Hex digits that fit into the next piece's line: an even number, for two make a byte.
    fn piece_limit(&self) -> usize {
        let head = self.head.as_ref().map_or(0, Head::json_bytes);
        let envelope = 256 + 6 * self.session.id().len();
        // Even if the head alone is too long: sending it then says so.
        let digits = self.session.transport().max_frame_bytes().saturating_sub(head + envelope).max(2);
        digits & !1
    }
}

/// Why gathering paused.
enum State {
    /// Nothing more is ready.
    Idle,
    /// The piece is full.
    Full,
    /// The body is over.
    Done,
    /// The body broke off.
    Failed(Failure),
}

enum Failure {
    Error(BoxError),
    Panic(Box<dyn Any + Send>),
}

struct Gathering {
    body: ResponseBody,
    /// What of the last frame did not fit.
    rest: Bytes,
    hex: String,
    limit: usize,
}

impl Gathering {
    /// Waits for the first bytes, then takes what is ready.
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
            // After a panic the body is not polled again.
            let frame = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.body).poll_frame(cx)));
            let frame = match frame {
                Ok(frame) => ready!(frame),
                Err(panic) => return Poll::Ready(Some(Err(Failure::Panic(panic)))),
            };
            match frame {
                Some(Ok(frame)) => {
                    // Trailers have no place on the wire.
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
