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
