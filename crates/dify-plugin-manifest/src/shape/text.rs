//! Text in several languages (`basic_type.go`).

use crate::report::text;
use crate::schema::{Field, FieldType, Format, Object, Rule};

/// Text in the languages of Dify's interface.
pub(crate) static I18N: Object = Object::new(&[
    Field::new("en_US", FieldType::Text).rules(&[Rule::Required, LONGEST]),
    Field::new("ja_JP", FieldType::Text).rules(&[LONGEST]).omitted_when_empty(),
    Field::new("zh_Hans", FieldType::Text).rules(&[LONGEST]).omitted_when_empty(),
    Field::new("pt_BR", FieldType::Text).rules(&[LONGEST]).omitted_when_empty(),
]);

/// The same where the text may be empty.
pub(crate) static OPTIONAL_I18N: Object = Object::new(&[
    Field::new("en_US", FieldType::Text).rules(&[LONGEST]),
    Field::new("ja_JP", FieldType::Text).rules(&[LONGEST]).omitted_when_empty(),
    Field::new("zh_Hans", FieldType::Text).rules(&[LONGEST]).omitted_when_empty(),
    Field::new("pt_BR", FieldType::Text).rules(&[LONGEST]).omitted_when_empty(),
])
.finish(|subject, texts| {
    let given = |key: &str| !text(texts, key).is_empty();
    if !given("en_US") && ["ja_JP", "zh_Hans", "pt_BR"].into_iter().any(given) {
        let message = "without `en_US`, the other languages are dropped";
        subject.warn("en_US", "missing", message, "write `en_US:` and a text");
    }
});

const LONGEST: Rule = Rule::AtMost(1023);

/// A name by which calls address a provider or a member.
pub(crate) static NAME: Format = Format {
    fits: |text| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    },
    help: "use letters, digits, `_` and `-`",
};
