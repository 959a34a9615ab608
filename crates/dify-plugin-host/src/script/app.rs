//! A scripted app, and how its events are played.

use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use futures_util::stream;
use serde_json::Value;

use crate::platform::PlatformError;

/// The answer of one app: events in order, pauses, and possibly a failure. A streaming call gets the events one by one; a
/// blocking call gets them combined into one object, or the one set with [`blocking`](Self::blocking).
///
/// In the strings of an event, `{query}` is replaced by the query of the call, and in a repeated event `{i}` by the number of
/// the repetition, from 0.
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

/// The events that end an answer. Without one of these a plugin reads the answer as broken off.
const ENDS: [&str; 4] = ["message_end", "workflow_finished", "workflow_paused", "error"];

#[derive(Debug, Clone)]
pub(super) enum Step {
    Wait(Duration),
    Events {
        event: Value,
        times: u64,
        /// The pause before each.
        delay: Duration,
    },
    Fail(String),
}

impl ScriptedApp {
    /// Creates an app without events: its stream just ends.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an app that refuses every call as Dify does: with an HTTP status, a code and a message.
    pub fn refusing(status: u16, code: &str, message: &str) -> Self {
        Self { refusal: Some(PlatformError::refused(status, code, message)), ..Self::default() }
    }

    /// Sends an event.
    pub fn event(self, event: Value) -> Self {
        self.repeat(1, Duration::ZERO, event)
    }

    /// Sends an event several times, with a pause before each.
    pub fn repeat(mut self, times: u64, delay: Duration, event: Value) -> Self {
        let name = event.get("event").and_then(Value::as_str);
        self.ends |= times > 0 && name.is_some_and(|name| ENDS.contains(&name));
        self.steps.push(Step::Events { event, times, delay });
        self
    }

    /// Pauses.
    pub fn wait(mut self, time: Duration) -> Self {
        self.steps.push(Step::Wait(time));
        self
    }

    /// Fails in mid-stream, as when Dify raises an error after its response began. Later steps are not played.
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

    /// Sets the reply to a blocking call. Default: the events combined into one object.
    pub fn blocking(mut self, answer: Value) -> Self {
        self.blocking = Some(answer);
        self
    }

    /// Sets the reply to `fetch_app`. Without it, such a call is refused as one of an unknown app.
    pub fn parameters(mut self, parameters: Value) -> Self {
        self.parameters = Some(parameters);
        self
    }
}

const QUERY: &str = "{query}";
const NUMBER: &str = "{i}";

/// Replaces the placeholders in an event's strings.
fn fill(event: &Value, query: &str, number: Option<u64>) -> Value {
    match event {
        Value::String(text) => {
            // The number first, because the query may contain `{i}`.
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
    /// How many repetitions of this step were sent.
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
