//! JSON arrays in place of objects.

use dify_plugin_protocol::Incoming;

#[test]
fn an_array_of_the_fields_is_not_an_envelope() {
    let array = r#"["s",null,null,null,null,null,null,"request",{}]"#;
    assert!(serde_json::from_str::<Incoming<'_>>(array).is_ok(), "serde takes it, so the guard is needed");
    assert!(Incoming::parse(array).is_err());
}
