//! Credentials and settings.

use dify_plugin_protocol::credentials::Credentials;
use serde::Deserialize;
use serde_json::Map;

#[test]
fn debug_shows_names_and_no_values() {
    let credentials: Credentials =
        serde_json::from_str(r#"{"api_key":"hunter2","n":{"deep":"hunter3"}}"#).unwrap();
    assert_eq!(format!("{credentials:?}"), r#"Credentials({"api_key": .., "n": ..})"#);
}

#[test]
fn null_reads_as_empty_and_stays_null() {
    let credentials: Credentials = serde_json::from_str("null").unwrap();
    assert!(credentials.is_empty() && credentials.get("api_key").is_none());
    assert_eq!(serde_json::to_string(&credentials).unwrap(), "null");
    #[derive(Deserialize)]
    struct Typed {
        region: Option<String>,
    }
    assert!(credentials.to::<Typed>().unwrap().region.is_none());
    assert_eq!(serde_json::to_string(&Credentials::from(Map::new())).unwrap(), "{}");
}
