//! Recorded frames and payloads with arbitrary changes, and arbitrary bytes.

use std::sync::LazyLock;

use dify_plugin_protocol::daemon_frame::DaemonFrame;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::fixtures::{recorded, rows};
use crate::round_trip::{TYPES, line};

/// Example payloads and the names of their types.
static PAYLOADS: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| {
    let rows = rows("every-field.jsonl");
    rows.iter()
        .map(|row| (row.text("type"), serde_json::from_str(row.json("json").unwrap()).unwrap()))
        .collect()
});

static LINES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let rows = recorded().into_iter().flat_map(|file| rows(&format!("recorded/{file}")));
    let lines = rows.flat_map(|row| ["in", "out"].map(|key| row.json(key).map(str::to_owned)));
    // Long frames are few, contain long texts, and are slow to read a thousand times.
    lines
        .flatten()
        .filter(|line| line.len() < 16 * 1024)
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect()
});

/// Frames from the daemon, byte for byte.
static DAEMON_LINES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let rows = recorded().into_iter().flat_map(|file| rows(&format!("recorded/{file}")));
    let lines = rows.filter_map(|row| row.json("in").map(str::to_owned));
    lines.filter(|line| line.len() < 16 * 1024).collect()
});

/// A value to insert: numbers at the limits of their types, names with a meaning, and others.
fn value() -> impl Strategy<Value = Value> {
    let text = prop::sample::select(vec![
        "",
        "message",
        "request",
        "session",
        "error",
        "end",
        "a\"\\\n\u{0}é\u{1F986}",
        "0x00",
        "completion",
        "text",
        "1e400",
    ]);
    let number = prop::sample::select(vec![
        "0",
        "-0.0",
        "-1",
        "1.5",
        "1e300",
        "0.1234567890123456789",
        "18446744073709551615",
        "-9223372036854775808",
        "5e-324",
        "1e2",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        text.prop_map(Value::from),
        number.prop_map(|number| serde_json::from_str(number).unwrap()),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let key = prop::sample::select(vec!["event", "type", "data", "x", "extra", "message"]);
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((key, inner), 0..3).prop_map(|entries| {
                entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into()
            }),
        ]
    })
}

#[derive(Debug, Clone)]
enum Change {
    Put(Value),
    Remove,
    /// Under an unknown name.
    Add(Value),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => value().prop_map(Change::Put),
        1 => Just(Change::Remove),
        1 => value().prop_map(Change::Add),
    ]
}

/// Changes the part of `json` at `path`.
fn apply(json: &mut Value, path: &[u8], change: &Change) {
    let Some((step, path)) = path.split_first() else {
        match (json, change) {
            (Value::Object(object), Change::Add(value)) => {
                drop(object.insert("never heard of".to_owned(), value.clone()))
            }
            (json, Change::Put(value) | Change::Add(value)) => *json = value.clone(),
            (json, Change::Remove) => *json = Value::Null,
        }
        return;
    };
    match json {
        Value::Object(object) if !object.is_empty() => {
            let key = object.keys().nth(usize::from(*step) % object.len()).cloned().unwrap();
            match change {
                Change::Remove if path.is_empty() => drop(object.remove(&key)),
                _ => apply(&mut object[&key], path, change),
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let at = usize::from(*step) % list.len();
            apply(&mut list[at], path, change);
        }
        _ => apply(json, &[], change),
    }
}

fn changes() -> impl Strategy<Value = Vec<(Vec<u8>, Change)>> {
    vec((vec(any::<u8>(), 0..5), change()), 0..4)
}

/// A damage to a text: cut short, with a changed byte, or with a part repeated.
fn damage() -> impl Strategy<Value = Option<(u8, prop::sample::Index, u8)>> {
    prop::option::weighted(0.2, (0..3u8, any::<prop::sample::Index>(), any::<u8>()))
}

fn damaged(bytes: &[u8], damage: Option<(u8, prop::sample::Index, u8)>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let (Some((kind, at, with)), false) = (damage, bytes.is_empty()) {
        let at = at.index(bytes.len());
        match kind {
            0 => bytes.truncate(at),
            1 => bytes[at] = with,
            _ => {
                let piece = bytes[at..].iter().copied().take(usize::from(with)).collect::<Vec<u8>>();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn any_payload_is_refused_or_serializes_unchanged(
        at in any::<prop::sample::Index>(),
        changes in changes(),
        damage in damage(),
        other in any::<prop::sample::Index>(),
    ) {
        let (name, mut json) = PAYLOADS[at.index(PAYLOADS.len())].clone();
        for (path, change) in &changes {
            apply(&mut json, path, change);
        }
        let bytes = damaged(json.to_string().as_bytes(), damage);
        let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(()) };
        for (name, check) in TYPES.iter().filter(|(own, _)| *own == name).chain([other.get(TYPES)]) {
            let checked = check(text);
            prop_assert!(checked.is_ok(), "{}: {} in {}", name, checked.unwrap_err(), text);
        }
    }

    #[test]
    fn any_frame_is_refused_or_serializes_unchanged(
        at in any::<prop::sample::Index>(),
        changes in changes(),
        damage in damage(),
    ) {
        let mut json = LINES[at.index(LINES.len())].clone();
        for (path, change) in &changes {
            apply(&mut json, path, change);
        }
        let bytes = damaged(json.to_string().as_bytes(), damage);
        let checked = line(&bytes);
        prop_assert!(checked.is_ok(), "{} in {}", checked.unwrap_err(), String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_frame_like_the_daemons_is_refused_or_serializes_unchanged(
        at in any::<prop::sample::Index>(),
        damages in vec(damage(), 0..4),
    ) {
        let original = DAEMON_LINES[at.index(DAEMON_LINES.len())].as_bytes().to_vec();
        let bytes = damages.into_iter().fold(original, |bytes, damage| damaged(&bytes, damage));
        let checked = line(&bytes);
        prop_assert!(checked.is_ok(), "{} in {}", checked.unwrap_err(), String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_bytes_are_refused_or_serialize_unchanged(
        bytes in prop_oneof![vec(any::<u8>(), 0..60), value().prop_map(|value| value.to_string().into_bytes())],
    ) {
        let checked = line(&bytes);
        prop_assert!(checked.is_ok(), "{}", checked.unwrap_err());
        if let Ok(text) = std::str::from_utf8(&bytes) {
            for (name, check) in TYPES {
                let checked = check(text);
                prop_assert!(checked.is_ok(), "{}: {}", name, checked.unwrap_err());
            }
        }
    }
}

#[test]
fn raw_json_may_hold_what_no_value_can() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for odd in ["1e400", &deep] {
        let json =
            format!(r#"{{"event":"session","session_id":"s","data":{{"type":"stream","data":{odd}}}}}"#);
        assert_eq!(line(json.as_bytes()), Ok(true), "{json}");
    }
}

#[test]
fn unchanged_payloads_and_frames_are_accepted() {
    for (name, json) in &*PAYLOADS {
        let (_, check) = TYPES.iter().find(|(own, _)| own == name).unwrap();
        assert_eq!(check(&json.to_string()), Ok(true), "{name}: {json}");
    }
    let taken = LINES.iter().filter(|json| line(json.to_string().as_bytes()).unwrap()).count();
    assert!(taken > 3000 && LINES.len() - taken < 300, "{taken} of {}", LINES.len());
}

#[test]
fn recorded_replies_and_most_requests_are_daemon_frames() {
    let (mut quick, mut others) = (0, Vec::new());
    for line in &*DAEMON_LINES {
        match DaemonFrame::read(line) {
            Some(_) => quick += 1,
            None => others.push(line),
        }
    }
    // Some frames were written by hand or by the daemon's command-line runner, in another form. Of the daemon's own, only
    // errors with escapes and requests with a key after `user_id` need the general parser.
    assert!(quick > 1000 && others.len() < quick / 4, "{quick}, not {}", others.len());
}
