//! A call of a tool.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use dify_plugin_host::Host;
use dify_plugin_manifest::Plugin;
use serde_json::{Map, Value};

use super::render::{self, File, Rendered};
use crate::assignment::Assignment;
use crate::console::Console;
use crate::declared;
use crate::error::{Context, Error};
use crate::humanize::count;
use crate::output::Output;

/// Invoke a tool
#[derive(Debug, Args)]
pub(super) struct ToolArgs {
    /// Tool to invoke
    #[arg(value_name = "PROVIDER/TOOL")]
    name: String,

    /// Parameter, as name=value, read as the declared type, or as name:=json; repeat it for several
    #[arg(long = "param", value_name = "NAME=VALUE")]
    parameters: Vec<Assignment>,

    /// Credential of the provider, as name=value or name:=json; repeat it for several
    #[arg(long = "credential", value_name = "NAME=VALUE")]
    credentials: Vec<Assignment>,

    /// Folder to save files in that the tool sends
    #[arg(long, value_name = "DIR", conflicts_with = "json")]
    output_dir: Option<PathBuf>,
}

/// A tool, and the arguments for it.
pub(super) struct ToolCall {
    provider: String,
    tool: String,
    parameters: Map<String, Value>,
    credentials: Map<String, Value>,
    output_dir: Option<PathBuf>,
}

impl ToolCall {
    /// Finds the tool and converts the arguments to their declared types.
    pub(super) fn new(args: &ToolArgs, plugin: &Plugin, console: &Console) -> Result<Self, Error> {
        let (provider, tool) = declared::find_tool(plugin, &args.name)?;
        let parameters = declared::fill("--param", &declared::parameters(tool), &args.parameters)?;
        let credentials =
            declared::fill("--credential", &declared::credentials(provider), &args.credentials)?;
        for warning in parameters.warnings.iter().chain(&credentials.warnings) {
            console.warning(warning);
        }
        Ok(Self {
            provider: provider.identity.name.clone(),
            tool: tool.identity.name.clone(),
            parameters: parameters.values,
            credentials: credentials.values,
            output_dir: args.output_dir.clone(),
        })
    }

    pub(super) fn title(&self) -> String {
        format!("tool {}/{}", self.provider, self.tool)
    }

    /// Invokes the tool and writes its messages to `output`.
    pub(super) async fn send(
        &self,
        host: &Host,
        json: bool,
        output: &mut Output<'_>,
    ) -> Result<String, Error> {
        let (parameters, credentials) = (self.parameters.clone(), self.credentials.clone());
        let messages = host.invoke_tool(&self.provider, &self.tool, parameters, credentials).await;
        let mut messages = messages.context("cannot call the plugin")?;
        if !json {
            messages = messages.join_blobs();
        }
        let mut number = 0;
        while let Some(message) = messages.next().await {
            let message = message?;
            number += 1;
            if json {
                output.line(&render::raw(&message))?;
                continue;
            }
            match render::render(&message, output.is_terminal) {
                Rendered::Text(text) => output.write(text.as_bytes())?,
                Rendered::Line(line) => output.line(&line)?,
                Rendered::Aside(verb, text) => output.aside(verb, &text),
                Rendered::File(file) => {
                    let saved = self.save(&file, number)?;
                    output.line(&format!("{}{saved}", file.describe()))?;
                }
            }
        }
        Ok(count(number, "message"))
    }

    /// Saves a file if the user asked for that, and returns where.
    fn save(&self, file: &File, number: usize) -> Result<String, Error> {
        let Some(dir) = &self.output_dir else { return Ok(String::new()) };
        let path = dir.join(file.safe_name(number));
        let saved = fs::create_dir_all(dir).and_then(|()| fs::write(&path, &file.bytes));
        saved.context(format!("cannot write `{}`", path.display()))?;
        Ok(format!(", saved as {}", path.display()))
    }
}
