//! Combines an app's events into the one object that a blocking call gets.

use std::sync::Arc;

use futures_util::{TryStreamExt, pin_mut};
use serde_json::{Map, Value, json};

use super::app::{self, ScriptedApp};
use crate::platform::{PlatformError, Reply};

/// Returns the reply to a blocking call, after the pauses of the events.
pub(super) async fn answer(app: Arc<ScriptedApp>, query: String) -> Result<Reply, PlatformError> {
    if let (None, Some(answer)) = (&app.refusal, &app.blocking) {
        return Ok(Reply::from(answer));
    }
    let events = app::play(app, &query);
    pin_mut!(events);
    let mut fold = Fold::default();
    while let Some(event) = events.try_next().await? {
        fold.take(&event)?;
    }
    Ok(Reply::from(fold.finish()))
}

/// What the events so far contain.
#[derive(Default)]
struct Fold {
    answer: Option<String>,
    /// The ids and the time, which every event of a message repeats.
    message: Map<String, Value>,
    metadata: Option<Value>,
    workflow_run_id: Option<Value>,
    task_id: Option<Value>,
    finished: Option<Value>,
}

impl Fold {
    fn take(&mut self, event: &Value) -> Result<(), PlatformError> {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("event") {
            "message" => self.answer.get_or_insert_default().push_str(text("answer")),
            "message_replace" => self.answer = Some(text("answer").to_owned()),
            "message_end" => self.metadata = event.get("metadata").cloned(),
            "workflow_finished" => {
                self.workflow_run_id = event.get("workflow_run_id").cloned();
                self.finished = event.get("data").cloned();
            }
            "agent_message" | "agent_thought" => {
                let message = "Agent Chat App does not support blocking mode";
                return Err(PlatformError::refused(400, "invalid_param", message));
            }
            "error" => {
                let status = event.get("status").and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
                return Err(PlatformError::refused(status.unwrap_or(400), text("code"), text("message")));
            }
            _ => return Ok(()),
        }
        if let Some(task_id) = event.get("task_id") {
            self.task_id = Some(task_id.clone());
        }
        for name in ["id", "message_id", "conversation_id", "created_at"] {
            if let Some(value) = event.get(name) {
                self.message.insert(name.to_owned(), value.clone());
            }
        }
        Ok(())
    }

    fn finish(self) -> Value {
        let task_id = self.task_id.unwrap_or_else(|| "".into());
        if let (None, Some(data)) = (&self.answer, &self.finished) {
            // Dify's object for a workflow has no `event`.
            return json!({"task_id": task_id, "workflow_run_id": self.workflow_run_id, "data": data});
        }
        let mode = match (&self.finished, self.message.contains_key("conversation_id")) {
            (Some(_), _) => "advanced-chat",
            (None, true) => "chat",
            (None, false) => "completion",
        };
        let mut answer = self.message;
        answer.insert("event".to_owned(), "message".into());
        answer.insert("task_id".to_owned(), task_id);
        answer.insert("mode".to_owned(), mode.into());
        answer.insert("answer".to_owned(), self.answer.unwrap_or_default().into());
        answer.insert("metadata".to_owned(), self.metadata.unwrap_or_else(|| json!({})));
        Value::Object(answer)
    }
}
