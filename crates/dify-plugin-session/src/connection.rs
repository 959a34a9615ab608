//! The driver: moves bytes while it is polled for requests.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use dify_plugin_protocol::frame::{Frame, FrameDecoder};
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Sleep;

use crate::clock::{later, now};
use crate::config::Config;
use crate::core::{After, Draining, Inbound, SessionState, Share};
use crate::error::ConnectionError;
use crate::handle::Handle;
use crate::link::Link;
use crate::request::Request;
use crate::transport::{Duplex, Io};

/// Bytes read at a time.
const READ_BYTES: usize = 64 * 1024;

/// A plugin's connection to the daemon: it owns reader and writer, and everything else is a handle.
///
/// Nothing moves unless [`accept`](Connection::accept) is polled: it reads, hands replies to the calls that wait for them,
/// writes what handlers have sent, watches the deadlines, and returns when a request has come. So call it in a loop, and run
/// each request in a task of its own.
///
/// Best run the loop itself in a task too. As the main future of a multi-threaded runtime it runs on a thread of its own, and
/// each frame must wake two threads. As a task, one worker reads a frame, runs its handler and writes the output; but a
/// handler that blocks its worker may then hold up the driver.
///
/// ```
/// # use dify_plugin_session::{Config, Connection};
/// # async fn serve() -> Result<(), dify_plugin_session::ConnectionError> {
/// # let (reader, writer) = (tokio::io::empty(), tokio::io::sink());
/// let mut connection = Connection::new(reader, writer, Config::default());
/// while let Some(request) = connection.accept().await? {
///     tokio::spawn(async move {
///         let (payload, responder) = request.into_parts();
///         responder.send(&*payload).await?;
///         responder.finish()
///     });
/// }
/// # Ok(())
/// # }
/// ```
///
/// When the daemon closes the plugin's input, no more requests come and open calls fail. Handlers run on until their
/// deadline, and `accept` returns `Ok(None)` once everything they sent is written. When the daemon closes the plugin's
/// output, `accept` returns an error at once. Dropping the connection ends all sessions.
#[must_use = "a connection moves nothing unless `accept` is polled"]
pub struct Connection {
    link: Arc<Link>,
    transport: Box<dyn Duplex>,
    decoder: FrameDecoder,
    buffer: Box<[u8]>,
    input_is_open: bool,
    /// Frames read since handlers had their turn.
    just_read: usize,
    deadlines: Alarm,
    heartbeat: Option<(Duration, Alarm)>,
    /// Requests that have come and were not returned yet.
    arrivals: VecDeque<Request>,
    after: After,
}

impl Connection {
    /// Creates a connection over any reader and writer. Takes no descriptor, signal or thread.
    ///
    /// # Panics
    ///
    /// `accept` must be polled within a tokio runtime that has its time driver enabled.
    pub fn new(
        reader: impl AsyncRead + Send + 'static,
        writer: impl AsyncWrite + Send + 'static,
        config: Config,
    ) -> Self {
        Self::over(Link::new(config), Box::new(Io::new(reader, writer)))
    }

    /// Creates a connection over the process's own stdin and stdout, which then belong to the protocol: descriptor 0 reads
    /// nothing, and descriptor 1 leads to stderr. The first heartbeat goes out at once, further ones from a thread.
    ///
    /// If stdin or stdout is a pipe or socket, it becomes non-blocking, also for other processes that share it. Dropping the
    /// connection and [`Handle::close`] restore that.
    ///
    /// # Errors
    ///
    /// If the descriptors cannot be moved or watched, or a connection of this process has taken them before.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime that has its I/O and time drivers enabled.
    #[cfg(all(unix, feature = "stdio"))]
    pub fn stdio(config: Config) -> Result<Self, ConnectionError> {
        let link = Link::new(config);
        let transport = crate::transport::Stdio::take_over(&link)?;
        Ok(Self::over(link, Box::new(transport)))
    }

    fn over(link: Arc<Link>, transport: Box<dyn Duplex>) -> Self {
        let beats = link.config.heartbeat_interval.filter(|_| !transport.beats_by_itself());
        Self {
            decoder: FrameDecoder::new(link.config.max_line_bytes),
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            input_is_open: true,
            just_read: 0,
            deadlines: Alarm::default(),
            heartbeat: beats.map(|interval| (interval, Alarm::at(now()))),
            arrivals: VecDeque::new(),
            after: After::default(),
            link,
            transport,
        }
    }

    /// Returns the next request, or `None` after an orderly end: the daemon closed the plugin's input between frames, or
    /// [`Handle::shutdown`] was called, every session has finished, and everything they sent is written.
    ///
    /// Once the connection is over, every further call returns the same.
    ///
    /// Cancel safe: usable as a branch of `select!`.
    ///
    /// # Errors
    ///
    /// If the connection broke. [`ConnectionError::OutputClosed`] and [`ConnectionError::Write`] come at once, since nothing
    /// can reach the daemon any more. [`ConnectionError::EndInsideFrame`] and [`ConnectionError::Read`] come like an orderly
    /// end, after open sessions have finished: what they send may still be read. [`ConnectionError::ShutdownIncomplete`] and
    /// [`ConnectionError::Unread`] mean that sessions or the daemon did not finish within
    /// [`Config::shutdown_grace`](crate::Config::shutdown_grace).
    pub async fn accept(&mut self) -> Result<Option<Request>, ConnectionError> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// Polls for the next request, for futures written by hand. See [`accept`](Connection::accept).
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Request>, ConnectionError>> {
        loop {
            while let Some(request) = self.arrivals.pop_front() {
                // It may have waited past its deadline, or the connection may have closed since.
                if !request.session().is_ended() {
                    return Poll::Ready(Ok(Some(request)));
                }
            }
            if self.just_read > 1 {
                // The handlers that were just woken run first. What they send then goes out in one write, and a daemon that
                // floods us cannot keep them from running. On a multi-threaded runtime this also wakes a second worker, which
                // is welcome when there is work for several handlers.
                self.just_read = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            // Before the checks below: a handler that queues output after them must find whom to wake. The old waker is
            // dropped without the lock, since that may run foreign code.
            let waker = cx.waker().clone();
            let (old, end) = self.link.quietly(|core| {
                core.limit_last_reads(now);
                (core.set_driver(waker), core.end())
            });
            drop(old);
            if let Some(end) = end {
                return Poll::Ready(end.map(|()| None));
            }
            self.poll_clocks(cx);
            match self.transport.poll_flush(cx, &self.link) {
                Poll::Ready(Ok(())) => self.link.with(|core, after| core.close_if_done(after)),
                Poll::Ready(Err(error)) => self.link.close(Err(ConnectionError::writing(error))),
                Poll::Pending => {}
            }
            if let Some(end) = self.link.end() {
                return Poll::Ready(end.map(|()| None));
            }
            ready!(self.poll_input(cx));
        }
    }

    /// Reads once; ready if that may have changed something for the driver.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.input_is_open {
            match self.transport.poll_read(cx, &mut self.buffer) {
                Poll::Ready(Ok(0)) => self.end_of_input(),
                Poll::Ready(Ok(read)) => {
                    // What follows a frame at once is no trickle, even if it completes no other frame.
                    self.just_read += usize::from(self.just_read > 0);
                    self.take_in(read);
                    // A single reply: look if more follows before anything else. Usually it does not, and the transport knows
                    // that without a system call.
                    if self.just_read == 1 && self.arrivals.is_empty() {
                        continue;
                    }
                }
                Poll::Ready(Err(error)) => {
                    self.input_is_open = false;
                    self.drain(Draining::Broken(ConnectionError::Read(Arc::new(error))));
                }
                Poll::Pending => {
                    // Frames trickle in one by one. The handler that the last one woke runs next on this worker, and what it
                    // sends wakes us after it. If we woke ourselves instead, the runtime would unpark a second worker for each
                    // frame, which costs more than the frame does.
                    self.just_read = 0;
                    return Poll::Pending;
                }
            }
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn take_in(&mut self, read: usize) {
        let now = now();
        let limit = self.decoder.limit();
        let mut frames = self.decoder.feed(&self.buffer[..read]);
        while let Some(frame) = frames.next() {
            let inbound = Inbound::read(frame, limit);
            let opened = self.link.take_in(&inbound, now, &mut self.after);
            self.arrivals.extend(request(opened, &self.link));
            self.just_read += 1;
        }
        // Once for the whole batch: a handler that has got five replies is woken once.
        self.link.run(&mut self.after);
    }

    fn end_of_input(&mut self) {
        self.input_is_open = false;
        let limit = self.decoder.limit();
        let mut cut_off = None;
        match self.decoder.finish() {
            None => {}
            Some(Frame::Whole(rest)) => {
                // A whole value counts without its newline, as the daemon takes ours.
                let inbound = Inbound::read(Frame::Whole(rest), limit);
                let opened = self.link.take_in(&inbound, now(), &mut self.after);
                self.arrivals.extend(request(opened, &self.link));
                if matches!(inbound, Inbound::Unreadable { .. }) && is_cut_off(rest) {
                    cut_off = Some(rest.len());
                }
            }
            // A frame over the limit, which was reported when it became too long.
            Some(_) => cut_off = Some(limit),
        }
        self.link.run(&mut self.after);
        self.drain(match cut_off {
            Some(bytes) => Draining::Broken(ConnectionError::EndInsideFrame { bytes }),
            None => Draining::EndOfInput,
        });
    }

    fn drain(&mut self, cause: Draining) {
        self.link.with(|core, after| core.drain(cause, None, after));
    }

    /// Does what is due, and sets the timer for what is due next.
    fn poll_clocks(&mut self, cx: &mut Context<'_>) {
        if let Some((interval, alarm)) = &mut self.heartbeat {
            let interval = *interval;
            while let Some(due) = alarm.poll(cx) {
                self.transport.insert_heartbeat();
                *alarm = Alarm::at(later(due, interval).max(now()));
            }
        }
        while let Some(due) = self.link.quietly(|core| core.next_deadline()) {
            self.deadlines.bring_forward(due);
            if self.deadlines.poll(cx).is_none() {
                break;
            }
            self.link.with(|core, after| core.expire(now(), after));
        }
    }

    /// Returns a handle to the connection. Cheap to clone.
    pub fn handle(&self) -> Handle {
        Handle::new(self.link.clone())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.link.close(Ok(()));
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("stats", &self.handle().stats()).finish_non_exhaustive()
    }
}

/// Wraps a session that was opened for the handler that will answer it.
fn request(opened: Option<(Arc<SessionState>, Box<RawValue>, Share)>, link: &Arc<Link>) -> Option<Request> {
    let (session, payload, share) = opened?;
    Some(Request::new(session, payload, share, link.clone()))
}

/// Returns whether a frame is the beginning of a JSON value.
fn is_cut_off(frame: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(frame).is_err_and(|error| error.is_eof())
}

/// One timer for any number of deadlines. It is never moved back when a deadline goes away: it rings early instead, and is then
/// set anew. That is cheaper than a timer change for each call.
#[derive(Default)]
struct Alarm {
    due: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    fn at(due: Instant) -> Self {
        Self { due: Some(due), sleep: None }
    }

    /// Sets it to `due`, unless it rings before that.
    fn bring_forward(&mut self, due: Instant) {
        if self.due.is_none_or(|set| due < set) {
            self.due = Some(due);
            if let Some(sleep) = &mut self.sleep {
                sleep.as_mut().reset(due.into());
            }
        }
    }

    /// Returns what it was set to once that has passed, and unsets it.
    fn poll(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let due = self.due?;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due.into())));
        if sleep.as_mut().poll(cx).is_pending() {
            return None;
        }
        self.sleep = None;
        self.due.take()
    }
}
