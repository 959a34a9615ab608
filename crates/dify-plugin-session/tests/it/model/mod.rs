//! A daemon, handlers and a clock that do what a string of bytes says, and what must hold whatever it says.
//!
//! The fuzz target `core` plays its input the same way. (A folder with a `mod.rs`, so that it finds the files beside.)

mod calls;
mod handlers;
mod heard;
mod input;
mod pipe;

use std::cell::RefCell;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dify_plugin_session::protocol::{LogData, LogLevel};
use dify_plugin_session::{Config, Connection, ConnectionError, Handle};
use tokio::runtime::Runtime;

use calls::Call;
use handlers::Handler;
use heard::{FRAME_BYTES, Heard};
use input::Line;
use pipe::{Pipes, Woken};

/// Longest line that the plugin takes, in bytes.
const LINE_BYTES: usize = 1024;

/// Plays `script`.
///
/// # Panics
///
/// When something does not hold.
pub(crate) fn play(script: &[u8]) {
    thread_local! {
        // One for many scripts, and a new one before the stopped clock has come too far.
        static RUNTIME: RefCell<(usize, Option<Runtime>)> = const { RefCell::new((0, None)) };
    }
    RUNTIME.with_borrow_mut(|(uses, runtime)| {
        *uses += 1;
        if *uses % 1000 == 0 {
            *runtime = None;
        }
        let runtime = runtime.get_or_insert_with(|| {
            let builder = &mut tokio::runtime::Builder::new_current_thread();
            builder.enable_time().start_paused(true).build().expect("a runtime")
        });
        let mut script = Script(script);
        // Polled by hand, as often as it likes.
        runtime.block_on(tokio::task::unconstrained(async {
            let mut model = Model::new(&mut script);
            while let Some(step) = script.next() {
                model.step(step, &mut script).await;
            }
            model.end();
        }));
    });
}

/// What is left of the bytes that decide.
pub(super) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self) -> u8 {
        self.next().unwrap_or_default()
    }

    fn bytes(&mut self, at_most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(at_most.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

pub(super) struct Model {
    pipes: Pipes,
    connection: Option<Connection>,
    driver: Arc<Woken>,
    /// What `accept` returned at the end.
    end: Option<Result<(), ConnectionError>>,
    handle: Handle,
    max_sessions: usize,
    total_queue_bytes: usize,
    heard: Heard,
    handlers: Vec<Handler>,
    calls: Vec<Call>,
    /// The daemon writes no more.
    is_written: bool,
    /// Lines that will be written at once.
    held: Vec<Line>,
    is_holding: bool,
    numbers: u64,
    /// Answers that were taken, by number.
    said: Vec<u64>,
}

impl Model {
    fn new(script: &mut Script<'_>) -> Self {
        let choice = script.byte();
        let choose = |shift: u8, of: [usize; 4]| of[usize::from(choice >> shift & 3)];
        let mut config = Config::default();
        config.heartbeat_interval = None;
        config.max_line_bytes = LINE_BYTES;
        config.max_frame_bytes = FRAME_BYTES;
        config.max_sessions = choose(0, [1, 2, 3, 4]);
        config.output_bytes = choose(2, [4096, 1, 200, 400]);
        config.total_queue_bytes = choose(4, [100_000, 700, 1500, 3000]);
        config.reply_queue_bytes = choose(6, [4096, 1, 100, 300]);
        let (max_sessions, total_queue_bytes) = (config.max_sessions, config.total_queue_bytes);
        let pipes = Pipes::default();
        let connection = Connection::new(pipes.clone(), pipes.clone(), config);
        Self {
            pipes,
            handle: connection.handle(),
            connection: Some(connection),
            driver: Woken::new(),
            end: None,
            max_sessions,
            total_queue_bytes,
            heard: Heard::default(),
            handlers: Vec::new(),
            calls: Vec::new(),
            is_written: false,
            held: Vec::new(),
            is_holding: false,
            numbers: 0,
            said: Vec::new(),
        }
    }

    async fn step(&mut self, step: u8, script: &mut Script<'_>) {
        match step % 24 {
            0..7 => self.write(step, script),
            7..11 => self.say(script),
            11..13 => self.call(script),
            13..15 => self.read_reply(script),
            15 => self.drop_call(script),
            16 => self.finish(script),
            17 => self.let_go(script),
            18..20 => self.pipes.make_room(usize::from(script.byte()) * 8),
            20 => {
                let log = LogData {
                    level: LogLevel::Info,
                    message: "m".repeat(script.byte().into()),
                    timestamp: 0.5,
                };
                self.handle.log(&log);
            }
            21 => {
                let seconds = [1, 40, 251, 601][usize::from(script.byte() % 4)];
                tokio::time::advance(Duration::from_secs(seconds)).await;
            }
            22 => {
                self.is_holding = !self.is_holding;
                if !self.is_holding {
                    self.write_held(false);
                }
            }
            // What happens once, and then is over.
            _ => match script.byte() {
                0..8 => self.handle.shutdown(),
                8..12 => self.end_input(),
                12 => self.pipes.break_output(),
                13 => self.drop_connection(),
                _ => {}
            },
        }
        self.settle();
    }

    /// Lets everybody run who was woken, until nobody is.
    fn settle(&mut self) {
        while self.drive() | self.poll_handlers() {}
        self.heard.hear(&self.pipes.take_output());
        let stats = self.handle.stats();
        let open = self.handlers.iter().filter(|handler| !handler.session.is_ended()).count();
        assert_eq!(stats.open_sessions, open, "{stats:?}");
        assert!(open <= self.max_sessions, "{stats:?}");
        assert!(stats.queued_bytes <= self.total_queue_bytes, "{stats:?}");
        assert!(stats.open_calls <= self.calls.iter().filter(|call| call.may_be_open()).count(), "{stats:?}");
        // As long as the daemon takes more, nothing waits.
        if !self.pipes.is_full() && self.end.is_none() {
            assert_eq!(stats.output_bytes, 0, "the driver was not woken");
            assert!(self.handlers.iter().all(|handler| handler.sending.is_none()), "a sender was not woken");
        }
    }

    /// Polls the driver if it was woken.
    fn drive(&mut self) -> bool {
        let Some(connection) = self.connection.as_mut().filter(|_| self.end.is_none()) else { return false };
        if !self.driver.take() {
            return false;
        }
        let waker = Waker::from(self.driver.clone());
        match connection.poll_accept(&mut Context::from_waker(&waker)) {
            Poll::Ready(Ok(Some(request))) => {
                self.driver.set();
                self.handlers.push(Handler::new(request));
            }
            Poll::Ready(Ok(None)) => self.end = Some(Ok(())),
            Poll::Ready(Err(error)) => {
                let blames_the_daemon = matches!(error, ConnectionError::Unread);
                assert!(!blames_the_daemon || self.pipes.is_full(), "the daemon read, and is said not to");
                self.end = Some(Err(error));
            }
            Poll::Pending => {}
        }
        true
    }

    fn end_input(&mut self) {
        self.is_written = true;
        self.pipes.end_input();
    }

    fn drop_connection(&mut self) {
        // What had not been written is lost, so it must not be counted on.
        self.connection = None;
        self.end.get_or_insert(Ok(()));
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Whether the daemon may have missed something: it stopped to read, or we did not wait for it.
    fn may_have_missed_output(&self) -> bool {
        matches!(
            self.end,
            Some(Err(ConnectionError::OutputClosed
                | ConnectionError::Unread
                | ConnectionError::ShutdownIncomplete { unread: true, .. }))
        ) || self.connection.is_none()
    }

    /// Everybody comes to an end, and nothing may be left.
    fn end(mut self) {
        self.write_held(false);
        self.pipes.make_room(usize::MAX);
        self.settle();
        for handler in &mut self.handlers {
            handler.responder = None;
        }
        self.settle();
        self.end_input();
        self.settle();
        assert!(self.end.is_some(), "the connection does not come to its end: {:?}", self.handle.stats());
        for handler in &self.handlers {
            assert!(handler.sending.is_none(), "a sender waits for ever");
            assert!(handler.session.is_ended() && handler.session.cancellation().is_cancelled());
        }
        for call in &mut self.calls {
            call.read_to_the_end();
        }
        if !self.may_have_missed_output() {
            assert!(self.heard.all_answered(), "a request without an end");
            self.said.retain(|number| !self.heard.answers.contains(number));
            assert!(self.said.is_empty(), "answers that were taken and not written: {:?}", self.said);
        }
        let handle = self.handle.clone();
        drop(self);
        let left = handle.stats();
        let left = (left.open_sessions, left.open_calls, left.output_bytes, left.queued_bytes);
        assert_eq!(left, (0, 0, 0, 0), "sessions, calls, output, queues");
    }
}
