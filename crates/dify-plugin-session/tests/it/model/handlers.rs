//! Handlers: what they say, and how they end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use dify_plugin_session::protocol::ErrorData;
use dify_plugin_session::{Request, Responder, SendError, Session};
use serde_json::json;

use super::pipe::Woken;
use super::{Model, Script};

type Sending = Pin<Box<dyn Future<Output = Result<(), SendError>>>>;

pub(super) struct Handler {
    pub(super) session: Session,
    pub(super) responder: Option<Responder>,
    /// An answer that waits for room, by number.
    pub(super) sending: Option<(u64, Sending)>,
    woken: Arc<Woken>,
}

impl Handler {
    pub(super) fn new(request: Request) -> Self {
        let session = request.session().clone();
        let (_, responder) = request.into_parts();
        Self { session, responder: Some(responder), sending: None, woken: Woken::new() }
    }
}

impl Model {
    /// One of the last eight.
    pub(super) fn handler(&mut self, choice: u8) -> Option<&mut Handler> {
        let back = usize::from(choice % 8);
        let count = self.handlers.len();
        count.checked_sub(1 + back % count.max(1)).map(|at| &mut self.handlers[at])
    }

    /// Begins an answer, unless the one before still waits: then that is dropped, and never heard, or goes on to wait.
    pub(super) fn say(&mut self, script: &mut Script<'_>) {
        let choice = script.byte();
        let number = self.number();
        let Some(handler) = self.handler(choice) else { return };
        if handler.sending.is_some() {
            if choice >= 128 {
                handler.sending = None;
            }
            return;
        }
        let session = handler.session.clone();
        let padding = "x".repeat([0, 0, 300, 9000][usize::from(choice / 64)]);
        let sending = async move { session.send(&json!({ "answer": number, "padding": padding })).await };
        handler.sending = Some((number, Box::pin(sending)));
        handler.woken.set();
    }

    /// Polls every handler that was woken.
    pub(super) fn poll_handlers(&mut self) -> bool {
        let mut ran = false;
        for handler in &mut self.handlers {
            let Some((number, sending)) = &mut handler.sending else { continue };
            if !handler.woken.take() {
                continue;
            }
            ran = true;
            let waker = Waker::from(handler.woken.clone());
            if let Poll::Ready(sent) = sending.as_mut().poll(&mut Context::from_waker(&waker)) {
                match sent {
                    Ok(()) => self.said.push(*number),
                    Err(SendError::Ended | SendError::Closed(_)) => assert!(handler.session.is_ended()),
                    Err(SendError::TooLarge { size, limit }) => assert!(size > limit && size > 9000),
                    Err(error) => panic!("{error}"),
                }
                handler.sending = None;
            }
        }
        for call in &mut self.calls {
            ran |= call.go_on();
        }
        ran
    }

    /// Ends a session well, with an error, or by forgetting it. Its handle stays, and may go on to speak in vain.
    pub(super) fn finish(&mut self, script: &mut Script<'_>) {
        let choice = script.byte();
        let Some(handler) = self.handler(choice) else { return };
        let Some(responder) = handler.responder.take() else { return };
        let was_over = handler.session.is_ended();
        let ended = match choice / 8 % 4 {
            0 => responder.fail(ErrorData::new("E", "short")),
            1 => responder.fail(ErrorData::new("E", "\u{1}".repeat(5000)).with_arg("k", "v".repeat(9000))),
            2 => return,
            _ => responder.finish(),
        };
        assert_eq!(ended.is_err(), was_over);
        assert!(handler.session.is_ended());
    }

    /// Drops all that is left of a session that has ended.
    pub(super) fn let_go(&mut self, script: &mut Script<'_>) {
        let choice = script.byte();
        let Some(handler) = self.handler(choice) else { return };
        if handler.responder.is_none() && handler.sending.is_none() {
            let at = handler.session.clone();
            self.handlers.retain(|handler| !std::ptr::eq(handler.session.span(), at.span()));
        }
    }
}
