//! The declared parameters, credentials and settings of a plugin, which give values on the command line their types.

use dify_plugin_manifest::{
    ConfigType, EndpointGroup, ParameterType, Plugin, ProviderConfig, Tool, ToolParameter, ToolProvider,
};
use serde_json::{Map, Number, Value};

use crate::assignment::{Assignment, Given};
use crate::error::Error;

/// A declared value.
#[derive(Debug)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    /// The declared type.
    type_name: &'a str,
    shape: Shape,
    required: bool,
    default: Option<&'a Value>,
    options: Vec<&'a str>,
}

/// How a value is written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Number,
    Boolean,
    /// As JSON, with an example.
    Json(&'static str),
}

impl<'a> From<&'a ToolParameter> for Field<'a> {
    fn from(parameter: &'a ToolParameter) -> Self {
        let shape = match &parameter.parameter_type {
            ParameterType::Number => Shape::Number,
            ParameterType::Boolean | ParameterType::Checkbox => Shape::Boolean,
            ParameterType::File => Shape::Json(FILE),
            ParameterType::Files => Shape::Json(FILES),
            ParameterType::AppSelector => Shape::Json(APP),
            ParameterType::ModelSelector => Shape::Json(MODEL),
            ParameterType::Array => Shape::Json("[1, 2]"),
            ParameterType::Object => Shape::Json(r#"{"key": "value"}"#),
            _ => Shape::Text,
        };
        Self {
            name: &parameter.name,
            type_name: parameter.parameter_type.as_str(),
            shape,
            required: parameter.required,
            default: parameter.default.as_ref().filter(|value| !value.is_null()),
            options: parameter.options.iter().map(|option| &*option.value).collect(),
        }
    }
}

impl<'a> From<&'a ProviderConfig> for Field<'a> {
    fn from(config: &'a ProviderConfig) -> Self {
        let shape = match &config.config_type {
            ConfigType::Boolean => Shape::Boolean,
            ConfigType::AppSelector => Shape::Json(APP),
            ConfigType::ModelSelector => Shape::Json(MODEL),
            ConfigType::Tools => Shape::Json("[]"),
            _ => Shape::Text,
        };
        Self {
            name: &config.name,
            type_name: config.config_type.as_str(),
            shape,
            required: config.required,
            default: config.default.as_ref().filter(|value| !value.is_null()),
            options: config.options.iter().map(|option| &*option.value).collect(),
        }
    }
}

const APP: &str = r#"{"app_id": "app-1"}"#;
const MODEL: &str = r#"{"provider": "p/p/p", "model": "m", "model_type": "llm"}"#;
const FILE: &str = r#"{"url": "https://…", "type": "image", "filename": "a.png"}"#;
const FILES: &str = r#"[{"url": "https://…", "type": "image", "filename": "a.png"}]"#;

impl Field<'_> {
    fn read(&self, option: &'static str, given: Given) -> Result<Value, Error> {
        let text = match given {
            Given::Json(json) => return Ok(json),
            Given::Text(text) => text,
        };
        let value = match self.shape {
            Shape::Text => Some(Value::from(text)),
            Shape::Number => number(&text).map(Value::Number),
            Shape::Boolean => text.parse().ok().map(Value::Bool),
            Shape::Json(_) => None,
        };
        value.ok_or_else(|| {
            let example = match self.shape {
                Shape::Json(json) => format!("{option} '{}:={json}'", self.name),
                _ => format!("{option} {}", self.example()),
            };
            Error::new(format!("the value of `{}` is not a valid {}", self.name, self.type_name))
                .with_help(format!("write it as in {example}"))
        })
    }

    /// Returns an example assignment, quoted for a shell.
    pub(crate) fn example(&self) -> String {
        let name = self.name;
        let value = match (self.default, self.options.first(), self.shape) {
            (Some(Value::String(text)), ..) => text.clone(),
            (Some(json @ (Value::Array(_) | Value::Object(_))), ..) => {
                return quoted(&format!("{name}:={json}"));
            }
            (Some(json), ..) => json.to_string(),
            (None, Some(option), _) => (*option).to_owned(),
            (None, None, Shape::Json(json)) => return quoted(&format!("{name}:={json}")),
            (None, None, Shape::Number) => "1".to_owned(),
            (None, None, Shape::Boolean) => "true".to_owned(),
            (None, None, Shape::Text) => "hello".to_owned(),
        };
        quoted(&format!("{name}={value}"))
    }

    /// Returns whether a value has to be given.
    pub(crate) fn must_be_given(&self) -> bool {
        self.required && self.default.is_none()
    }
}

/// Reads a number; a whole number stays one.
fn number(text: &str) -> Option<Number> {
    match serde_json::from_str(text) {
        Ok(Value::Number(number)) => Some(number),
        _ => Number::from_f64(text.parse().ok()?),
    }
}

/// Quotes a word for a shell.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Values, and warnings about them.
#[derive(Default)]
pub(crate) struct Filled {
    /// The given values by name, and the declared defaults of the others, which Dify fills in too.
    pub(crate) values: Map<String, Value>,
    /// Problems with values that are sent nevertheless, so that authors can test them.
    pub(crate) warnings: Vec<String>,
}

/// Converts the values given with `option` to the types of `fields`.
///
/// # Errors
///
/// Fails if a text can't be read as the declared type.
pub(crate) fn fill(
    option: &'static str,
    fields: &[Field<'_>],
    given: &[Assignment],
) -> Result<Filled, Error> {
    let mut filled = Filled::default();
    for field in fields {
        if let Some(default) = field.default {
            filled.values.insert(field.name.to_owned(), default.clone());
        }
    }
    for Assignment { name, value } in given.iter().cloned() {
        let value = match (fields.iter().find(|field| field.name == name), value) {
            (Some(field), value) => field.read(option, value)?,
            (None, value) => {
                let known: Vec<_> = fields.iter().map(|field| field.name).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                filled.warnings.push(format!(
                    "{option} {name} is not declared, but sent nevertheless; declared: {known}"
                ));
                match value {
                    Given::Text(text) => Value::from(text),
                    Given::Json(json) => json,
                }
            }
        };
        filled.values.insert(name, value);
    }
    for field in fields.iter().filter(|field| field.required && !filled.values.contains_key(field.name)) {
        filled.warnings.push(format!(
            "`{}` is required but not given; add {option} {}",
            field.name,
            field.example()
        ));
    }
    Ok(filled)
}

/// Returns the parameters of a tool.
pub(crate) fn parameters(tool: &Tool) -> Vec<Field<'_>> {
    tool.parameters.iter().map(Field::from).collect()
}

/// Returns the credentials of a provider.
pub(crate) fn credentials(provider: &ToolProvider) -> Vec<Field<'_>> {
    provider.credentials_schema.iter().map(Field::from).collect()
}

/// Returns the settings of an endpoint group.
pub(crate) fn settings(group: &EndpointGroup) -> Vec<Field<'_>> {
    group.settings.iter().map(Field::from).collect()
}

/// Finds a tool by `provider/tool`.
///
/// # Errors
///
/// Fails if the plugin declares no such tool.
pub(crate) fn find_tool<'a>(plugin: &'a Plugin, name: &str) -> Result<(&'a ToolProvider, &'a Tool), Error> {
    let provider = plugin.tool_provider.as_ref();
    let found = provider.zip(name.split_once('/')).and_then(|(provider, (provider_name, tool_name))| {
        let tool = provider.tools.iter().find(|tool| tool.identity.name == tool_name)?;
        (provider.identity.name == provider_name).then_some((provider, tool))
    });
    found.ok_or_else(|| {
        let tools: Vec<_> = provider.into_iter().flat_map(tool_names).collect();
        let help = match &*tools {
            [] => "the plugin declares no tools".to_owned(),
            tools => format!("the plugin declares: {}", tools.join(", ")),
        };
        Error::new(format!("the plugin declares no tool `{name}`")).with_help(help)
    })
}

/// Returns the names of a provider's tools, as `provider/tool`.
pub(crate) fn tool_names(provider: &ToolProvider) -> impl Iterator<Item = String> {
    provider.tools.iter().map(|tool| format!("{}/{}", provider.identity.name, tool.identity.name))
}
