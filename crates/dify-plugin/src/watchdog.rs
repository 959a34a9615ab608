//! Notices handlers that block a worker thread.
//!
//! A handler that computes, sleeps or reads a file without awaiting keeps its worker from all other sessions. Each thread
//! has a slot that says in which tick it began to poll a handler, and one thread for the whole process reads the slots at
//! every tick. So it notices a blocked worker soon, for the driver to leave that worker (see `process/driver.rs`), and it
//! can report a handler that never returns. A poll costs two stores and a fence: the handler's name is only written where
//! it differs from that of the poll before.

use std::cell::Cell;
use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::thread::Thread;
use std::time::Duration;

use tokio::sync::watch;

/// The most handlers that are reported. Endpoints are reported by path, and there is no end of paths.
const MAX_REPORTS: usize = 100;
/// How often the slots are read.
const TICK: Duration = Duration::from_millis(20);
/// How many ticks after the one it began in a poll counts as blocking its worker: at least one whole tick. Other sessions
/// may have to wait that long for the driver to leave the worker.
const BLOCKING: u64 = 2;
/// How many ticks after the one it began in a poll is reported: a second.
const PATIENCE: u64 = 51;
/// How many ticks without a running handler pass before the thread sleeps until it is woken: it wakes up at most ten times
/// a second while handlers run for a moment each.
const IDLE_TICKS: u32 = 4;

/// Enough for a thread that only writes a log line.
const STACK_BYTES: usize = 131_072;

static WATCHDOG: LazyLock<Watchdog> = LazyLock::new(Watchdog::default);

thread_local! {
    static SLOT: LocalSlot = LocalSlot::new(&WATCHDOG);
}

/// What one thread is polling.
struct Slot {
    /// The tick in which the poll began; 0 while no handler is polled.
    since: AtomicU64,
    /// The handler that is polled, or was polled last.
    handler: Mutex<Arc<str>>,
}

/// The slot as its own thread sees it.
struct LocalSlot {
    slot: Arc<Slot>,
    /// The name in the slot. The slot keeps it alive, so no other name can have its address.
    handler: Cell<*const str>,
}

impl LocalSlot {
    fn new(watchdog: &'static Watchdog) -> Self {
        let slot = watchdog.add_slot();
        watchdog.start();
        let handler = Cell::new(Arc::as_ptr(&lock(&slot.handler)));
        Self { slot, handler }
    }

    fn begin(&self, handler: &Arc<str>, watchdog: &Watchdog) {
        if !std::ptr::addr_eq(self.handler.get(), Arc::as_ptr(handler)) {
            *lock(&self.slot.handler) = handler.clone();
            self.handler.set(Arc::as_ptr(handler));
        }
        // Release: a thread that reads this tick reads the name that belongs to it.
        self.slot.since.store(watchdog.tick.load(Ordering::Relaxed), Ordering::Release);
        watchdog.wake();
    }

    fn end(&self) {
        self.slot.since.store(0, Ordering::Release);
    }
}

struct Watchdog {
    slots: Mutex<Vec<Arc<Slot>>>,
    /// Counts the readings of the slots, from 1.
    tick: AtomicU64,
    is_asleep: AtomicBool,
    /// Whether some handler blocks its worker.
    is_blocked: watch::Sender<bool>,
    thread: OnceLock<Option<Thread>>,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self {
            slots: Mutex::default(),
            tick: AtomicU64::new(1),
            is_asleep: AtomicBool::default(),
            is_blocked: watch::Sender::default(),
            thread: OnceLock::new(),
        }
    }
}

impl Watchdog {
    fn add_slot(&self) -> Arc<Slot> {
        let slot = Arc::new(Slot { since: AtomicU64::new(0), handler: Mutex::new("".into()) });
        lock(&self.slots).push(slot.clone());
        slot
    }

    fn start(&'static self) {
        self.thread.get_or_init(|| {
            let builder = std::thread::Builder::new().name("watchdog".to_owned()).stack_size(STACK_BYTES);
            match builder.spawn(|| self.watch()) {
                Ok(thread) => Some(thread.thread().clone()),
                Err(error) => {
                    tracing::warn!(%error, "cannot start a thread; handlers that block a worker are not reported");
                    None
                }
            }
        });
    }

    fn wake(&self) {
        // Pairs with the fence in `watch`: either this sees that the thread is asleep, or the thread sees the slot.
        fence(Ordering::SeqCst);
        if self.is_asleep.load(Ordering::Relaxed)
            && self.is_asleep.swap(false, Ordering::Relaxed)
            && let Some(Some(thread)) = self.thread.get()
        {
            thread.unpark();
        }
    }

    fn watch(&self) {
        let mut reported = HashSet::new();
        let mut idle_ticks = 0;
        loop {
            idle_ticks = if self.look(&mut reported) { 0 } else { idle_ticks + 1 };
            if idle_ticks < IDLE_TICKS {
                std::thread::park_timeout(TICK);
                continue;
            }
            self.is_asleep.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            if !self.look(&mut reported) {
                std::thread::park();
            }
            self.is_asleep.store(false, Ordering::Relaxed);
            idle_ticks = 0;
        }
    }

    /// Begins a tick and reports the handlers that have been polled for too long, each handler once. Returns whether any
    /// handler is being polled.
    fn look(&self, reported: &mut HashSet<Arc<str>>) -> bool {
        let now = self.tick.fetch_add(1, Ordering::Relaxed) + 1;
        let (mut any, mut any_blocked) = (false, false);
        let mut slots = lock(&self.slots);
        // The only reference is ours if the thread has ended.
        slots.retain(|slot| Arc::strong_count(slot) > 1);
        for slot in &*slots {
            let since = slot.since.load(Ordering::Acquire);
            let ticks = if since == 0 { 0 } else { now - since };
            any |= since != 0;
            any_blocked |= ticks >= BLOCKING;
            if ticks < PATIENCE {
                continue;
            }
            let handler = lock(&slot.handler).clone();
            if reported.len() < MAX_REPORTS && reported.insert(handler.clone()) {
                tracing::warn!(
                    handler = &*handler,
                    "the handler has blocked a worker thread for over 1 s and keeps it from other sessions; move blocking \
                     work into tokio::task::spawn_blocking, and await between the steps of long work"
                );
            }
        }
        self.is_blocked.send_if_modified(|is| std::mem::replace(is, any_blocked) != any_blocked);
        any
    }
}

/// Returns a receiver that says whether some handler is blocking its worker.
pub(crate) fn is_blocked() -> watch::Receiver<bool> {
    WATCHDOG.is_blocked.subscribe()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A handler whose polls are watched.
pub(crate) struct Watched<F> {
    handler: Arc<str>,
    future: F,
}

impl<F> Watched<F> {
    pub(crate) fn new(handler: Arc<str>, future: F) -> Self {
        Self { handler, future }
    }
}

impl<F: Future + Unpin> Future for Watched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let _polling = Polling::begin(&self.handler);
        Pin::new(&mut self.future).poll(cx)
    }
}

/// Marks the thread's slot until it is dropped, also by a panic.
struct Polling;

impl Polling {
    fn begin(handler: &Arc<str>) -> Self {
        // A thread that is ending has no slot; it is not watched.
        let _ = SLOT.try_with(|slot| slot.begin(handler, &WATCHDOG));
        Self
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        let _ = SLOT.try_with(LocalSlot::end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(watchdog: &Watchdog) -> LocalSlot {
        let slot = watchdog.add_slot();
        let handler = Cell::new(Arc::as_ptr(&lock(&slot.handler)));
        LocalSlot { slot, handler }
    }

    #[test]
    fn a_handler_that_blocks_its_thread_is_reported_once_and_by_its_own_name() {
        let watchdog = Watchdog::default();
        let slot = local(&watchdog);
        let mut reported = HashSet::new();
        assert!(!watchdog.look(&mut reported), "nothing is polled yet");
        slot.begin(&"the tool a/quick".into(), &watchdog);
        slot.end();
        assert!(!watchdog.look(&mut reported), "the poll has ended");
        slot.begin(&"the tool a/slow".into(), &watchdog);
        for tick in 1..PATIENCE {
            assert!(
                watchdog.look(&mut reported) && reported.is_empty(),
                "{tick}: it is reported after a second"
            );
            assert_eq!(*watchdog.is_blocked.borrow(), tick >= BLOCKING);
        }
        assert!(watchdog.look(&mut reported) && watchdog.look(&mut reported));
        assert_eq!(reported.iter().map(|name| &**name).collect::<Vec<_>>(), ["the tool a/slow"]);
        slot.end();
        slot.begin(&"the tool a/other".into(), &watchdog);
        for _ in 0..PATIENCE {
            watchdog.look(&mut reported);
        }
        assert_eq!(reported.len(), 2);

        drop(slot);
        assert!(!watchdog.look(&mut reported), "the thread has ended");
        assert!(lock(&watchdog.slots).is_empty() && !*watchdog.is_blocked.borrow());
    }

    #[test]
    fn no_more_handlers_are_reported_than_the_limit() {
        let watchdog = Watchdog::default();
        let slots: Vec<_> = (0..MAX_REPORTS + 5).map(|_| local(&watchdog)).collect();
        for (number, slot) in slots.iter().enumerate() {
            slot.begin(&number.to_string().into(), &watchdog);
        }
        let mut reported = HashSet::new();
        for _ in 0..PATIENCE {
            watchdog.look(&mut reported);
        }
        assert_eq!(reported.len(), MAX_REPORTS);
    }

    #[test]
    fn a_poll_marks_its_threads_slot_and_clears_it() {
        let state = || {
            SLOT.with(|slot| (slot.slot.since.load(Ordering::Relaxed) > 0, lock(&slot.slot.handler).clone()))
        };
        let mut watched = Watched::new("the tool a/b".into(), std::future::poll_fn(|_| Poll::Ready(state())));
        let Poll::Ready(seen) =
            Pin::new(&mut watched).poll(&mut Context::from_waker(std::task::Waker::noop()))
        else {
            panic!("it is ready at once");
        };
        assert_eq!(seen, (true, "the tool a/b".into()));
        assert!(!state().0);
    }
}
