//! Where two values differ.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// One place at which two values differ; `None` if a value is absent there.
#[derive(Debug)]
pub(crate) struct Difference {
    /// A JSON pointer.
    pub(crate) at: String,
    pub(crate) ours: Option<Value>,
    pub(crate) theirs: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<Value>| {
            value.as_ref().map_or("nothing".to_owned(), |value| format!("{value:.300}"))
        };
        write!(f, "{}: {} beside {}", self.at, text(&self.ours), text(&self.theirs))
    }
}

/// Returns the innermost places at which they differ.
pub(crate) fn differences(ours: &Value, theirs: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), Some(ours), Some(theirs), &mut found);
    found
}

fn compare(at: String, ours: Option<&Value>, theirs: Option<&Value>, found: &mut Vec<Difference>) {
    match (ours, theirs) {
        // Messages of different kinds have no fields to compare.
        (Some(Value::Object(our)), Some(Value::Object(their))) if our.get("type") != their.get("type") => {
            found.push(Difference { at, ours: ours.cloned(), theirs: theirs.cloned() });
        }
        (Some(Value::Object(our)), Some(Value::Object(their))) => {
            for name in our.keys().chain(their.keys()).collect::<BTreeSet<_>>() {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                compare(format!("{at}/{escaped}"), our.get(name), their.get(name), found);
            }
        }
        (Some(Value::Array(our)), Some(Value::Array(their))) => {
            for n in 0..our.len().max(their.len()) {
                compare(format!("{at}/{n}"), our.get(n), their.get(n), found);
            }
        }
        (ours, theirs) if ours == theirs => {}
        (ours, theirs) => found.push(Difference { at, ours: ours.cloned(), theirs: theirs.cloned() }),
    }
}
