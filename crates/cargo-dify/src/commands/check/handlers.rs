//! Compares the declarations with what the code registers.

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

/// What a plugin prints when it is started with `DIFY_PLUGIN_DESCRIBE=1`.
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

/// How long a plugin may take to print its description.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest description that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// The supported version of descriptions.
const VERSION: u32 = 2;

/// Returns the error of a plugin that did not describe itself.
pub(super) fn no_description(cause: io::Error) -> Error {
    Error::new("the plugin does not describe itself").caused_by(cause).with_help(
        "does `main` end in `Plugin::new()….run()`, with a dify-plugin as recent as cargo-dify? use --no-build to check only \
         the declarations",
    )
}

/// Starts the binary to print its description. A binary that is not trusted gets an empty environment.
///
/// # Errors
///
/// Fails if it can't be started, prints something else, or takes too long.
pub(super) fn describe(binary: &Path, root: &Path, trusted: bool) -> Result<Description, Error> {
    let binary = std::path::absolute(binary).map_err(no_description)?;
    let mut command = Command::new(binary);
    if !trusted {
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
        let printed = stdout.map_or(Ok(String::new()), |stdout| io::read_to_string(stdout.take(MAX_BYTES)));
        // Fails only after the timeout.
        let _ = sender.send(printed);
    });
    let printed = receiver.recv_timeout(PATIENCE);
    // The description is complete, so a plugin that still runs is not waited for.
    let ended = child.try_wait();
    if !matches!(ended, Ok(Some(_))) {
        let _ = child.kill();
        let _ = child.wait();
    }
    let other = |problem: String| no_description(io::Error::other(problem));
    let printed = printed
        .map_err(|_| other(format!("it did not print a description within {} s", PATIENCE.as_secs())))?
        .map_err(no_description)?;
    let line = printed.lines().next_back().unwrap_or_default();
    let description: Description = serde_json::from_str(line)
        .map_err(|error| other(format!("it printed something else than a description: {error}")))?;
    if description.version != VERSION {
        return Err(other(format!(
            "its description has version {}, but this command supports version {VERSION}",
            description.version
        )));
    }
    Ok(description)
}

/// Returns what is declared but not registered, what is registered but not declared, and what has different types.
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
                    Severity::Error,
                    "no-handler",
                    at,
                    format!("the code doesn't register the tool `{provider_name}/{name}`, so every call of it fails"),
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
                    Severity::Warning,
                    "undeclared-tool",
                    in_manifest(),
                    format!(
                        "the code registers the tool `{}/{}`, but it is not declared, so it can't be called",
                        provider.name, tool.name
                    ),
                    "declare it in a YAML file, and name the file in the provider's file under `tools`"
                        .to_owned(),
                ));
            }
        }
    }
    let declares_endpoints = plugin.endpoint_group.as_ref().is_some_and(|group| !group.endpoints.is_empty());
    match (declares_endpoints, described.endpoints) {
        (true, false) => findings.push(Finding::new(
            Severity::Error,
            "no-handler",
            in_manifest(),
            "endpoints are declared, but the code serves none".to_owned(),
            "add `.endpoints(router)` to the plugin".to_owned(),
        )),
        (false, true) => findings.push(Finding::new(
            Severity::Warning,
            "undeclared-endpoint",
            in_manifest(),
            "the code serves endpoints, but none are declared".to_owned(),
            "declare them in an endpoint group, and name its file in the manifest under `plugins.endpoints`"
                .to_owned(),
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
                Severity::Warning,
                "unread-parameter",
                at,
                format!("the code's type has no field `{name}`, so its value is ignored"),
                "add the field, or remove the parameter".to_owned(),
            )),
        }
    }
    for name in required {
        let declared = tool.parameters.iter().any(|parameter| parameter.name == name);
        if !declared && !tool.has_runtime_parameters {
            findings.push(Finding::new(
                Severity::Error,
                "undeclared-parameter",
                tool_at.clone(),
                format!(
                    "the code requires the parameter `{name}`, but it is not declared, so every call fails"
                ),
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
            format!("`{name}` is declared as {declared}, but the code expects {}", types.join(" or "));
        let help = "change the declaration or the code".to_owned();
        findings.push(Finding::new(Severity::Error, "other-type", at, message, help));
        return;
    }
    let options = parameter.options.iter().map(|option| &*option.value);
    let unknown: Vec<_> =
        options.filter(|value| !taken.options.is_empty() && !taken.options.contains(value)).collect();
    if !unknown.is_empty() {
        findings.push(Finding::new(
            Severity::Error,
            "unknown-option",
            at.clone(),
            format!("the code doesn't accept these options of `{name}`: {}", unknown.join(", ")),
            format!("it accepts {}", taken.options.join(", ")),
        ));
    }
    let given = parameter.required || parameter.default.as_ref().is_some_and(|default| !default.is_null());
    if required && !given {
        findings.push(Finding::new(
            Severity::Warning,
            "may-be-absent",
            at,
            format!("`{name}` is not required, but the code fails without it"),
            "write `required: true` or a default, or make the field an `Option`".to_owned(),
        ));
    }
}

/// Returns whether the code can read a value of the declared type.
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
        // Dify decides what these become.
        _ => return true,
    };
    taken.types.is_empty() || possible.iter().any(|name| taken.types.contains(name))
}
