//! Comparing JSON by meaning.

use serde_json::Value;

/// Compares numbers by value, a null like an absent key, and everything else exactly. Returns the first difference.
pub(crate) fn same(expected: &Value, found: &Value) -> Result<(), String> {
    compare(expected, found, "$")
}

fn compare(expected: &Value, found: &Value, path: &str) -> Result<(), String> {
    match (expected, found) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().try_for_each(|key| {
                let [a, b] = [a, b].map(|map| map.get(key).unwrap_or(&Value::Null));
                compare(a, b, &format!("{path}.{key}"))
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().try_for_each(|(i, (a, b))| compare(a, b, &format!("{path}[{i}]")))
        }
        (Value::Number(a), Value::Number(b))
            if a == b || (!(integer(a) && integer(b)) && a.as_f64() == b.as_f64()) =>
        {
            Ok(())
        }
        (a, b) if a == b => Ok(()),
        (a, b) => Err(format!("at {path}: {} became {}", short(a), short(b))),
    }
}

fn integer(number: &serde_json::Number) -> bool {
    number.is_i64() || number.is_u64()
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(200).collect()
}

#[test]
fn null_is_absent_and_numbers_are_compared_by_value() {
    let parse = |text| serde_json::from_str::<Value>(text).unwrap();
    for (a, b) in [(r#"{"a":1,"b":null}"#, r#"{"a":1.0}"#), ("[1e2]", "[100]"), ("{}", r#"{"x":null}"#)] {
        assert_eq!(same(&parse(a), &parse(b)), Ok(()), "{a} {b}");
    }
    for (a, b) in [
        ("[null]", "[]"),
        ("1", "\"1\""),
        (r#"{"a":{}}"#, "{}"),
        (r#"{"a":[]}"#, r#"{"a":null}"#),
        ("12345678901234567000", "12345678901234567001"),
        ("false", "null"),
    ] {
        assert!(same(&parse(a), &parse(b)).is_err(), "{a} {b}");
    }
}
