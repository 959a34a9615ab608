//! What a plugin says of itself when it is started with `DIFY_PLUGIN_DESCRIBE=1`, in place of serving: one line of JSON
//! that names its handlers and their parameters, for tools that hold it against the YAML.

mod asker;
mod object;
mod parameters;
mod problem;
mod sample;

use serde::Serialize;

use crate::dispatch::Handlers;
pub(crate) use parameters::{Parameters, parameters};

/// The variable that asks for it.
pub(crate) const VARIABLE: &str = "DIFY_PLUGIN_DESCRIBE";

/// The version of the form. It rises when a reader of the one before would misread it; new fields don't raise it.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Description<'a> {
    dify_plugin_description: u32,
    providers: Vec<Provider<'a>>,
    endpoints: bool,
}

#[derive(Serialize)]
struct Provider<'a> {
    name: &'a str,
    check_credentials: bool,
    tools: Vec<Tool<'a>>,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    #[serde(flatten)]
    parameters: Parameters,
}

/// The description as one line, without its newline.
pub(crate) fn describe(handlers: &Handlers) -> serde_json::Result<String> {
    let providers = handlers.providers.iter().map(|(name, provider)| {
        let tools = provider.tools.iter();
        let tools = tools.map(|(name, registered)| Tool { name, parameters: registered.tool.describe() });
        Provider { name, check_credentials: provider.check.is_some(), tools: tools.collect() }
    });
    serde_json::to_string(&Description {
        dify_plugin_description: VERSION,
        providers: providers.collect(),
        endpoints: handlers.endpoints.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use crate::{NoParameters, Plugin, Result, Session, Tool, ToolContext, ToolOutput};

    struct Shout;

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only described")]
    struct ShoutParameters {
        text: String,
        times: Option<u32>,
    }

    impl Tool for Shout {
        type Parameters = ShoutParameters;

        async fn invoke(&self, _: &ToolContext, _: ShoutParameters, _: &mut ToolOutput) -> Result<()> {
            Ok(())
        }
    }

    struct Free;

    impl Tool for Free {
        type Parameters = serde_json::Value;

        async fn invoke(&self, _: &ToolContext, _: serde_json::Value, _: &mut ToolOutput) -> Result<()> {
            Ok(())
        }
    }

    struct Quiet;

    impl Tool for Quiet {
        type Parameters = NoParameters;

        async fn invoke(&self, _: &ToolContext, _: NoParameters, _: &mut ToolOutput) -> Result<()> {
            Ok(())
        }
    }

    async fn check(_: Session, _: NoParameters) -> Result<()> {
        Ok(())
    }

    #[test]
    fn a_plugin_is_described_in_one_line() {
        let plugin = Plugin::new()
            .tool("voice", "shout", Shout)
            .tool("voice", "quiet", Quiet)
            .tool("other", "free", Free)
            .validate_credentials("voice", check);
        assert_eq!(
            super::describe(&plugin.handlers).unwrap(),
            concat!(
                r#"{"dify_plugin_description":1,"providers":["#,
                r#"{"name":"other","check_credentials":false,"tools":[{"name":"free","open":true}]},"#,
                r#"{"name":"voice","check_credentials":true,"tools":[{"name":"quiet","parameters":[]},"#,
                r#"{"name":"shout","parameters":[{"name":"text","type":"string","required":true},"#,
                r#"{"name":"times","type":"number","required":false}]}]}],"endpoints":false}"#
            )
        );
    }
}
