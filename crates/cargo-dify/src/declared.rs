//! What a plugin declares that it takes: parameters, credentials, settings. Values given on the command line get their
//! types here.

use dify_plugin_manifest::{
    ConfigType, EndpointGroup, ParameterType, Plugin, ProviderConfig, Tool, ToolParameter, ToolProvider,
};
use serde_json::{Map, Number, Value};

use crate::assignment::{Assignment, Given};
use crate::error::Error;

/// One value that a plugin takes.
#[derive(Debug)]
pub(crate) struct Field<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Its type, as declared.
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
    /// Nothing but JSON will do; an example of it.
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

    /// A whole assignment for an example of a call, fit for a shell.
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

    /// Whether a call makes no sense without a value for it.
    pub(crate) fn must_be_given(&self) -> bool {
        self.required && self.default.is_none()
    }
}

/// A whole number stays one: 1 is not 1.0.
fn number(text: &str) -> Option<Number> {
    match serde_json::from_str(text) {
        Ok(Value::Number(number)) => Some(number),
        _ => Number::from_f64(text.parse().ok()?),
    }
}

/// A word as a shell reads it back.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Values for what is declared, and what the caller should hear about them.
#[derive(Default)]
pub(crate) struct Filled {
    /// The values by name: what was given, and the defaults of the rest, as Dify fills them in.
    pub(crate) values: Map<String, Value>,
    /// What is odd, but sent all the same: a plugin must live with it.
    pub(crate) warnings: Vec<String>,
}

/// Gives `given` the types of `fields`. `option` is the option it came with.
///
/// # Errors
///
/// If a text can't be read as the type that is declared.
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
                filled
                    .warnings
                    .push(format!("{option} {name}: not declared, sent all the same; declared: {known}"));
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
            "`{}` is required and not given; add {option} {}",
            field.name,
            field.example()
        ));
    }
    Ok(filled)
}

/// The parameters of a tool.
pub(crate) fn parameters(tool: &Tool) -> Vec<Field<'_>> {
    tool.parameters.iter().map(Field::from).collect()
}

/// The credentials of a provider.
pub(crate) fn credentials(provider: &ToolProvider) -> Vec<Field<'_>> {
    provider.credentials_schema.iter().map(Field::from).collect()
}

/// The settings of an endpoint group.
pub(crate) fn settings(group: &EndpointGroup) -> Vec<Field<'_>> {
    group.settings.iter().map(Field::from).collect()
}

/// Finds a tool by `provider/tool`.
///
/// # Errors
///
/// If the plugin has no such tool; the error lists those it has.
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

/// The tools of a provider, as `provider/tool`.
pub(crate) fn tool_names(provider: &ToolProvider) -> impl Iterator<Item = String> {
    provider.tools.iter().map(|tool| format!("{}/{}", provider.identity.name, tool.identity.name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(name: &'static str, shape: Shape) -> Field<'static> {
        Field { name, type_name: "…", shape, required: false, default: None, options: Vec::new() }
    }

    fn given(texts: &[&str]) -> Vec<Assignment> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn text_becomes_what_is_declared() {
        let fields = [
            field("t", Shape::Text),
            field("n", Shape::Number),
            field("b", Shape::Boolean),
            field("x", Shape::Text),
        ];
        let given = given(&["t=1", "n=1", "b=false", "x:=[1]", "other=2"]);
        let filled = fill("--param", &fields, &given).unwrap();
        assert_eq!(Value::from(filled.values), json!({"t": "1", "n": 1, "b": false, "x": [1], "other": "2"}));
        assert_eq!(filled.warnings, ["--param other: not declared, sent all the same; declared: t, n, b, x"]);
    }

    #[test]
    fn numbers_keep_their_kind() {
        for (text, expected) in [
            ("7", Some(json!(7))),
            ("-7", Some(json!(-7))),
            ("18446744073709551615", Some(json!(18446744073709551615_u64))),
            ("0.5", Some(json!(0.5))),
            (".5", Some(json!(0.5))),
            ("1e3", Some(json!(1000.0))),
            ("07", Some(json!(7.0))),
            ("nan", None),
            ("", None),
            ("1 2", None),
        ] {
            assert_eq!(number(text).map(Value::Number), expected, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_shows_how_to_write_it() {
        let message = |field: Field<'static>, text: &str| {
            let fields = [field];
            let error = fill("--param", &fields, &given(&[text])).err().unwrap();
            (error.to_string(), error.help.unwrap())
        };
        assert_eq!(
            message(field("n", Shape::Number), "n=three"),
            ("the value of `n` is not a valid …".to_owned(), "write it as in --param n=1".to_owned())
        );
        let (_, help) = message(field("list", Shape::Json("[1, 2]")), "list=1,2");
        assert_eq!(help, "write it as in --param 'list:=[1, 2]'");
    }

    #[test]
    fn what_is_not_given_takes_its_default_and_is_missed_without_one() {
        let (default, null) = (json!("en"), Value::Null);
        let parameter = ToolParameter::default();
        assert!(Field::from(&parameter).default.is_none());
        let fields = [
            Field { default: Some(&default), required: true, ..field("language", Shape::Text) },
            Field { required: true, ..field("count", Shape::Number) },
        ];
        let filled = fill("--param", &fields, &[]).unwrap();
        assert_eq!(Value::from(filled.values), json!({"language": "en"}));
        assert_eq!(filled.warnings, ["`count` is required and not given; add --param count=1"]);
        // Null is an answer: it was asked for.
        let filled = fill("--param", &fields, &given(&["count:=null", "language=de"])).unwrap();
        assert_eq!(Value::from(filled.values), json!({"language": "de", "count": null}));
        assert!(filled.warnings.is_empty() && null.is_null());
    }

    #[test]
    fn examples_can_be_pasted_into_a_shell() {
        let text = json!("it's");
        for (field, example) in [
            (field("a", Shape::Text), "a=hello"),
            (field("a", Shape::Boolean), "a=true"),
            (field("a", Shape::Json("[1, 2]")), "'a:=[1, 2]'"),
            (Field { options: vec!["red", "blue"], ..field("a", Shape::Text) }, "a=red"),
            (Field { default: Some(&text), ..field("a", Shape::Text) }, r"'a=it'\''s'"),
        ] {
            assert_eq!(field.example(), example);
        }
    }
}
