//! The templates that a model's parameter rules may use (`PARAMETER_RULE_TEMPLATE` in `model_declaration.go`).

use serde_json::{Map, Value as Json, json};

/// The names of the templates.
pub(crate) const NAMES: &str =
    "temperature top_p top_k presence_penalty frequency_penalty max_tokens response_format json_schema";

/// Returns the values that the template `name` provides for fields that a rule leaves null. The help texts of the daemon's
/// templates are not included.
pub(crate) fn template(name: &str) -> Option<Map<String, Json>> {
    let from_0_to_1 =
        |default: u64| json!({"type": "float", "default": default, "min": 0, "max": 1, "precision": 2});
    let template = match name {
        "temperature" | "presence_penalty" | "frequency_penalty" => from_0_to_1(0),
        "top_p" => from_0_to_1(1),
        "top_k" => json!({"type": "int", "default": 50, "min": 1, "max": 100, "precision": 0}),
        "max_tokens" => json!({"type": "int", "default": 64, "min": 1, "max": 2048, "precision": 0}),
        "response_format" => json!({"type": "string", "options": ["JSON", "XML"]}),
        "json_schema" => json!({"type": "string"}),
        _ => return None,
    };
    match template {
        Json::Object(fields) => Some(fields),
        _ => None,
    }
}
