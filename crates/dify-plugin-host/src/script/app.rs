//! One scripted app, and how its events are played.

use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use futures_util::stream;
use serde_json::Value;

use crate::platform::PlatformError;

/// What one app answers: events in order, waits between them, perhaps a failure. A streaming call gets the events as
/// they come; a blocking one gets them folded to one object, or what [`blocking`](Self::blocking) says.
///
/// In an event's strings `{query}` stands for the call's query, and in a repeated event `{i}` for the number of the
/// repetition, from 0.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ScriptedApp {
    pub(super) steps: Vec<Step>,
    pub(super) refusal: Option<PlatformError>,
    pub(super) blocking: Option<Value>,
    pub(super) parameters: Option<Value>,
    /// Whether one of the events ends an answer.
    ends: bool,
}

/// The events that end an answer; after none of these a plugin takes it for broken off.
const ENDS: [&str; 4] = ["message_end", "workflow_finished", "workflow_paused", "error"];

#[derive(Debug, Clone)]
pub(super) enum Step {
    Wait(Duration),
    Events {
        event: Value,
        times: u64,
        /// Before each.
        delay: Duration,
    },
    Fail(String),
}

impl ScriptedApp {
    /// An app that answers with no events at all: its stream just ends.
    pub fn new() -> Self {
        Self::default()
    }

    /// An app that refuses every call as Dify does: with an HTTP status, and a code and a message in the body.
    pub fn refusing(status: u16, code: &str, message: &str) -> Self {
        Self { refusal: Some(PlatformError::refused(status, code, message)), ..Self::default() }
    }

    /// Sends an event.
    pub fn event(self, event: Value) -> Self {
        self.repeat(1, Duration::ZERO, event)
    }

    /// Sends an event so many times, with a pause before each.
    pub fn repeat(mut self, times: u64, delay: Duration, event: Value) -> Self {
        let name = event.get("event").and_then(Value::as_str);
        self.ends |= times > 0 && name.is_some_and(|name| ENDS.contains(&name));
        self.steps.push(Step::Events { event, times, delay });
        self
    }

    /// Waits.
    pub fn wait(mut self, time: Duration) -> Self {
        self.steps.push(Step::Wait(time));
        self
    }

    /// Breaks off with an error, as when Dify fails while it answers; what follows is not played.
    pub fn fail(mut self, text: impl Into<String>) -> Self {
        self.steps.push(Step::Fail(text.into()));
        self
    }

    /// Whether a streaming call gets events but none that ends the answer, and no failure either.
    pub(super) fn stays_open(&self) -> bool {
        let has = |wanted: fn(&Step) -> bool| self.steps.iter().any(wanted);
        let (events, fails) =
            (has(|step| matches!(step, Step::Events { .. })), has(|step| matches!(step, Step::Fail(_))));
        self.refusal.is_none() && events && !fails && !self.ends
    }

    /// What a blocking call gets, instead of the events folded to one object.
    pub fn blocking(mut self, answer: Value) -> Self {
        self.blocking = Some(answer);
        self
    }

    /// What `fetch_app` gets. Without it the app is one that Dify doesn't know.
    pub fn parameters(mut self, parameters: Value) -> Self {
        self.parameters = Some(parameters);
        self
    }
}

const QUERY: &str = "{query}";
const NUMBER: &str = "{i}";

/// Fills in the places of an event's strings.
fn fill(event: &Value, query: &str, number: Option<u64>) -> Value {
    match event {
        Value::String(text) => {
            // The number first: a query may hold its placeholder.
            let text = match number {
                Some(number) => text.replace(NUMBER, &number.to_string()),
                None => text.clone(),
            };
            text.replace(QUERY, query).into()
        }
        Value::Array(items) => items.iter().map(|item| fill(item, query, number)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), fill(value, query, number))).collect()
        }
        other => other.clone(),
    }
}

/// Plays an app's steps for a call.
pub(super) fn play(
    app: Arc<ScriptedApp>,
    query: &str,
) -> impl Stream<Item = Result<Value, PlatformError>> + use<> {
    let start = Position { app, query: query.to_owned(), step: 0, sent: 0 };
    stream::unfold(start, |mut position| async move {
        let event = position.next().await?;
        Some((event, position))
    })
}

struct Position {
    app: Arc<ScriptedApp>,
    query: String,
    step: usize,
    /// Repetitions of this step that were sent.
    sent: u64,
}

impl Position {
    async fn next(&mut self) -> Option<Result<Value, PlatformError>> {
        if let Some(refusal) = &self.app.refusal {
            return (self.step == 0).then(|| {
                self.step = usize::MAX;
                Err(refusal.clone())
            });
        }
        loop {
            match self.app.steps.get(self.step)? {
                Step::Wait(time) => tokio::time::sleep(*time).await,
                Step::Events { event, times, delay } if self.sent < *times => {
                    if !delay.is_zero() {
                        tokio::time::sleep(*delay).await;
                    }
                    let number = (*times > 1).then_some(self.sent);
                    self.sent += 1;
                    return Some(Ok(fill(event, &self.query, number)));
                }
                Step::Events { .. } => self.sent = 0,
                Step::Fail(text) => {
                    let error = PlatformError::Failed(text.clone());
                    self.step = usize::MAX;
                    return Some(Err(error));
                }
            }
            self.step += 1;
        }
    }
}
