//! Text in several languages (`basic_type.go`).

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
]);

const LONGEST: Rule = Rule::AtMost(1023);
