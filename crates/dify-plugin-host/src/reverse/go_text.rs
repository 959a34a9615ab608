//! JSON values as Go prints them inside its error texts (`fmt`, verbs `%s` and `%v`).

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The Go type that a JSON value of this kind is decoded to.
pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// The kind of that type, without what it holds.
pub(super) fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
        other => go_type(other),
    }
}

/// A map as `%s` prints it: keys sorted, what is no string marked with its type.
pub(super) fn map(map: &Map<String, Value>) -> String {
    let mut out = String::new();
    write_map(&mut out, map, true);
    out
}

/// A value as `%v` prints it.
pub(super) fn plain(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value, false);
    out
}

fn write_map(out: &mut String, map: &Map<String, Value>, marked: bool) {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| key.as_str());
    out.push_str("map[");
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        let _ = write!(out, "{key}:");
        write_value(out, value, marked);
    }
    out.push(']');
}

fn write_value(out: &mut String, value: &Value, marked: bool) {
    // Writing into a string cannot fail.
    let _ = match value {
        Value::Null if marked => write!(out, "%!s(<nil>)"),
        Value::Null => write!(out, "<nil>"),
        Value::Bool(value) if marked => write!(out, "%!s(bool={value})"),
        Value::Bool(value) => write!(out, "{value}"),
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            if marked { write!(out, "%!s(float64={number})") } else { write!(out, "{number}") }
        }
        Value::String(text) => write!(out, "{text}"),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write_value(out, item, marked);
            }
            out.push(']');
            Ok(())
        }
        Value::Object(map) => {
            write_map(out, map, marked);
            Ok(())
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_read_as_go_prints_them() {
        let value = serde_json::json!({"type": "app", "backwards_request_id": "x", "n": 5, "z": null, "l": [true, "a"]});
        assert_eq!(
            map(value.as_object().unwrap()),
            "map[backwards_request_id:x l:[%!s(bool=true) a] n:%!s(float64=5) type:app z:%!s(<nil>)]"
        );
        assert_eq!(plain(&serde_json::json!({"a": [1, "b"]})), "map[a:[1 b]]");
    }
}
