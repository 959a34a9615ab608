//! Endpoint groups and endpoints (`endpoint_declaration.go`).

use super::config::CONFIG;
use crate::schema::{Field, FieldType, Object, Rule};

pub(crate) static GROUP: Object = Object::new(&[
    Field::new("settings", FieldType::Objects(&CONFIG)).not_null(),
    Field::new("endpoints", FieldType::Endpoints(&ENDPOINT)),
])
// The daemon decodes this list and then drops it; see `Reader::endpoints`.
.others(&["endpoint_declarations"]);

pub(crate) static ENDPOINT: Object = Object::new(&[
    Field::new("path", FieldType::Text).required(),
    Field::new("method", FieldType::Text).rules(&[Rule::Required, Rule::OneOf(METHODS)]),
    Field::new("hidden", FieldType::Bool),
])
.others(&["extra"])
.finish(crate::check::endpoint);

const METHODS: &str = "HEAD GET POST PUT DELETE OPTIONS";
