//! Each field of each type has an example, so that none can be removed unnoticed.

use std::collections::BTreeMap;
use std::fmt::Debug;

use dify_plugin_protocol::app::event::AppEvent;
use dify_plugin_protocol::app::parameters::AppParameters;
use dify_plugin_protocol::app::request::{AppRequest, FetchAppRequest};
use dify_plugin_protocol::app::result::AppResult;
use dify_plugin_protocol::endpoint::{EndpointResponse, InvokeEndpoint};
use dify_plugin_protocol::tool::message::ToolMessage;
use dify_plugin_protocol::tool::request::{
    GetToolRuntimeParameters, InvokeTool, RuntimeParameters, ValidateResult, ValidateToolCredentials,
};
use dify_plugin_protocol::tool::value::{FileValue, ToolSelector};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::equal::same;
use crate::fixtures::{Row, rows};
use crate::typed::typed;

/// The fields of every struct that was printed, and whether one had a value.
#[derive(Default)]
struct Fields(BTreeMap<(String, String), bool>);

impl Fields {
    /// Reads `{:#?}` output, which has one field per line, with newlines in strings escaped.
    fn note(&mut self, pretty: &str) {
        let mut structs: Vec<&str> = Vec::new();
        for line in pretty.lines().map(str::trim) {
            if let (Some((field, value)), Some(name)) = (line.split_once(": "), structs.last())
                && (value.starts_with("Some(") || value.starts_with("None"))
            {
                let held = self.0.entry(((*name).to_owned(), field.to_owned())).or_default();
                *held |= value.starts_with("Some(");
            }
            if let Some(before) = line.strip_suffix('{') {
                structs.push(before.trim_end().rsplit([' ', '(']).next().unwrap_or_default());
            } else if line.starts_with('}') {
                structs.pop();
            }
        }
    }

    fn check<'a, T: Deserialize<'a> + Serialize + Debug>(&mut self, row: &'a Row) {
        let json = row.json("json").unwrap();
        self.check_value(
            row,
            &serde_json::from_str::<T>(json).unwrap_or_else(|error| panic!("{row}: {error}")),
        );
    }

    fn check_value<T: Serialize + Debug>(&mut self, row: &Row, value: &T) {
        let mut original: Value = serde_json::from_str(row.json("json").unwrap()).unwrap();
        if original.get("action").is_some() {
            // These belong to the header of the request.
            let object = original.as_object_mut().unwrap();
            object.retain(|key, _| !["type", "action", "user_id"].contains(&key.as_str()));
        }
        let typed = typed(value);
        assert_eq!(typed.extra, Vec::<String>::new(), "{row} has keys without a field");
        assert_eq!(same(&original, &typed.json), Ok(()), "{row}");
        self.note(&format!("{value:#?}"));
    }
}

#[test]
fn each_field_of_each_type_has_an_example() {
    let mut fields = Fields::default();
    for row in rows("every-field.jsonl") {
        let json = row.json("json").unwrap();
        match row.text("type").as_str() {
            "AppEvent" => {
                let event = AppEvent::parse(json).unwrap_or_else(|error| panic!("{row}: {error}"));
                assert!(!matches!(event, AppEvent::Unknown(_)), "{row}");
                fields.check_value(&row, &event);
            }
            "AppResult" => {
                let result = AppResult::parse(json).unwrap_or_else(|error| panic!("{row}: {error}"));
                assert!(!matches!(result, AppResult::Unknown(_)), "{row}");
                fields.check_value(&row, &result);
            }
            "AppParameters" => fields.check::<AppParameters>(&row),
            "AppRequest" => fields.check::<AppRequest>(&row),
            "FetchAppRequest" => fields.check::<FetchAppRequest>(&row),
            "InvokeTool" => fields.check::<InvokeTool>(&row),
            "ValidateToolCredentials" => fields.check::<ValidateToolCredentials>(&row),
            "GetToolRuntimeParameters" => fields.check::<GetToolRuntimeParameters>(&row),
            "ValidateResult" => fields.check::<ValidateResult>(&row),
            "RuntimeParameters" => fields.check::<RuntimeParameters>(&row),
            "ToolMessage" => fields.check::<ToolMessage>(&row),
            "FileValue" => fields.check::<FileValue>(&row),
            "ToolSelector" => fields.check::<ToolSelector>(&row),
            "InvokeEndpoint" => fields.check::<InvokeEndpoint<'_>>(&row),
            "EndpointResponse" => fields.check::<EndpointResponse>(&row),
            other => panic!("{row}: no such type {other}"),
        }
    }
    let empty: Vec<_> = fields.0.iter().filter(|(_, held)| !**held).map(|(field, _)| field).collect();
    assert!(empty.is_empty(), "no example has these: {empty:?}");
    assert!(fields.0.len() > 300, "only {} fields were printed", fields.0.len());
}
