//! Dify's own blocking mode: one object, when the app is done.

use dify_plugin_protocol::app::event::ErrorEvent;
use dify_plugin_protocol::app::metadata::RunStatus;
use dify_plugin_protocol::app::result::AppResult;

use crate::answer::{AnyAnswer, ChatAnswer, CompletionAnswer, Outcome, Run};
use crate::error::{AppError, Received};
use crate::interface::AppKind;

/// What the object says of the call.
pub(crate) fn judge(
    json: &str,
    received: Box<Received>,
    called_as: AppKind,
) -> Result<Outcome<AnyAnswer>, AppError> {
    let result = match AppResult::parse(json) {
        Ok(result) => result,
        Err(error) => return Err(AppError::Unreadable { reason: error.to_string(), received }),
    };
    let answer = match result {
        AppResult::Chat(result) => AnyAnswer::Chat(result.into()),
        AppResult::Completion(result) => {
            let told = result.mode.is_some();
            let answer = CompletionAnswer::from(result);
            match called_as {
                // Nothing speaks for a Text Generator but what is missing.
                AppKind::Chat if !told => AnyAnswer::Chat(ChatAnswer::from(answer)),
                _ => AnyAnswer::Completion(answer),
            }
        }
        AppResult::ChatPaused(result) => return Ok(Outcome::Paused(Box::new(result.into()))),
        AppResult::Workflow(result) => {
            if result.data.as_ref().is_some_and(|run| run.status == Some(RunStatus::Paused)) {
                return Ok(Outcome::Paused(Box::new(result.into())));
            }
            let run = Run::from(result);
            if run.is_failure() {
                let received = Box::new(Received {
                    found: Some(AppKind::Workflow),
                    task_id: run.task_id.clone(),
                    workflow_run_id: run.workflow_run_id.clone(),
                    ..*received
                });
                return Err(AppError::RunFailed { run: Box::new(run), reported: None, received });
            }
            AnyAnswer::Workflow(run)
        }
        AppResult::MaintenancePaused(result) => {
            let received = Box::new(Received {
                task_id: result.0.task_id,
                workflow_run_id: result.0.workflow_run_id,
                ..*received
            });
            return Err(AppError::Unfinished { received });
        }
        _ => return Err(unknown(json, received)),
    };
    Ok(Outcome::Finished(answer))
}

/// An object that is no result: an `error` event, or nothing we know.
fn unknown(json: &str, received: Box<Received>) -> AppError {
    #[derive(serde::Deserialize)]
    struct Name {
        event: Option<String>,
    }
    let name = serde_json::from_str::<Name>(json).ok().and_then(|name| name.event);
    if name.as_deref() == Some("error")
        && let Ok(error) = serde_json::from_str::<ErrorEvent>(json)
    {
        return AppError::Reported { error: Box::new(error), received };
    }
    let reason = "neither the result of a chat, a workflow nor a completion app".to_owned();
    AppError::Unreadable { reason, received }
}
