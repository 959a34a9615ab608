//! {{description}}

use dify_plugin::schemars::{self, JsonSchema};
use dify_plugin::{Output, Plugin, Result, Tool, ToolContext};
use serde::Deserialize;

/// Returns the plugin with all its tools. The names are the same as in the YAML files.
pub fn plugin() -> Plugin {
    Plugin::new().tool("{{name}}", "hello", Hello)
}

/// Greets people.
struct Hello;

/// The parameters declared in `tools/hello.yaml`. Those that are not required there have a default or are an `Option`.
#[derive(Deserialize, JsonSchema)]
struct HelloParameters {
    name: String,
    #[serde(default)]
    tone: Tone,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Tone {
    #[default]
    Friendly,
    Formal,
}

impl Tool for Hello {
    type Parameters = HelloParameters;

    async fn invoke(
        &self,
        _cx: &ToolContext,
        p: HelloParameters,
        out: &mut Output,
    ) -> Result<()> {
        let greeting = match p.tone {
            Tone::Friendly => "Hello",
            Tone::Formal => "Good day",
        };
        out.text(format!("{greeting}, {}!", p.name)).await
    }
}
