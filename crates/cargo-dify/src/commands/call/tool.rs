//! A call of a tool.

use std::fs;
use std::path::PathBuf;

use dify_plugin_host::Host;
use dify_plugin_manifest::Plugin;
use serde_json::{Map, Value};

use crate::args::ToolCall;
use crate::commands::call::count;
use crate::commands::call::render::{self, File, Rendered};
use crate::console::Console;
use crate::declared;
use crate::error::Error;
use crate::output::Output;

/// A tool, and what it is to be called with.
pub(crate) struct ToolQuestion {
    provider: String,
    tool: String,
    parameters: Map<String, Value>,
    credentials: Map<String, Value>,
    output_dir: Option<PathBuf>,
}

impl ToolQuestion {
    /// Finds the tool and gives the parameters their types.
    pub(crate) fn new(call: &ToolCall, plugin: &Plugin, console: &Console) -> Result<Self, Error> {
        let (provider, tool) = declared::find_tool(plugin, &call.name)?;
        let parameters = declared::fill("--param", &declared::parameters(tool), &call.parameters)?;
        let credentials =
            declared::fill("--credential", &declared::credentials(provider), &call.credentials)?;
        for warning in parameters.warnings.iter().chain(&credentials.warnings) {
            console.warning(warning);
        }
        Ok(Self {
            provider: provider.identity.name.clone(),
            tool: tool.identity.name.clone(),
            parameters: parameters.values,
            credentials: credentials.values,
            output_dir: call.output_dir.clone(),
        })
    }

    pub(crate) fn title(&self) -> String {
        format!("tool {}/{}", self.provider, self.tool)
    }

    pub(crate) async fn ask(
        &self,
        host: &Host,
        json: bool,
        output: &mut Output<'_>,
    ) -> Result<String, Error> {
        let (parameters, credentials) = (self.parameters.clone(), self.credentials.clone());
        let answers = host.invoke_tool(&self.provider, &self.tool, parameters, credentials).await;
        let mut answers = answers.map_err(Error::Ask)?;
        if !json {
            answers = answers.join_blobs();
        }
        let mut messages = 0;
        while let Some(message) = answers.next().await {
            let message = message.map_err(Error::from_session)?;
            messages += 1;
            if json {
                output.line(&render::raw(&message))?;
                continue;
            }
            match render::render(&message, output.terminal) {
                Rendered::Text(text) => output.write(text.as_bytes())?,
                Rendered::Line(line) => output.line(&line)?,
                Rendered::Aside(verb, text) => output.aside(verb, &text),
                Rendered::File(file) => {
                    let saved = self.save(&file, messages)?;
                    output.line(&format!("{}{saved}", file.describe()))?;
                }
            }
        }
        Ok(count(messages, "message"))
    }

    /// Saves a file where that was asked for, and says where.
    fn save(&self, file: &File, number: usize) -> Result<String, Error> {
        let Some(dir) = &self.output_dir else { return Ok(String::new()) };
        let path = dir.join(file.safe_name(number));
        fs::create_dir_all(dir)
            .and_then(|()| fs::write(&path, &file.bytes))
            .map_err(|source| Error::Save { file: path.clone(), source })?;
        Ok(format!(", saved as {}", path.display()))
    }
}
