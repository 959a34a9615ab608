//! The same cases through our own host.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dify_plugin_host::{
    EndpointError, Host, HostConfig, OpenSession, Platform, PlatformError, PluginCommand, Reply, ReverseCall,
    SessionFailure, ToolMessages,
};
use dify_plugin_manifest::Plugin;
use dify_plugin_protocol::{AccessType, Action};
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::{Map, Value, json};

use crate::cases::{Answer, CASES, Case, Request};
use crate::transcript::Transcript;
use crate::{Error, Subject};

/// Returns what the host passes on for each case, as a transcript without reverse calls.
pub(crate) fn run(subject: &Subject) -> Result<Vec<Value>, Error> {
    tokio::runtime::Runtime::new()?.block_on(run_all(subject))
}

async fn run_all(subject: &Subject) -> Result<Vec<Value>, Error> {
    let plugin = Plugin::read(&subject.folder)?;
    let mut command = PluginCommand::new(&subject.program)
        .current_dir(&subject.folder)
        .permission(plugin.manifest.resource.permission.clone())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("MAX_INVOCATION_TIMEOUT", "60");
    for argument in subject.arguments {
        command = command.arg(argument);
    }
    let app = Arc::new(Mutex::new(&[][..]));
    let host = Host::start(command, HostConfig::default(), platform(app.clone(), subject.latency)).await?;
    let mut answers = Vec::new();
    for case in &CASES {
        *app.lock().unwrap_or_else(PoisonError::into_inner) = case.app;
        answers.push(Transcript::new(ask(&host, case).await?)?.as_answers());
    }
    host.shutdown().await;
    Ok(answers)
}

/// Answers every call with the replies of the current case.
fn platform(app: Arc<Mutex<&'static [Answer]>>, latency: Duration) -> impl Platform {
    move |_: ReverseCall| {
        let answers = *app.lock().unwrap_or_else(PoisonError::into_inner);
        let items = answers.iter().map(|answer| match answer {
            Answer::Event(event) => serde_json::from_str::<Value>(event)
                .map(Reply::from)
                .map_err(|error| PlatformError::Other(error.to_string())),
            Answer::Refusal(text) => Err(PlatformError::Other((*text).to_owned())),
        });
        late(latency).map(|()| stream::iter(items)).flatten_stream().boxed()
    }
}

fn late(latency: Duration) -> impl Future<Output = ()> {
    tokio::time::sleep(latency)
}

async fn ask(host: &Host, case: &Case) -> Result<Vec<Value>, Error> {
    match &case.request {
        Request::Tool(tool, parameters) => {
            let parameters: Map<String, Value> = serde_json::from_str(parameters)?;
            tool_messages(host.invoke_tool("bench", tool, parameters, Map::new()).await?).await
        }
        Request::Endpoint(method, path) => response(host, method, path).await,
        Request::Credentials => {
            let payload = Map::from_iter([
                ("provider".to_owned(), "bench".into()),
                ("credentials".to_owned(), json!({})),
            ]);
            let session = OpenSession::new(AccessType::Tool, Action::ValidateToolCredentials, payload);
            let mut answers = host.open(session).await?;
            let mut messages = Vec::new();
            while let Some(answer) = answers.next().await {
                messages.push(match answer {
                    Ok(answer) => {
                        json!({"type": "stream", "data": serde_json::from_str::<Value>(answer.get())?})
                    }
                    Err(failure) => failed(failure)?,
                });
            }
            Ok(messages)
        }
    }
}

async fn tool_messages(mut answers: ToolMessages) -> Result<Vec<Value>, Error> {
    let mut messages = Vec::new();
    while let Some(answer) = answers.next().await {
        messages.push(match answer {
            Ok(message) => json!({"type": "stream", "data": message}),
            Err(failure) => failed(failure)?,
        });
    }
    Ok(messages)
}

/// Returns a plugin's own error as its session message. An error of the host is not a response.
fn failed(failure: SessionFailure) -> Result<Value, Error> {
    match failure {
        SessionFailure::Plugin(error) => Ok(json!({"type": "error", "data": error})),
        other => Err(other.into()),
    }
}

async fn response(host: &Host, method: &str, path: &str) -> Result<Vec<Value>, Error> {
    let request =
        http::Request::builder().method(method).uri(path).header("Accept", "*/*").body(Vec::new().into())?;
    let (head, mut body) = match host.invoke_endpoint(request, "h-1", Map::new()).await {
        Ok(response) => response.into_parts(),
        Err(EndpointError::Failed(failure)) => return Ok(vec![failed(failure)?]),
        Err(error) => return Err(error.into()),
    };
    let mut headers = Map::new();
    for (name, value) in &head.headers {
        headers.insert(name.to_string(), value.to_str()?.into());
    }
    let mut messages =
        vec![json!({"type": "stream", "data": {"status": head.status.as_u16(), "headers": headers}})];
    let mut pieces = Vec::new();
    while let Some(piece) = body.next().await {
        match piece {
            Ok(piece) => pieces.extend_from_slice(&piece),
            Err(failure) => messages.push(failed(failure)?),
        }
    }
    let hex: String = pieces.iter().map(|byte| format!("{byte:02x}")).collect();
    messages.push(json!({"type": "stream", "data": {"result": hex}}));
    Ok(messages)
}
