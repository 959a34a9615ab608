//! Which kind of app a blocking reply came from.

use dify_plugin_protocol::app::result::AppResult;

#[test]
fn the_fields_of_a_reply_tell_which_kind_of_app_sent_it() {
    for (json, kind) in [
        (r#"{"event":"message","mode":"advanced-chat","answer":"a"}"#, "Chat("),
        (r#"{"event":"message","conversation_id":"c","answer":"a"}"#, "Chat("),
        (r#"{"answer":"a"}"#, "Chat("),
        (r#"{"mode":"advanced-chat","data":{},"answer":"a"}"#, "Chat("),
        (r#"{"event":"message","mode":"completion","answer":"a"}"#, "Completion("),
        (r#"{"mode":"completion","answer":"a"}"#, "Completion("),
        (r#"{"event":"message","answer":"a"}"#, "Completion("),
        (r#"{"task_id":"t","workflow_run_id":"r","data":{"status":"failed"}}"#, "Workflow("),
        (r#"{"workflow_run_id":"r"}"#, "Workflow("),
        (r#"{"event":null,"data":{}}"#, "Workflow("),
        (r#"{"event":"workflow_maintenance_paused","workflow_run_id":"r"}"#, "MaintenancePaused("),
        (r#"{"event":"workflow_paused","mode":"advanced-chat","data":{"status":"paused"}}"#, "ChatPaused("),
        (r#"{"event":"something_new"}"#, "Unknown("),
        ("{}", "Unknown("),
    ] {
        let result = AppResult::parse(json).unwrap();
        assert!(format!("{result:?}").starts_with(kind), "{json}: {result:?}");
    }
    assert!(AppResult::parse("[]").is_err());
}
