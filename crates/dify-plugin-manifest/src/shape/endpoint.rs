//! Endpoint groups and endpoints (`endpoint_declaration.go`).

use super::config::CONFIG;
use super::{Field, Kind, Object, Rule};

pub(crate) static GROUP: Object = Object::new(&[
    Field::new("settings", Kind::Objects(&CONFIG)).not_null(),
    Field::new("endpoints", Kind::With(|reader, _, value| reader.endpoints(value, &ENDPOINT))),
])
// The daemon decodes this list, then drops it: see `Reader::endpoints`.
.others(&["endpoint_declarations"])
.finish(|reader, _, mapping, _| {
    // Nothing but its errors counts.
    if let Some(list) = mapping.and_then(|mapping| reader.get(mapping, "endpoint_declarations")) {
        reader.objects(Some(&list), &ENDPOINT);
        reader.dropped(
            &list,
            "the daemon reads this list and drops it",
            "write the endpoints under `endpoints`",
        );
    }
});

pub(crate) static ENDPOINT: Object = Object::new(&[
    Field::new("path", Kind::Text).required(),
    Field::new("method", Kind::Text).rules(&[Rule::Required, Rule::OneOf(METHODS)]),
    Field::new("hidden", Kind::Bool),
])
.others(&["extra"])
.finish(crate::check::endpoint);

const METHODS: &[&str] = &["HEAD", "GET", "POST", "PUT", "DELETE", "OPTIONS"];
