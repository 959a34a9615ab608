//! {{description}}

use dify_plugin::{Plugin, Result, Tool, ToolContext, Output};
use serde::Deserialize;

/// The plugin, with everything it can do. The names are those of the YAML.
pub fn plugin() -> Plugin {
    Plugin::new().tool("{{name}}", "hello", Hello)
}

/// Greets people.
struct Hello;

/// What `tools/hello.yaml` declares. What isn't required there is an `Option` or has a default.
#[derive(Deserialize)]
struct HelloParameters {
    name: String,
    #[serde(default)]
    tone: Tone,
}

#[derive(Default, Deserialize)]
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
