//! Reading the reply to a call in blocking mode.

use dify_plugin_protocol::app::event::AppEvent;
use dify_plugin_protocol::app::metadata::RunStatus;
use dify_plugin_protocol::app::result::{AppResult, WorkflowResult};

use crate::answer::{AnyAnswer, Pause, Run};
use crate::error::{AppError, Received};
use crate::kind::AppKind;
use crate::outcome::Outcome;

/// Turns the reply into an outcome or an error.
pub(crate) fn judge(
    json: &str,
    received: Box<Received>,
    called_as: AppKind,
) -> Result<Outcome<AnyAnswer>, AppError> {
    let result = match AppResult::parse(json) {
        Ok(result) => result,
        Err(error) => return Err(AppError::Unreadable { reason: error.to_string(), received }),
    };
    Ok(Outcome::Finished(match result {
        AppResult::Chat(result) => AnyAnswer::Chat(result.into()),
        // Without a mode, a reply is taken for a Text Generator's only because fields are missing. The interface through
        // which the app was called is the better sign.
        AppResult::Completion(result) if called_as == AppKind::Chat && result.mode.is_none() => {
            AnyAnswer::Chat(result.into())
        }
        AppResult::Completion(result) => AnyAnswer::Completion(result.into()),
        AppResult::ChatPaused(result) => {
            return Ok(Outcome::Paused(Box::new(Pause {
                text: result.answer.unwrap_or_default(),
                conversation_id: result.conversation_id,
                message_id: result.message_id.or(result.id),
                ..Pause::new(result.data, result.workflow_run_id, result.task_id)
            })));
        }
        AppResult::Workflow(WorkflowResult { data, workflow_run_id, task_id, .. }) => {
            if data.as_ref().is_some_and(|run| run.status == Some(RunStatus::Paused)) {
                return Ok(Outcome::Paused(Box::new(Pause::new(data, workflow_run_id, task_id))));
            }
            let run = Run::new(data, workflow_run_id, task_id);
            if run.is_failure() {
                let (task_id, workflow_run_id) = (run.task_id.clone(), run.workflow_run_id.clone());
                let found = Some(AppKind::Workflow);
                let received = Box::new(Received { found, task_id, workflow_run_id, ..*received });
                return Err(AppError::RunFailed { run: Box::new(run), reported: None, received });
            }
            AnyAnswer::Workflow(run)
        }
        AppResult::MaintenancePaused(result) => {
            let (task_id, workflow_run_id) = (result.0.task_id, result.0.workflow_run_id);
            let received = Box::new(Received { task_id, workflow_run_id, ..*received });
            return Err(AppError::Unfinished { received });
        }
        _ => return Err(unknown(json, received)),
    }))
}

/// Turns an unknown reply into an error: an `error` event, or something new.
fn unknown(json: &str, received: Box<Received>) -> AppError {
    if let Ok(AppEvent::Error(error)) = AppEvent::parse(json) {
        return AppError::Reported { error: Box::new(error), received };
    }
    let reason = "it is not the reply of a chat app, a workflow or a text generator".to_owned();
    AppError::Unreadable { reason, received }
}
