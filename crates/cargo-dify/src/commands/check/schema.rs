//! The JSON schema of a tool's parameters, as far as it is compared with the YAML.

use std::collections::BTreeSet;

use serde_json::Value;

/// The key under which `dify-plugin` marks what JSON Schema has no type for, such as files.
const MARK: &str = "x-dify-type";

/// A schema, or a part of one, within its document.
#[derive(Clone, Copy)]
pub(super) struct Schema<'a> {
    document: &'a Value,
    node: &'a Value,
}

/// What a value may be.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Taken<'a> {
    /// The JSON types (`integer` counts as `number`), and marks such as `file`. Empty if any value is taken.
    pub(super) types: BTreeSet<&'a str>,
    /// The texts a value, or an item of a list, must be one of. Empty if any text is taken.
    pub(super) options: Vec<&'a str>,
}

impl<'a> Schema<'a> {
    pub(super) fn new(document: &'a Value) -> Self {
        Self { document, node: document }
    }

    fn part(self, node: &'a Value) -> Self {
        Self { node, ..self }
    }

    /// Returns the schemas one of which a value must match, without references. Schemas of recursive types are cut short.
    fn alternatives(self) -> Vec<Self> {
        const MAX_DEPTH: usize = 16;

        let mut found = Vec::new();
        let mut open = vec![(self, 0)];
        while let Some((schema, depth)) = open.pop() {
            let node = schema.node;
            let referenced =
                node["$ref"].as_str().and_then(|path| self.document.pointer(path.trim_start_matches('#')));
            let nested = ["anyOf", "oneOf"].iter().find_map(|key| node[*key].as_array());
            if depth == MAX_DEPTH {
                continue;
            } else if let Some(node) = referenced {
                open.push((self.part(node), depth + 1));
            } else if let Some(nested) = nested.filter(|_| node["properties"].is_null()) {
                open.extend(nested.iter().rev().map(|node| (self.part(node), depth + 1)));
            } else if node["type"] != "null" {
                found.push(schema);
            }
        }
        found
    }

    /// Returns the schema of the object's fields, or `None` if they are not all known.
    pub(super) fn fields(self) -> Option<Self> {
        let [object] = self.alternatives()[..] else { return None };
        let node = object.node;
        let more = ["patternProperties", "anyOf", "oneOf", "allOf"].iter().any(|key| !node[*key].is_null());
        let takes_any = !matches!(node["additionalProperties"], Value::Null | Value::Bool(false));
        (node["type"] == "object" && !more && !takes_any).then_some(object)
    }

    /// Returns the schema of a field.
    pub(super) fn field(self, name: &str) -> Option<Self> {
        self.node["properties"].get(name).map(|node| self.part(node))
    }

    /// Returns the names of the fields that an object must have.
    pub(super) fn required(self) -> impl Iterator<Item = &'a str> {
        self.node["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// Returns what a value may be.
    pub(super) fn taken(self) -> Taken<'a> {
        let mut taken = Taken::default();
        let mut takes_any_text = false;
        for schema in self.alternatives() {
            let node = schema.node;
            let types = schema.types();
            if types.is_empty() {
                return Taken::default();
            }
            let options = match (types.contains("array"), node["enum"].as_array()) {
                (true, _) => schema.part(&node["items"]).taken().options,
                (false, Some(options)) => options.iter().filter_map(Value::as_str).collect(),
                (false, None) => node["const"].as_str().into_iter().collect(),
            };
            takes_any_text |= options.is_empty() && (types.contains("string") || types.contains("array"));
            taken.options.extend(options);
            taken.types.extend(types);
        }
        if takes_any_text {
            taken.options.clear();
        }
        taken
    }

    fn types(self) -> BTreeSet<&'a str> {
        if let Some(mark) = self.node[MARK].as_str() {
            return BTreeSet::from([mark]);
        }
        let types = match &self.node["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect::<Vec<_>>(),
        };
        let known = types.into_iter().filter(|name| *name != "null");
        known.map(|name| if name == "integer" { "number" } else { name }).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn types(schema: &Value) -> Vec<&str> {
        Schema::new(schema).taken().types.into_iter().collect()
    }

    fn options(schema: &Value) -> Vec<&str> {
        Schema::new(schema).taken().options
    }

    /// The forms that schemars writes.
    #[test]
    fn what_a_value_may_be_is_read_through_references_and_alternatives() {
        let any: [&str; 0] = [];
        assert_eq!(types(&json!(true)), any);
        assert_eq!(types(&json!({"description": "anything"})), any);
        assert_eq!(types(&json!({"type": "integer", "format": "uint8"})), ["number"]);
        assert_eq!(types(&json!({"type": ["string", "null"]})), ["string"]);
        assert_eq!(types(&json!({"type": "object", "x-dify-type": "file"})), ["file"]);
        assert_eq!(types(&json!({"anyOf": [{"type": "boolean"}, {"type": "null"}]})), ["boolean"]);
        assert_eq!(
            types(&json!({"oneOf": [{"type": "string", "const": "a"}, {"type": "object"}]})),
            ["object", "string"]
        );
        assert_eq!(types(&json!({"$ref": "#/$defs/A", "$defs": {"A": {"type": "array"}}})), ["array"]);
        let endless = json!({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}});
        assert_eq!(types(&endless), any);
    }

    #[test]
    fn options_are_known_unless_any_text_is_taken() {
        let any: [&str; 0] = [];
        let tone = json!({"type": "string", "enum": ["angry", "cheerful"]});
        assert_eq!(options(&tone), ["angry", "cheerful"]);
        assert_eq!(options(&json!({"type": "array", "items": tone})), ["angry", "cheerful"]);
        assert_eq!(options(&json!({"anyOf": [tone, {"type": "null"}]})), ["angry", "cheerful"]);
        let documented = json!({"oneOf": [
            {"type": "string", "const": "angry", "description": "loud"},
            {"type": "string", "enum": ["cheerful", "calm"]},
        ]});
        assert_eq!(options(&documented), ["angry", "cheerful", "calm"]);
        assert_eq!(options(&json!({"anyOf": [tone, {"type": "string"}]})), any);
        assert_eq!(options(&json!({"anyOf": [tone, {"type": "array", "items": {"type": "string"}}]})), any);
        assert_eq!(options(&json!({"type": "array", "items": {"type": "number"}})), any);
    }

    #[test]
    fn fields_are_known_of_an_object_that_takes_no_others() {
        let point = json!({"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]});
        let fields = Schema::new(&point).fields().expect("they are known");
        assert_eq!(fields.required().collect::<Vec<_>>(), ["x"]);
        assert!(fields.field("x").is_some() && fields.field("y").is_none());
        assert!(Schema::new(&json!({"anyOf": [point, {"type": "null"}]})).fields().is_some());
        assert!(Schema::new(&json!({"type": "object", "additionalProperties": false})).fields().is_some());
        for open in [
            json!(true),
            json!({"type": "string"}),
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            json!({"type": "object", "properties": {}, "oneOf": [{"type": "object"}]}),
            json!({"oneOf": [point, point]}),
        ] {
            assert!(Schema::new(&open).fields().is_none(), "{open}");
        }
    }
}
