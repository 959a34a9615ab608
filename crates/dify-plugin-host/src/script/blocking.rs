//! An app's events folded to the one object that a blocking call gets.

use std::sync::Arc;

use futures_util::{TryStreamExt, pin_mut};
use serde_json::{Map, Value, json};

use super::app::{self, ScriptedApp};
use crate::platform::{PlatformError, Reply};

/// What a blocking call gets, after the time that the events take.
pub(super) async fn answer(app: Arc<ScriptedApp>, query: String) -> Result<Reply, PlatformError> {
    if let (None, Some(answer)) = (&app.refusal, &app.blocking) {
        return Ok(Reply::from(answer));
    }
    let events = app::play(app, &query);
    pin_mut!(events);
    let mut fold = Fold::default();
    while let Some(Reply(json)) = events.try_next().await? {
        // A template holds an object, and what is put into it stays inside its strings.
        let event: Map<String, Value> = serde_json::from_slice(&json).unwrap_or_default();
        fold.take(&event)?;
    }
    Ok(Reply::from(fold.finish()))
}

/// What was found in the events so far.
#[derive(Default)]
struct Fold {
    answer: Option<String>,
    /// The ids and the time that every event of a message repeats.
    message: Map<String, Value>,
    metadata: Option<Value>,
    workflow_run_id: Option<Value>,
    task_id: Option<Value>,
    finished: Option<Value>,
}

impl Fold {
    fn take(&mut self, event: &Map<String, Value>) -> Result<(), PlatformError> {
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
            // Dify's answer of a workflow has no `event`.
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn folded(app: ScriptedApp) -> Result<Value, PlatformError> {
        answer(Arc::new(app), "q".to_owned()).await.map(|Reply(json)| serde_json::from_slice(&json).unwrap())
    }

    #[tokio::test]
    async fn a_chat_becomes_one_message_and_a_workflow_its_outputs() {
        let chat = ScriptedApp::new()
            .event(json!({"event": "message", "answer": "he", "conversation_id": "c", "task_id": "t"}))
            .event(json!({"event": "message", "answer": "llo {query}"}))
            .event(json!({"event": "message_end", "metadata": {"x": 1}}));
        assert_eq!(
            folded(chat).await.unwrap(),
            json!({"event": "message", "answer": "hello q", "conversation_id": "c", "task_id": "t", "mode": "chat", "metadata": {"x": 1}})
        );
        let data = json!({"status": "succeeded", "outputs": {"a": 1}});
        let workflow = ScriptedApp::new().event(json!({"event": "workflow_started"})).event(
            json!({"event": "workflow_finished", "workflow_run_id": "w", "task_id": "t", "data": data}),
        );
        assert_eq!(
            folded(workflow).await.unwrap(),
            json!({"task_id": "t", "workflow_run_id": "w", "data": data})
        );
    }

    #[tokio::test]
    async fn what_dify_refuses_in_blocking_mode_is_refused() {
        let agent = ScriptedApp::new().event(json!({"event": "agent_message", "answer": "a"}));
        assert!(matches!(folded(agent).await, Err(PlatformError::Refused { status: 400, .. })));
        let failing = ScriptedApp::new()
            .event(json!({"event": "message", "answer": "a"}))
            .event(json!({"event": "error", "code": "c", "status": 418, "message": "m"}));
        assert_eq!(folded(failing).await, Err(PlatformError::refused(418, "c", "m")));
        let own = ScriptedApp::new().fail("never").blocking(json!({"answer": "own"}));
        assert_eq!(folded(own).await.unwrap(), json!({"answer": "own"}));
    }
}
