//! Whether the declarations are what the code registers.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use dify_plugin_manifest::{
    Checked, Finding, Location, ParameterType, Plugin, Severity, Tool, ToolParameter,
};
use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;
use crate::keys;

use super::schema::{Schema, Taken};

/// What a plugin says of itself when it is started with `DIFY_PLUGIN_DESCRIBE=1`.
#[derive(Debug, Deserialize)]
pub(super) struct Description {
    #[serde(rename = "dify_plugin_description")]
    version: u32,
    #[serde(default)]
    tool_providers: Vec<DescribedProvider>,
    #[serde(default)]
    endpoints: bool,
}

#[derive(Debug, Deserialize)]
struct DescribedProvider {
    name: String,
    #[serde(default)]
    tools: Vec<DescribedTool>,
}

#[derive(Debug, Deserialize)]
struct DescribedTool {
    name: String,
    /// The JSON schema of its parameters.
    parameters: Value,
}

/// How long a plugin may take to describe itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest description that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// The form of descriptions that is understood.
const VERSION: u32 = 2;

/// The plugin did not describe itself.
pub(super) fn no_description(cause: io::Error) -> Error {
    Error::new("the plugin does not describe itself").caused_by(cause).with_help(
        "does `main` end in `Plugin::new()….run()`, with a dify-plugin as recent as cargo-dify? use --no-build to check only \
         the declarations",
    )
}

/// Starts the binary for its description. That of a package is a stranger's: it gets nothing of our environment.
///
/// # Errors
/// If it can't be started, says something else, or hasn't ended in time.
pub(super) fn describe(binary: &Path, root: &Path, stranger: bool) -> Result<Description, Error> {
    let binary = std::path::absolute(binary).map_err(no_description)?;
    let mut command = Command::new(binary);
    if stranger {
        command.env_clear();
    }
    command.env_remove(keys::VARIABLE).env("DIFY_PLUGIN_DESCRIBE", "1");
    let mut child = command
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(no_description)?;
    let stdout = child.stdout.take();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let said = stdout.map_or(Ok(String::new()), |stdout| io::read_to_string(stdout.take(MAX_BYTES)));
        // Nobody listens any more once the time is over.
        let _ = sender.send(said);
    });
    let said = receiver.recv_timeout(PATIENCE);
    // It has said what it was asked for; what it does besides is not waited for.
    let ended = child.try_wait();
    if !matches!(ended, Ok(Some(_))) {
        let _ = child.kill();
        let _ = child.wait();
    }
    let other = |problem: String| no_description(io::Error::other(problem));
    let said = said
        .map_err(|_| other(format!("it runs on for {} s instead of describing itself", PATIENCE.as_secs())))?
        .map_err(no_description)?;
    let line = said.lines().next_back().unwrap_or_default();
    let description: Description = serde_json::from_str(line)
        .map_err(|error| other(format!("it doesn't write a description: {error}")))?;
    if description.version != VERSION {
        return Err(other(format!(
            "its description is of version {}, this is for {VERSION}",
            description.version
        )));
    }
    Ok(description)
}

/// What is declared and not registered, and the other way round, and what is of another type.
pub(super) fn compare(plugin: &Plugin, checked: &Checked, described: &Description) -> Vec<Finding> {
    let mut findings = Vec::new();
    let in_manifest = || Location::new("manifest.yaml", 1, 1);
    let mut known = Vec::new();
    if let Some(provider) = &plugin.tool_provider {
        let provider_name = &*provider.identity.name;
        let registered = described.tool_providers.iter().find(|described| described.name == provider_name);
        for tool in &provider.tools {
            let name = &*tool.identity.name;
            known.push((provider_name, name));
            let at = checked.tool(name).cloned().unwrap_or_else(in_manifest);
            match registered
                .and_then(|provider| provider.tools.iter().find(|described| described.name == name))
            {
                Some(described) => parameters(tool, described, &at, checked, &mut findings),
                None => findings.push(Finding::new(
                    Severity::Refused,
                    "no-handler",
                    at,
                    format!("the code has no tool `{provider_name}/{name}`: every call of it fails"),
                    format!(
                        "add `.tool({provider_name:?}, {name:?}, …)` to the plugin, or remove the declaration"
                    ),
                )),
            }
        }
    }
    for provider in &described.tool_providers {
        for tool in &provider.tools {
            if !known.contains(&(&*provider.name, &*tool.name)) {
                findings.push(Finding::new(
                    Severity::Misread,
                    "undeclared-tool",
                    in_manifest(),
                    format!(
                        "the code has a tool `{}/{}` that isn't declared, and that nobody can call",
                        provider.name, tool.name
                    ),
                    "declare it in a YAML file of its own, which the provider's file names under `tools`"
                        .to_owned(),
                ));
            }
        }
    }
    let declares_endpoints = plugin.endpoint_group.as_ref().is_some_and(|group| !group.endpoints.is_empty());
    match (declares_endpoints, described.endpoints) {
        (true, false) => findings.push(Finding::new(
            Severity::Refused,
            "no-handler",
            in_manifest(),
            "endpoints are declared, and the code serves none".to_owned(),
            "add `.endpoints(router)` to the plugin".to_owned(),
        )),
        (false, true) => findings.push(Finding::new(
            Severity::Misread,
            "undeclared-endpoint",
            in_manifest(),
            "the code serves endpoints, and none is declared".to_owned(),
            "declare them in a group, which the manifest names under `plugins.endpoints`".to_owned(),
        )),
        _ => {}
    }
    findings
}

fn parameters(
    tool: &Tool,
    described: &DescribedTool,
    tool_at: &Location,
    checked: &Checked,
    findings: &mut Vec<Finding>,
) {
    // A type that takes any parameters agrees with any declaration.
    let Some(fields) = Schema::new(&described.parameters).fields() else { return };
    let tool_name = &*tool.identity.name;
    let required: Vec<_> = fields.required().collect();
    for parameter in &tool.parameters {
        let name = &*parameter.name;
        let at = checked.tool_parameter(tool_name, name).unwrap_or(tool_at).clone();
        match fields.field(name) {
            Some(field) => types(parameter, field, required.contains(&name), at, findings),
            None => findings.push(Finding::new(
                Severity::Misread,
                "unread-parameter",
                at,
                format!("the code's type has no field `{name}`: what is given for it is dropped"),
                "add the field, or remove the parameter".to_owned(),
            )),
        }
    }
    for name in required {
        let declared = tool.parameters.iter().any(|parameter| parameter.name == name);
        if !declared && !tool.has_runtime_parameters {
            findings.push(Finding::new(
                Severity::Refused,
                "undeclared-parameter",
                tool_at.clone(),
                format!("the code requires a parameter `{name}` that is not declared: every call fails"),
                "declare it, or make the field an `Option`".to_owned(),
            ));
        }
    }
}

fn types(
    parameter: &ToolParameter,
    field: Schema<'_>,
    required: bool,
    at: Location,
    findings: &mut Vec<Finding>,
) {
    let name = &*parameter.name;
    let declared = &parameter.parameter_type;
    let taken = field.taken();
    if !fits(declared, parameter.multiple, &taken) {
        let types: Vec<_> = taken.types.into_iter().collect();
        let message =
            format!("`{name}` is declared as {declared}, and the code takes {}", types.join(" or "));
        let help = "make the two agree".to_owned();
        findings.push(Finding::new(Severity::Refused, "other-type", at, message, help));
        return;
    }
    let options = parameter.options.iter().map(|option| &*option.value);
    let unknown: Vec<_> =
        options.filter(|value| !taken.options.is_empty() && !taken.options.contains(value)).collect();
    if !unknown.is_empty() {
        findings.push(Finding::new(
            Severity::Refused,
            "unknown-option",
            at.clone(),
            format!("the code doesn't know the options {} of `{name}`", unknown.join(", ")),
            format!("it knows {}", taken.options.join(", ")),
        ));
    }
    let given = parameter.required || parameter.default.as_ref().is_some_and(|default| !default.is_null());
    if required && !given {
        findings.push(Finding::new(
            Severity::Misread,
            "may-be-absent",
            at,
            format!("`{name}` is not required, and a call without it fails in the code"),
            "write `required: true` or a default, or make the field an `Option`".to_owned(),
        ));
    }
}

/// Whether a value as it is declared can be read as what the code takes.
fn fits(declared: &ParameterType, multiple: bool, taken: &Taken<'_>) -> bool {
    let possible: &[&str] = match declared {
        ParameterType::Select | ParameterType::DynamicSelect if multiple => &["array"],
        ParameterType::Select
        | ParameterType::DynamicSelect
        | ParameterType::String
        | ParameterType::SecretInput
        | ParameterType::Date => &["string"],
        ParameterType::Number => &["number"],
        ParameterType::Boolean => &["boolean"],
        ParameterType::File => &["file", "object"],
        ParameterType::Files | ParameterType::Array => &["array"],
        ParameterType::AppSelector | ParameterType::ModelSelector | ParameterType::Object => &["object"],
        // Whatever Dify makes of these.
        _ => return true,
    };
    taken.types.is_empty() || possible.iter().any(|name| taken.types.contains(name))
}
