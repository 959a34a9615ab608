//! Both pipes of a connection in memory, and who is to be woken: nothing moves but by the model's hand.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Whether somebody is to be polled again. Who is polled only then shows every wake that gets lost.
#[derive(Default)]
pub(super) struct Woken(AtomicBool);

impl Woken {
    /// At first everybody is to be polled.
    pub(super) fn new() -> Arc<Self> {
        let woken = Arc::new(Self::default());
        woken.set();
        woken
    }

    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.set();
    }
}

#[derive(Default)]
struct State {
    input: VecDeque<u8>,
    is_at_end: bool,
    reader: Option<Waker>,
    output: Vec<u8>,
    /// Bytes that may still be written.
    room: usize,
    is_broken: bool,
    writer: Option<Waker>,
}

#[derive(Clone, Default)]
pub(super) struct Pipes(Arc<Mutex<State>>);

impl Pipes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what the reader waits for, and wakes it alone.
    fn feed(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
    }

    /// Changes what the writer waits for, and wakes it alone.
    fn drain(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let writer = state.writer.take();
        drop(state);
        writer.into_iter().for_each(Waker::wake);
    }

    pub(super) fn write_input(&self, bytes: &[u8]) {
        self.feed(|state| state.input.extend(bytes));
    }

    pub(super) fn end_input(&self) {
        self.feed(|state| state.is_at_end = true);
    }

    pub(super) fn is_read(&self) -> bool {
        self.state().input.is_empty()
    }

    pub(super) fn make_room(&self, bytes: usize) {
        self.drain(|state| state.room = state.room.saturating_add(bytes));
    }

    pub(super) fn break_output(&self) {
        self.drain(|state| state.is_broken = true);
    }

    /// Whether a write would have to wait.
    pub(super) fn is_full(&self) -> bool {
        let state = self.state();
        state.room == 0 && !state.is_broken
    }

    pub(super) fn take_output(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().output)
    }
}

impl AsyncRead for Pipes {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.state();
        if state.input.is_empty() && !state.is_at_end {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let (first, _) = state.input.as_slices();
        let read = first.len().min(buffer.remaining());
        buffer.put_slice(&first[..read]);
        state.input.drain(..read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipes {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        if state.is_broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let fits = bytes.len().min(state.room);
        if fits == 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.room -= fits;
        state.output.extend_from_slice(&bytes[..fits]);
        Poll::Ready(Ok(fits))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
