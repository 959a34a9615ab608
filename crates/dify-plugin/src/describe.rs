//! What a plugin says of itself when it is started with `DIFY_PLUGIN_DESCRIBE=1`, in place of serving: one line of JSON
//! that names its handlers and their parameters, for tools that hold it against the YAML.

mod asker;
mod object;
mod parameters;
mod problem;
mod sample;

use serde_json::{Map, Value};

use crate::kinds::Kinds;
pub(crate) use parameters::parameters;

/// The variable that asks for it.
pub(crate) const VARIABLE: &str = "DIFY_PLUGIN_DESCRIBE";

/// The version of the form. It rises when a reader of the version before would misread it; new fields don't raise it.
const VERSION: u32 = 1;

/// The description as one line, without its newline.
pub(crate) fn describe(kinds: &Kinds) -> String {
    let mut description = Map::from_iter([("dify_plugin_description".to_owned(), VERSION.into())]);
    for kind in kinds.iter() {
        kind.describe(&mut description);
    }
    Value::Object(description).to_string()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use crate::{NoParameters, Output, Plugin, Result, Session, Tool, ToolContext};

    struct Shout;

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only described")]
    struct ShoutParameters {
        text: String,
        times: Option<u32>,
    }

    impl Tool for Shout {
        type Parameters = ShoutParameters;

        async fn invoke(&self, _: &ToolContext, _: ShoutParameters, _: &mut Output) -> Result<()> {
            Ok(())
        }
    }

    struct Free;

    impl Tool for Free {
        type Parameters = serde_json::Value;

        async fn invoke(&self, _: &ToolContext, _: serde_json::Value, _: &mut Output) -> Result<()> {
            Ok(())
        }
    }

    struct Quiet;

    impl Tool for Quiet {
        type Parameters = NoParameters;

        async fn invoke(&self, _: &ToolContext, _: NoParameters, _: &mut Output) -> Result<()> {
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
            .tool_credentials("voice", check);
        assert_eq!(
            super::describe(&plugin.handlers.kinds),
            concat!(
                r#"{"dify_plugin_description":1,"endpoints":false,"tool_providers":["#,
                r#"{"check_credentials":false,"name":"other","tools":[{"name":"free","open":true}]},"#,
                r#"{"check_credentials":true,"name":"voice","tools":[{"name":"quiet","parameters":[]},"#,
                r#"{"name":"shout","parameters":[{"name":"text","required":true,"type":"string"},"#,
                r#"{"name":"times","required":false,"type":"number"}]}]}]}"#
            )
        );
    }
}
