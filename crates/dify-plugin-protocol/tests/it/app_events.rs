//! Every event of the app interfaces has its own variant and serializes unchanged.

use std::collections::BTreeSet;

use dify_plugin_protocol::app::event::AppEvent;
use serde_json::Value;

use crate::equal::same;
use crate::fixtures::rows;
use crate::typed::event;

/// Events that do not exist, which must be kept.
const UNKNOWN: &[&str] = &["a_future_event"];

#[test]
fn each_event_has_its_variant_and_serializes_unchanged() {
    let mut seen = BTreeSet::new();
    for row in
        [rows("app-events/app-stream-events.jsonl"), rows("app-events/app-stream-variants.jsonl")].concat()
    {
        let name = row.text("event");
        let json = row.json("example").unwrap();
        let original: Value = serde_json::from_str(json).unwrap();
        if UNKNOWN.contains(&name.as_str()) {
            let unknown = AppEvent::parse(json).unwrap();
            assert!(
                matches!(&unknown, AppEvent::Unknown(raw) if raw.name == name && raw.json.get() == json),
                "{row}"
            );
            assert_eq!(same(&original, &serde_json::to_value(&unknown).unwrap()), Ok(()), "{row}");
            continue;
        }
        let typed = event(json).unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!(same(&original, &typed.json), Ok(()), "{row}");
        assert_eq!(typed.extra, Vec::<String>::new(), "{row} has keys that {name} does not know");
        seen.insert(name);
    }
    let known = AppEvent::KNOWN.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(seen, known, "every variant has an example");
}

#[test]
fn a_field_of_the_wrong_type_is_named_in_the_error() {
    for (json, at) in [
        (r#"{"event":"message","answer":5}"#, "answer"),
        (
            r#"{"event":"message_end","metadata":{"usage":{"total_tokens":"many"}}}"#,
            "metadata.usage.total_tokens",
        ),
        (
            r#"{"event":"message_end","metadata":{"retriever_resources":[{},{"score":[]}]}}"#,
            "metadata.retriever_resources[1].score",
        ),
        (r#"{"event":"workflow_finished","data":{"status":1}}"#, "data.status"),
    ] {
        let error = AppEvent::parse(json).unwrap_err().to_string();
        assert!(error.contains(&format!("`{at}`")), "{error}");
    }
}
