//! From a request to its handler, and from the handler's outcome to the session's end.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use dify_plugin_protocol::error::{HANDLER_NOT_FOUND, HANDLER_PANICKED};
use dify_plugin_protocol::tool::request::{CredentialType, RuntimeParameters, ValidateResult};
use dify_plugin_protocol::{AccessType, Action, ErrorData};
use dify_plugin_session::{Payload, Request, SendError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::endpoint::{self, EndpointCall, Endpoints};
use crate::error::{Error, Result};
use crate::session::Session;
use crate::tool::{AnyTool, CheckCredentials, ToolContext, ToolOutput};
use crate::watchdog::Watched;

/// Everything the author has registered.
#[derive(Default)]
pub(crate) struct Handlers {
    pub(crate) providers: BTreeMap<String, Provider>,
    pub(crate) endpoints: Option<Endpoints>,
    pub(crate) end_delay: Duration,
}

/// One tool provider.
#[derive(Default)]
pub(crate) struct Provider {
    pub(crate) tools: BTreeMap<String, RegisteredTool>,
    pub(crate) check: Option<Arc<dyn CheckCredentials>>,
}

pub(crate) struct RegisteredTool {
    /// To name it by in warnings.
    pub(crate) handler: Arc<str>,
    pub(crate) tool: Arc<dyn AnyTool>,
}

/// A handler that was found, ready to run, and its name.
type Found = (Arc<str>, BoxFuture<'static, Result<()>>);

/// What a request for a tool says beside its type and action. Parameters and credentials stay raw: they are read once,
/// into the author's types.
#[derive(Deserialize)]
struct ToolRequest<'a> {
    #[serde(borrow)]
    provider: Cow<'a, str>,
    #[serde(borrow, default)]
    tool: Cow<'a, str>,
    #[serde(borrow, default)]
    tool_parameters: Option<&'a RawValue>,
    #[serde(borrow, default)]
    credentials: Option<&'a RawValue>,
    #[serde(default)]
    credential_type: Option<CredentialType>,
}

/// What a request for an endpoint says.
#[derive(Deserialize)]
struct EndpointRequest<'a> {
    #[serde(borrow)]
    raw_http_request: Cow<'a, str>,
    #[serde(borrow, default)]
    settings: Option<&'a RawValue>,
}

impl Handlers {
    /// Answers one request: runs its handler and ends its session, whatever happens.
    pub(crate) async fn answer(self: Arc<Self>, request: Request) {
        let (payload, responder) = request.into_parts();
        let session = Session::new(responder.session().clone());
        let transport = session.transport().clone();
        let found = self.find(session, &payload);
        // What was read of it lives on in the handler, and counts as long as that runs.
        let _held = payload.into_held();
        let (handler, running) = match found {
            Ok(found) => found,
            Err(error) => return note(responder.fail(error.into_data())),
        };
        let running = Watched::new(handler.clone(), AssertUnwindSafe(running).catch_unwind());
        let outcome = tokio::select! {
            biased;
            outcome = running => outcome,
            // The session was ended elsewhere, by its deadline or with the connection: nobody hears the handler.
            () = transport.ended() => return,
        };
        note(match outcome {
            Ok(Ok(())) => responder.finish(),
            Ok(Err(error)) => responder.fail(error.into_data()),
            Err(panic) => responder.fail(ErrorData::new(
                HANDLER_PANICKED,
                format!("the handler of {handler} panicked: {}", panic_text(&*panic)),
            )),
        });
    }

    fn find(&self, session: Session, payload: &Payload) -> Result<Found> {
        let transport = session.transport();
        match (transport.access_type(), transport.action()) {
            (AccessType::Tool, Action::InvokeTool) => {
                let request: ToolRequest<'_> = read(payload)?;
                let RegisteredTool { handler, tool } = self.tool(&request)?;
                let parameters = request.tool_parameters.map(RawValue::to_owned);
                let out = ToolOutput::new(session.clone());
                let cx = ToolContext::new(session, request.credentials, request.credential_type);
                Ok((handler.clone(), tool.clone().invoke(cx, parameters, out)))
            }
            (AccessType::Tool, Action::GetToolRuntimeParameters) => {
                let request: ToolRequest<'_> = read(payload)?;
                let RegisteredTool { handler, tool } = self.tool(&request)?;
                let cx = ToolContext::new(session.clone(), request.credentials, request.credential_type);
                let asked = tool.clone().runtime_parameters(cx);
                let answer = async move {
                    let parameters = asked.await?;
                    Ok(session
                        .transport()
                        .send(&RuntimeParameters { parameters, ..Default::default() })
                        .await?)
                };
                Ok((handler.clone(), Box::pin(answer)))
            }
            (AccessType::Tool, Action::ValidateToolCredentials) => {
                let request: ToolRequest<'_> = read(payload)?;
                let provider = self.provider(&request.provider)?;
                let check = provider.check.as_ref().ok_or_else(|| {
                    not_found(format!(
                        "the provider `{}` has no check of its credentials; the plugin must register one with \
                         `validate_credentials`",
                        request.provider
                    ))
                })?;
                let checked = check.check(session.clone(), request.credentials);
                let answer = async move {
                    checked.await?;
                    Ok(session.transport().send(&ValidateResult::valid()).await?)
                };
                Ok((format!("the credentials of {}", request.provider).into(), Box::pin(answer)))
            }
            (AccessType::Endpoint, Action::InvokeEndpoint) => {
                let endpoints = self
                    .endpoints
                    .as_ref()
                    .ok_or_else(|| not_found("this plugin has no endpoints".to_owned()))?;
                let request: EndpointRequest<'_> = read(payload)?;
                let call = EndpointCall::parse(&request.raw_http_request, request.settings)?;
                let handler = call.name();
                Ok((handler, endpoint::serve(endpoints, call, session, self.end_delay)))
            }
            (access_type, action) => Err(not_found(format!(
                "this plugin has no handler for type `{access_type}`, action `{action}`; it has {}",
                self.summary()
            ))),
        }
    }

    fn provider(&self, name: &str) -> Result<&Provider> {
        self.providers.get(name).ok_or_else(|| {
            not_found(format!(
                "this plugin has no tool provider `{name}`; it has {}",
                list(self.providers.keys())
            ))
        })
    }

    fn tool(&self, request: &ToolRequest<'_>) -> Result<&RegisteredTool> {
        let tools = &self.provider(&request.provider)?.tools;
        tools.get(&*request.tool).ok_or_else(|| {
            let (provider, tool) = (&request.provider, &request.tool);
            not_found(format!(
                "the provider `{provider}` has no tool `{tool}`; it has {}",
                list(tools.keys())
            ))
        })
    }

    /// What there is, for whoever asked for something else.
    fn summary(&self) -> String {
        let mut parts = Vec::new();
        if !self.providers.is_empty() {
            parts.push(format!("the tool providers {}", list(self.providers.keys())));
        }
        if self.endpoints.is_some() {
            parts.push("endpoints".to_owned());
        }
        if parts.is_empty() { "none at all".to_owned() } else { parts.join(" and ") }
    }
}

fn read<'a, T: Deserialize<'a>>(payload: &'a RawValue) -> Result<T> {
    serde_json::from_str(payload.get()).map_err(|error| Error::unreadable("the request", &error))
}

fn not_found(message: String) -> Error {
    Error::new(HANDLER_NOT_FOUND, message)
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "without a text"
    }
}

/// The session may have ended a moment before, by its deadline or with the connection.
fn note(ended: Result<(), SendError>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a handler came too late");
    }
}
