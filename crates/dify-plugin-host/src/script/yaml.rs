//! YAML read into JSON values, by the core schema of YAML 1.2.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

/// Deepest nesting that is read, in levels.
const MAX_DEPTH: usize = 100;

/// Most values that are read, what aliases repeat included.
const MAX_VALUES: usize = 1_000_000;

/// What is wrong, and the line and column where, from 1.
pub(super) struct YamlError {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) problem: String,
}

/// Reads the first document of `text`; null if there is none.
pub(super) fn read(text: &str) -> Result<Value, YamlError> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| YamlError {
            line: error.marker().line(),
            column: error.marker().col() + 1,
            problem: error.info().to_owned(),
        })?;
        let taken = reader.take(event).map_err(|problem| YamlError {
            line: span.start.line(),
            column: span.start.col() + 1,
            problem,
        })?;
        if taken.is_break() {
            break;
        }
    }
    Ok(reader.done.unwrap_or_default())
}

/// The name of an entry of the mapping at `place`, as in `apps.app-1`.
pub(super) fn joined(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

/// The line, from 1, of what stands at `wanted`, as in `apps.app-1.events[3]`: that of its key, if it has one.
pub(super) fn line_of(text: &str, wanted: &str) -> Option<usize> {
    /// An open list, with the number of its next item, or an open mapping, with the key whose value comes next.
    enum Inside {
        List(usize),
        Map(Option<(String, usize)>),
    }
    let mut open: Vec<(String, Inside)> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.ok()?;
        let line = span.start.line();
        if matches!(event, Event::SequenceEnd | Event::MappingEnd) {
            open.pop();
            continue;
        }
        let is_value = matches!(
            event,
            Event::Scalar(..) | Event::Alias(_) | Event::SequenceStart(..) | Event::MappingStart(..)
        );
        if !is_value {
            continue;
        }
        let (place, line) = match open.last_mut() {
            None => (String::new(), line),
            Some((place, Inside::List(next))) => {
                *next += 1;
                (format!("{place}[{}]", *next - 1), line)
            }
            Some((place, Inside::Map(key))) => match (key.take(), &event) {
                (Some((name, line)), _) => (joined(place, &name), line),
                (None, Event::Scalar(name, ..)) => {
                    *key = Some((name.to_string(), line));
                    continue;
                }
                // A key that is no text is no key of a script.
                (None, _) => return None,
            },
        };
        if place == wanted {
            return Some(line);
        }
        match event {
            Event::SequenceStart(..) => open.push((place, Inside::List(0))),
            Event::MappingStart(..) => open.push((place, Inside::Map(None))),
            _ => {}
        }
    }
    None
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    /// Finished values that have an anchor, with how many values each holds.
    anchors: std::collections::HashMap<usize, (Value, usize)>,
    values: usize,
    done: Option<Value>,
}

struct Open {
    anchor: usize,
    /// How many values had been read when it began.
    before: usize,
    content: Content,
}

enum Content {
    List(Vec<Value>),
    /// The entries, and the key whose value comes next.
    Map(Map<String, Value>, Option<String>),
}

type Step = std::ops::ControlFlow<()>;

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<Step, String> {
        match event {
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
            Event::DocumentEnd | Event::StreamEnd => return Ok(Step::Break(())),
            Event::Scalar(text, style, anchor, tag) => {
                let value = match tag {
                    None if style == ScalarStyle::Plain => scalar(&text)?,
                    None => Value::String(text.into_owned()),
                    Some(tag) if tag.suffix == "str" => Value::String(text.into_owned()),
                    Some(tag) => return Err(format!("the tag `{tag}` is not read; remove it")),
                };
                let before = self.values;
                self.finished(value, anchor, before)?;
            }
            Event::Alias(anchor) => {
                let Some((value, size)) = self.anchors.get(&anchor) else {
                    return Err("the alias stands inside the value it repeats".to_owned());
                };
                let (value, size) = (value.clone(), *size);
                let before = self.values;
                self.values += size;
                self.finished(value, 0, before)?;
            }
            Event::SequenceStart(anchor, _) => self.begin(anchor, Content::List(Vec::new()))?,
            Event::MappingStart(anchor, _) => self.begin(anchor, Content::Map(Map::new(), None))?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { anchor, before, content }) = self.open.pop() {
                    let value = match content {
                        Content::List(items) => Value::Array(items),
                        Content::Map(entries, _) => Value::Object(entries),
                    };
                    self.finished(value, anchor, before)?;
                }
            }
        }
        Ok(Step::Continue(()))
    }

    fn begin(&mut self, anchor: usize, content: Content) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("values are nested more than {MAX_DEPTH} levels deep"));
        }
        self.open.push(Open { anchor, before: self.values, content });
        Ok(())
    }

    fn finished(&mut self, value: Value, anchor: usize, before: usize) -> Result<(), String> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(format!("more than {MAX_VALUES} values"));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), self.values - before));
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.done = Some(value),
            Some(Content::List(items)) => items.push(value),
            Some(Content::Map(entries, key @ None)) => {
                let name = match value {
                    Value::String(name) => name,
                    Value::Number(_) | Value::Bool(_) | Value::Null => value.to_string(),
                    Value::Array(_) | Value::Object(_) => return Err("a key must be text".to_owned()),
                };
                if entries.contains_key(&name) {
                    return Err(format!("the key `{name}` is there twice"));
                }
                *key = Some(name);
            }
            Some(Content::Map(entries, key)) => {
                entries.insert(key.take().unwrap_or_default(), value);
            }
        }
        Ok(())
    }
}

/// A plain scalar's value (YAML 1.2, section 10.3).
fn scalar(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf"
        | "-.Inf" | "-.INF" => return Err(format!("JSON has no number `{text}`")),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    })
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let unsigned = || text.strip_prefix('+').unwrap_or(text).parse::<u64>().ok().map(Number::from);
        if let Some(number) = text.parse::<i64>().ok().map(Number::from).or_else(unsigned) {
            return Some(number);
        }
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        // Rust's parser would take a sign.
        if let Some(digits) = text.strip_prefix(prefix).filter(|digits| !digits.starts_with(['+', '-'])) {
            return u64::from_str_radix(digits, radix).ok().map(Number::from);
        }
    }
    // Rust also reads words such as `inf`.
    let numeric = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    numeric.then(|| text.parse().ok()).flatten().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ok(text: &str) -> Value {
        read(text).unwrap_or_else(|error| panic!("{}:{}: {}", error.line, error.column, error.problem))
    }

    fn problem(text: &str) -> (usize, usize, String) {
        let error = read(text).err().unwrap();
        (error.line, error.column, error.problem)
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        assert_eq!(
            ok(
                "[a b, 'yes', \"1\", yes, true, ~, 12, -3, 0x1F, 0o17, 1.5, 1e3, .5, 1.2.3, 2026-01-01, '{i}']"
            ),
            json!([
                "a b",
                "yes",
                "1",
                "yes",
                true,
                null,
                12,
                -3,
                31,
                15,
                1.5,
                1000.0,
                0.5,
                "1.2.3",
                "2026-01-01",
                "{i}"
            ])
        );
        assert_eq!(ok("text: |\n  one\n  two\n"), json!({"text": "one\ntwo\n"}));
        assert_eq!(ok(""), Value::Null);
        assert_eq!(ok(r#"{"a": [1, {"b": "\u00e9"}]}"#), json!({"a": [1, {"b": "é"}]}));
    }

    #[test]
    fn aliases_repeat_and_their_growth_has_a_bound() {
        assert_eq!(ok("a: &x {k: 1}\nb: *x\n"), json!({"a": {"k": 1}, "b": {"k": 1}}));
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..9 {
            let below = format!("*a{},", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{below}]\n");
        }
        assert_eq!(problem(&bomb).2, "more than 1000000 values");
    }

    #[test]
    fn faults_are_told_with_their_place() {
        assert_eq!(problem("a: 1\na: 2\n"), (2, 1, "the key `a` is there twice".to_owned()));
        assert_eq!(problem("a: [1\n").0, 2);
        assert!(problem(&"[".repeat(101)).2.contains("nested"));
        // The parser has a limit of its own.
        assert!(read(&"[".repeat(100_000)).is_err());
        assert_eq!(problem("x: .inf").2, "JSON has no number `.inf`");
    }
}
