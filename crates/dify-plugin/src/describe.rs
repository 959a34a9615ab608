//! The description that a plugin prints when it is started with `DIFY_PLUGIN_DESCRIBE=1`: one line of JSON with its handlers
//! and the schemas of their parameters, for tools that compare it with the YAML.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::kind::Kind;

/// The version of the form. It rises when a reader of the version before would misread it; new fields don't raise it.
const VERSION: u32 = 2;

/// Returns the description as one line, without its newline.
pub(crate) fn describe<'a>(kinds: impl Iterator<Item = &'a dyn Kind>) -> String {
    let mut description = Map::from_iter([("dify_plugin_description".to_owned(), VERSION.into())]);
    for kind in kinds {
        kind.describe(&mut description);
    }
    Value::Object(description).to_string()
}

/// Returns the JSON schema of the values that `T` is read from.
pub(crate) fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

#[cfg(test)]
#[allow(dead_code, reason = "the types are only described")]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::{File, NoParameters, Output, Plugin, Result, Session, Tool, ToolContext};

    struct Any<P>(std::marker::PhantomData<fn(P)>);

    impl<P: serde::de::DeserializeOwned + JsonSchema + Send + 'static> Tool for Any<P> {
        type Parameters = P;

        async fn invoke(&self, _: &ToolContext, _: P, _: &mut Output) -> Result<()> {
            Ok(())
        }
    }

    fn described<P: serde::de::DeserializeOwned + JsonSchema + Send + 'static>() -> Value {
        let plugin = Plugin::new().tool("kit", "any", Any::<P>(std::marker::PhantomData));
        let text = describe(plugin.handlers.kinds.iter());
        let mut description: Value = serde_json::from_str(&text).unwrap();
        description["tool_providers"][0]["tools"][0]["parameters"].take()
    }

    /// The parameters of `shout`.
    #[derive(Deserialize, JsonSchema)]
    struct ShoutParameters {
        /// What to shout.
        text: String,
        #[serde(default = "once")]
        #[schemars(range(min = 1, max = 9))]
        times: u8,
        tone: Option<Tone>,
        photos: Vec<File>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Tone {
        Angry,
        Cheerful,
    }

    fn once() -> u8 {
        1
    }

    #[test]
    fn parameters_are_described_by_their_schema() {
        assert_eq!(
            described::<ShoutParameters>(),
            json!({
                "title": "ShoutParameters",
                "description": "The parameters of `shout`.",
                "type": "object",
                "properties": {
                    "text": {"description": "What to shout.", "type": "string"},
                    "times": {"type": "integer", "format": "uint8", "minimum": 1, "maximum": 9, "default": 1},
                    "tone": {"anyOf": [{"$ref": "#/$defs/Tone"}, {"type": "null"}]},
                    "photos": {"type": "array", "items": {"type": "object", "x-dify-type": "file"}},
                },
                "required": ["text", "photos"],
                "$defs": {"Tone": {"type": "string", "enum": ["angry", "cheerful"]}},
            })
        );
        assert_eq!(described::<Value>(), json!({"title": "AnyValue"}));
        assert_eq!(described::<NoParameters>()["type"], "object");
    }

    #[test]
    fn a_plugin_is_described_in_one_line() {
        async fn check(_: Session, _: NoParameters) -> Result<()> {
            Ok(())
        }
        let plugin = Plugin::new().tool_credentials("voice", check);
        assert_eq!(
            describe(plugin.handlers.kinds.iter()),
            concat!(
                r#"{"dify_plugin_description":2,"endpoints":false,"#,
                r#""tool_providers":[{"check_credentials":true,"name":"voice","tools":[]}]}"#
            )
        );
    }
}
