//! Parameter values that are files or tools.

use dify_plugin_protocol::app::request::FileType;
use dify_plugin_protocol::tool::value::{FileValue, ToolSelector};
use serde_json::json;

#[test]
fn only_a_marked_object_is_a_file() {
    let file =
        json!({"dify_model_identity": "__dify__file__", "url": "/files/1", "type": "image", "size": -1});
    let file = FileValue::from_value(&file).unwrap().unwrap();
    assert_eq!(
        (file.url.as_deref(), file.file_type, file.size),
        (Some("/files/1"), Some(FileType::Image), Some(-1))
    );
    for value in [json!({"url": "/files/1"}), json!("__dify__file__"), json!(null)] {
        assert!(FileValue::from_value(&value).is_none());
    }
    let broken = json!({"dify_model_identity": "__dify__file__", "url": 5});
    assert!(FileValue::from_value(&broken).unwrap().is_err());
    let tool =
        json!({"dify_model_identity": "__dify__tool_selector__", "tool_name": "t", "tool_parameters": {}});
    assert_eq!(ToolSelector::from_value(&tool).unwrap().unwrap().tool_name.as_deref(), Some("t"));
}
