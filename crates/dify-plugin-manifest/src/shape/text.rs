//! Text in several languages (`basic_type.go`).

use serde_json::Value as Json;

use super::{Field, Kind, Object, Rule};

/// Text in the languages of Dify's interface.
pub(crate) static I18N: Object = Object::new(&[
    Field::new("en_US", Kind::Text).rules(&[Rule::Required, LONGEST]),
    Field::new("ja_JP", Kind::Text).rules(&[LONGEST]).omitted_when_empty(),
    Field::new("zh_Hans", Kind::Text).rules(&[LONGEST]).omitted_when_empty(),
    Field::new("pt_BR", Kind::Text).rules(&[LONGEST]).omitted_when_empty(),
]);

/// The same where nothing is wrong with an empty one.
pub(crate) static OPTIONAL_I18N: Object = Object::new(&[
    Field::new("en_US", Kind::Text).rules(&[LONGEST]),
    Field::new("ja_JP", Kind::Text).rules(&[LONGEST]).omitted_when_empty(),
    Field::new("zh_Hans", Kind::Text).rules(&[LONGEST]).omitted_when_empty(),
    Field::new("pt_BR", Kind::Text).rules(&[LONGEST]).omitted_when_empty(),
])
.finish(|reader, place, mapping, texts| {
    let given = |key: &str| texts.get(key).and_then(Json::as_str).is_some_and(|text| !text.is_empty());
    if !given("en_US") && ["ja_JP", "zh_Hans", "pt_BR"].into_iter().any(given) {
        let message = "without `en_US`, the other languages are dropped";
        reader.misread(&place.field("en_US"), mapping, "missing", message, "write `en_US:` and a text");
    }
});

const LONGEST: Rule = Rule::AtMost(1023);
