//! Reverse calls: who waits for which replies.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use dify_plugin_session::protocol::InvokeType;
use dify_plugin_session::{InvokeError, Replies};
use futures_core::Stream;
use serde_json::{Value, json};

use super::pipe::Woken;
use super::{Model, Script};

type Calling = Pin<Box<dyn Future<Output = Result<Replies, InvokeError>>>>;

pub(super) struct Call {
    pub(super) number: u64,
    /// The id of its session.
    pub(super) session: String,
    state: State,
    woken: Arc<Woken>,
    /// Replies that were sent and not read, by number.
    sent: VecDeque<u64>,
    replies: u64,
    /// Nothing that the daemon says of it counts any more.
    is_closed: bool,
    /// The last that was said of it was that it went well.
    went_well: bool,
    is_refused: bool,
}

enum State {
    Calling(Calling),
    Open(Replies),
    Over,
}

impl Call {
    /// The daemon says the call's `end`.
    pub(super) fn close(&mut self) {
        self.went_well |= !self.is_closed;
        self.is_closed = true;
    }

    /// The daemon refuses the call, and will say its `end`: that is waited for even if the handler does not.
    pub(super) fn refuse(&mut self) {
        self.is_refused |= !self.is_closed;
        self.is_closed = true;
    }

    pub(super) fn may_be_open(&self) -> bool {
        self.is_refused || !matches!(self.state, State::Over)
    }

    /// The daemon says something that can't be read.
    pub(super) fn close_with_error(&mut self) {
        self.is_closed = true;
    }

    /// The daemon sends a reply; gives its number.
    pub(super) fn next_reply(&mut self) -> u64 {
        self.replies += 1;
        if !self.is_closed {
            self.sent.push_back(self.replies);
        }
        self.replies
    }

    /// Goes on with making the call, if that waits and was woken.
    pub(super) fn go_on(&mut self) -> bool {
        let State::Calling(calling) = &mut self.state else { return false };
        if !self.woken.take() {
            return false;
        }
        let waker = Waker::from(self.woken.clone());
        if let Poll::Ready(made) = calling.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.state = made.map_or(State::Over, State::Open);
            self.woken.set();
        }
        true
    }

    /// Reads one reply, if there is one: it must be the next that was sent.
    fn read(&mut self) -> bool {
        let State::Open(replies) = &mut self.state else { return false };
        if !self.woken.take() {
            return false;
        }
        let waker = Waker::from(self.woken.clone());
        match Pin::new(&mut *replies).poll_next(&mut Context::from_waker(&waker)) {
            Poll::Pending => return false,
            Poll::Ready(Some(Ok(reply))) => {
                let reply: Value = serde_json::from_str(reply.get()).expect("a reply that is no JSON");
                assert_eq!(reply[0].as_u64(), self.sent.pop_front(), "another reply than the next: {reply}");
            }
            Poll::Ready(Some(Err(_))) => {
                let after = Pin::new(replies).poll_next(&mut Context::from_waker(Waker::noop()));
                assert!(matches!(after, Poll::Ready(None)), "something comes after an error");
                self.state = State::Over;
            }
            Poll::Ready(None) => {
                assert!(self.went_well && self.sent.is_empty(), "an end before the end: {:?}", self.sent);
                self.state = State::Over;
            }
        }
        self.woken.set();
        true
    }

    pub(super) fn read_to_the_end(&mut self) {
        while self.go_on() | self.read() {}
        assert!(matches!(self.state, State::Over), "the call {} waits for ever", self.number);
    }
}

impl Model {
    pub(super) fn call(&mut self, script: &mut Script<'_>) {
        let choice = script.byte();
        let Some(handler) = self.handler(choice) else { return };
        let session = handler.session.clone();
        let number = self.number();
        let id = session.id().to_owned();
        let padding = "x".repeat(if choice >= 192 { 9000 } else { 0 });
        let calling: Calling = Box::pin(async move {
            session.invoke(InvokeType::App, &json!({ "call": number, "padding": padding })).await
        });
        self.calls.push(Call {
            number,
            session: id,
            state: State::Calling(calling),
            woken: Woken::new(),
            sent: VecDeque::new(),
            replies: 0,
            is_closed: false,
            went_well: false,
            is_refused: false,
        });
    }

    pub(super) fn read_reply(&mut self, script: &mut Script<'_>) {
        let choice = usize::from(script.byte());
        let count = self.calls.len();
        if count > 0 {
            self.calls[choice % count].read();
        }
    }

    /// Withdraws a call, made or not.
    pub(super) fn drop_call(&mut self, script: &mut Script<'_>) {
        let choice = usize::from(script.byte());
        let count = self.calls.len();
        if count > 0 {
            self.calls[choice % count].state = State::Over;
        }
    }
}
