//! Tools as a kind of plugin: their providers, and the requests they answer.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use dify_plugin_protocol::tool::request::{CredentialType, RuntimeParameters, ValidateResult};
use dify_plugin_protocol::{AccessType, Action};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{AnyTool, ToolContext};
use crate::error::Result;
use crate::kind::{Handler, Incoming, Kind, list, not_found};
use crate::output::Output;
use crate::session::Session;

/// The name under which Dify expects a failed check, whatever the reason.
const CHECK_FAILED: &str = "ToolProviderCredentialValidationError";

/// A check of a provider's credentials without the type of the credentials.
pub(super) type Check = dyn Fn(Session) -> BoxFuture<'static, Result<()>> + Send + Sync;

/// The tool providers by name.
#[derive(Clone, Default)]
pub(crate) struct ToolKind {
    pub(super) providers: BTreeMap<String, Provider>,
}

#[derive(Clone, Default)]
pub(super) struct Provider {
    pub(super) tools: BTreeMap<String, RegisteredTool>,
    pub(super) check: Option<Arc<Check>>,
}

#[derive(Clone)]
pub(super) struct RegisteredTool {
    /// Names the tool in warnings.
    pub(super) name: Arc<str>,
    pub(super) tool: Arc<dyn AnyTool>,
}

/// The fields of all three requests. They borrow from the payload: parameters and credentials are read once, into the
/// author's types.
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

impl Kind for ToolKind {
    fn access_type(&self) -> AccessType {
        AccessType::Tool
    }

    fn actions(&self) -> &'static [Action] {
        &[Action::InvokeTool, Action::GetToolRuntimeParameters, Action::ValidateToolCredentials]
    }

    fn find(&self, incoming: Incoming<'_>) -> Result<Handler> {
        let request: ToolRequest<'_> = incoming.read()?;
        let provider = self.provider(&request.provider)?;
        let validates = *incoming.action() == Action::ValidateToolCredentials;
        let runs = *incoming.action() == Action::InvokeTool;
        let session = incoming.session.with_credentials(request.credentials);
        if validates {
            return provider.check(&request.provider, session);
        }
        let RegisteredTool { name, tool } = provider.tool(&request)?;
        let (name, tool) = (name.clone(), tool.clone());
        let cx = ToolContext::new(session.clone(), request.credential_type);
        if runs {
            let parameters = request.tool_parameters.map(RawValue::to_owned);
            return Ok(Handler::new(name, tool.invoke(cx, parameters, Output::new(&session))));
        }
        let parameters = tool.runtime_parameters(cx);
        Ok(Handler::returning(name, &session, async move {
            Ok(RuntimeParameters { parameters: parameters.await?, ..Default::default() })
        }))
    }

    fn summary(&self) -> Option<String> {
        (!self.providers.is_empty()).then(|| format!("the tool providers {}", list(self.providers.keys())))
    }

    fn describe(&self, description: &mut Map<String, Value>) {
        let providers = self.providers.iter().map(|(name, provider)| {
            let tools = provider.tools.iter();
            let tools: Vec<_> = tools.map(|(name, tool)| tool.tool.describe(name)).collect();
            json!({"name": name, "check_credentials": provider.check.is_some(), "tools": tools})
        });
        description.insert("tool_providers".to_owned(), providers.collect());
    }
}

impl ToolKind {
    fn provider(&self, name: &str) -> Result<&Provider> {
        self.providers.get(name).ok_or_else(|| {
            not_found(format!(
                "this plugin has no tool provider `{name}`; it has {}",
                list(self.providers.keys())
            ))
        })
    }
}

impl Provider {
    fn tool(&self, request: &ToolRequest<'_>) -> Result<&RegisteredTool> {
        self.tools.get(&*request.tool).ok_or_else(|| {
            not_found(format!(
                "the provider `{}` has no tool `{}`; it has {}",
                request.provider,
                request.tool,
                list(self.tools.keys())
            ))
        })
    }

    fn check(&self, name: &str, session: Session) -> Result<Handler> {
        let check = self.check.as_ref().ok_or_else(|| {
            not_found(format!(
                "the provider `{name}` has no check of its credentials; register one with `tool_credentials`"
            ))
        })?;
        let checked = check(session.clone());
        Ok(Handler::returning(format!("the credentials of {name}").into(), &session, async move {
            checked.await.map_err(|error| error.named(CHECK_FAILED))?;
            Ok(ValidateResult::valid())
        }))
    }
}
