//! Constructors and accessors of small values, and the frames outside of sessions.

use dify_plugin_protocol::app::decimal::Decimal;
use dify_plugin_protocol::app::parameters::UserInput;
use dify_plugin_protocol::app::request::{
    AppRequest, FetchAppRequest, FileInput, FileType, ResponseMode, TransferMethod,
};
use dify_plugin_protocol::credentials::Credentials;
use dify_plugin_protocol::message::{write_error_frame, write_heartbeat_frame, write_log_frame};
use dify_plugin_protocol::tool::request::{InvokeTool, RuntimeParameters, ValidateResult};
use dify_plugin_protocol::{ErrorData, LogData, LogLevel, MessageType, Outgoing, OutgoingEvent};
use serde::Deserialize;
use serde_json::{Value, json};

/// Reads the only frame in `out`.
fn frame(out: Vec<u8>) -> (OutgoingEvent, Value) {
    let text = String::from_utf8(out).unwrap();
    let line = text.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "{line}");
    let frame = Outgoing::parse(line).unwrap();
    assert_eq!(frame.session_id, None);
    (frame.event, serde_json::from_str(frame.data.unwrap().get()).unwrap())
}

#[test]
fn frames_outside_of_sessions_are_complete() {
    let mut out = Vec::new();
    write_heartbeat_frame(&mut out);
    assert_eq!(frame(out), (OutgoingEvent::Heartbeat, json!({})));
    let mut out = Vec::new();
    write_error_frame(&mut out, "no \"JSON\"\n");
    assert_eq!(frame(out), (OutgoingEvent::Error, json!({"error": "no \"JSON\"\n"})));
    let mut out = Vec::new();
    let log = LogData { level: LogLevel::Warning, message: "m\n".to_owned(), timestamp: 1.5 };
    write_log_frame(&mut out, &log);
    assert_eq!(
        frame(out),
        (OutgoingEvent::Log, json!({"level": "WARNING", "message": "m\n", "timestamp": 1.5}))
    );
}

#[test]
fn errors_and_names_are_displayed() {
    assert_eq!(ErrorData::new("E", "m").to_string(), "E: m");
    assert_eq!(format!("[{:>7}]", MessageType::End), "[    end]");
    assert_eq!(MessageType::from("new").as_str(), "new");
    let null: ErrorData = serde_json::from_str(r#"{"error_type":null,"message":null,"args":null}"#).unwrap();
    assert_eq!(null, ErrorData::default());
}

#[test]
fn credentials_and_parameters_are_read_into_types() {
    #[derive(Deserialize)]
    struct Typed {
        key: String,
    }
    let json = r#"{"provider":"p","tool":"t","tool_parameters":{"key":"k"},"credentials":{"key":"c","n":1}}"#;
    let request: InvokeTool = serde_json::from_str(json).unwrap();
    assert_eq!(request.parameters::<Typed>().unwrap().key, "k");
    let credentials: &Credentials = &request.credentials;
    assert_eq!(credentials.to::<Typed>().unwrap().key, "c");
    assert_eq!((credentials.get("n"), credentials.get_str("n")), (Some(&json!(1)), None));
    assert_eq!(credentials.get_str("key"), Some("c"));
    assert!(!credentials.is_empty() && Credentials::default().is_empty());
    assert!(InvokeTool::default().parameters::<Typed>().is_err());
    assert!(ValidateResult::valid().result);
    let null: RuntimeParameters = serde_json::from_str(r#"{"parameters":null}"#).unwrap();
    assert!(null.parameters.is_empty());
}

#[test]
fn app_requests_leave_out_what_is_empty() {
    let request = AppRequest::new("a", ResponseMode::Blocking);
    assert_eq!(
        serde_json::to_value(request).unwrap(),
        json!({"app_id": "a", "inputs": {}, "response_mode": "blocking"})
    );
    assert_eq!(serde_json::to_value(FetchAppRequest::new("a")).unwrap(), json!({"app_id": "a"}));
}

#[test]
fn each_way_to_pass_a_file_sets_its_own_field() {
    for (file, method, field) in [
        (FileInput::remote_url(FileType::Image, "x"), TransferMethod::RemoteUrl, "url"),
        (FileInput::uploaded(FileType::Image, "x"), TransferMethod::LocalFile, "upload_file_id"),
        (FileInput::tool_file(FileType::Image, "x"), TransferMethod::ToolFile, "tool_file_id"),
    ] {
        let expected = json!({"type": "image", "transfer_method": method, field: "x"});
        assert_eq!(Value::from(file), expected);
    }
}

#[test]
fn an_input_of_an_app_has_a_type_and_a_definition() {
    let input: UserInput = serde_json::from_str(r#"{"select":{"variable":"v"}}"#).unwrap();
    assert_eq!(input.input_type(), Some("select"));
    assert_eq!(input.field().unwrap().variable.as_deref(), Some("v"));
    assert!(UserInput::default().input_type().is_none() && UserInput::default().field().is_none());
}

#[test]
fn decimals_keep_their_text() {
    let number: Decimal = serde_json::from_str("0.0013").unwrap();
    assert_eq!((number.as_text().as_ref(), number.to_f64()), ("0.0013", Some(0.0013)));
    assert_eq!(Decimal::default().to_string(), "0");
    assert_eq!(
        format!("{:?} {:?}", Decimal::new("1.50"), Decimal::new("hunter2")),
        "Decimal(1.50) Decimal(<7 bytes>)"
    );
}

#[test]
fn limits_have_the_documented_values() {
    use dify_plugin_protocol::frame::OVERLONG_PREFIX_BYTES;
    use dify_plugin_protocol::limits::*;
    assert_eq!(DAEMON_FRAME_BYTES, 5_242_879);
    assert_eq!(PLUGIN_FRAME_BYTES, 67_108_864);
    assert_eq!((BLOB_CHUNK_BYTES, TOOL_BLOB_BYTES), (8_192, 31_457_280));
    assert_eq!((ERROR_ARGS, ENDPOINT_REQUEST_BODY_BYTES), (10, 10_485_760));
    assert_eq!(OVERLONG_PREFIX_BYTES, 65_536);
}
