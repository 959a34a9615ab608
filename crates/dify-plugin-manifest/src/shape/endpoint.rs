//! Endpoint groups and endpoints (`endpoint_declaration.go`).

use super::config::CONFIG;
use crate::schema::{Field, Kind, Object, Rule};

pub(crate) static GROUP: Object = Object::new(&[
    Field::new("settings", Kind::Objects(&CONFIG)).not_null(),
    Field::new("endpoints", Kind::Endpoints(&ENDPOINT)),
])
// The daemon decodes this list and then drops it; the reader does so along with `endpoints`.
.others(&["endpoint_declarations"]);

pub(crate) static ENDPOINT: Object = Object::new(&[
    Field::new("path", Kind::Text).required(),
    Field::new("method", Kind::Text).rules(&[Rule::Required, Rule::OneOf(METHODS)]),
    Field::new("hidden", Kind::Bool),
])
.others(&["extra"])
.finish(crate::check::endpoint);

const METHODS: &str = "HEAD GET POST PUT DELETE OPTIONS";
