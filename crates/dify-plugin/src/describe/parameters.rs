//! Which fields a type has, found out by trying to make one.
//!
//! serde's `Deserialize` says what it wants only while it is given something. So a type is given objects of many kinds: an
//! empty one, which tells the names of its fields; one field that notes what it is asked for; all fields but one, which
//! tells whether that one is required. Nothing is asked of the author's type but that it is read by serde, and what it
//! does not tell is left open.

use std::cell::RefCell;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::asker::{Asker, Kind, Seen};
use super::object::{Filling, make};
use super::problem::Problem;
use super::sample::Sample;

/// The parameters of a tool.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Parameters {
    /// Those of a struct.
    Known { parameters: Vec<Parameter> },
    /// Any: the type takes a map, or does not say what it takes.
    Open { open: bool },
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Parameter {
    name: &'static str,
    #[serde(rename = "type")]
    type_name: &'static str,
    /// Of a list the type of its items, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<&'static str>,
    /// Left out where it could not be found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<bool>,
    /// Of a select, or of a list of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<&'static [&'static str]>,
    /// Other names by which it is read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<&'static str>,
}

/// Finds out the fields of `T`. Never panics, whatever `T` does.
pub(crate) fn parameters<T: DeserializeOwned>() -> Parameters {
    let (Some(names), _) = make::<T>(&[]) else { return Parameters::Open { open: true } };
    let fields = fields::<T>(names);
    let parameters = fields.iter().map(|field| {
        let seen = seen::<T>(field.name);
        let required = is_required::<T>(&fields, field).or(seen.optional.then_some(false));
        parameter(field, seen, required)
    });
    Parameters::Known { parameters: parameters.collect() }
}

/// A field of a struct.
struct Field {
    name: &'static str,
    aliases: Vec<&'static str>,
    /// A value that it takes, if one was found.
    sample: Option<Sample>,
}

/// Sorts the names out: some may be of the same field.
fn fields<T: DeserializeOwned>(names: &[&'static str]) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for &name in names {
        let (own_name, sample) = match take_twice::<T>(name) {
            Some((own_name, sample)) => (own_name, Some(sample)),
            None => (name, None),
        };
        let at = fields.iter().position(|field| field.name == own_name).unwrap_or_else(|| {
            fields.push(Field { name: own_name, aliases: Vec::new(), sample });
            fields.len() - 1
        });
        if name != own_name {
            fields[at].aliases.push(name);
        }
    }
    fields
}

/// A value that the field takes, and the field's own name, which serde tells when it is there twice.
fn take_twice<T: DeserializeOwned>(name: &'static str) -> Option<(&'static str, Sample)> {
    Sample::all().find_map(|sample| {
        let field = (name, Filling::Sample(sample));
        match make::<T>(&[field, field]).1 {
            Err(Problem::Duplicate(own_name)) => Some((own_name, sample)),
            // An author's own visitor that does not mind.
            Ok(()) | Err(Problem::Missing(_)) => Some((name, sample)),
            Err(Problem::Other) => None,
        }
    })
}

/// What the field asks for.
fn seen<T: DeserializeOwned>(name: &str) -> Seen {
    let ask = |variant| {
        let seen = RefCell::default();
        // It can't be made of that; it is only asked.
        let _ = make::<T>(&[(name, Filling::Ask(Asker::new(&seen, variant)))]);
        seen.into_inner()
    };
    let mut first = ask(0);
    first.data |= (1..first.variants).any(|variant| ask(variant).data);
    first
}

/// Whether the field can't be left out, if that can be told.
fn is_required<T: DeserializeOwned>(fields: &[Field], field: &Field) -> Option<bool> {
    let others = fields.iter().filter(|other| other.name != field.name);
    let others: Vec<_> =
        others.filter_map(|other| Some((other.name, Filling::Sample(other.sample?)))).collect();
    match make::<T>(&others).1 {
        Err(Problem::Missing(name)) if name == field.name => Some(true),
        // serde looks for the fields in their order. One that could not be filled ends the search before its end.
        Err(Problem::Missing(name)) => {
            let place = |name: &str| fields.iter().position(|field| field.name == name);
            (place(name) > place(field.name)).then_some(false)
        }
        // With all fields there, the type may still find fault with their values.
        Ok(()) | Err(_) => Some(false),
    }
}

fn parameter(field: &Field, seen: Seen, required: Option<bool>) -> Parameter {
    let kind = seen.kind.unwrap_or(Kind::Any);
    let (type_name, mut options) = name_of(&kind, seen.data);
    let mut items = None;
    if let Kind::Array(item) = &kind {
        let (item_name, item_options) = name_of(item, seen.data);
        items = (item_name != "any").then_some(item_name);
        options = item_options;
    }
    Parameter { name: field.name, type_name, items, required, options, aliases: field.aliases.clone() }
}

/// What a kind is called, and the names to choose from.
fn name_of(kind: &Kind, holds_data: bool) -> (&'static str, Option<&'static [&'static str]>) {
    match kind {
        Kind::Any => ("any", None),
        Kind::String => ("string", None),
        Kind::Number => ("number", None),
        Kind::Boolean => ("boolean", None),
        // An enum with data is written as an object, or as a name.
        Kind::Select(_) if holds_data => ("any", None),
        Kind::Select(variants) => ("select", Some(*variants)),
        Kind::File => ("file", None),
        Kind::Array(_) => ("array", None),
        Kind::Object => ("object", None),
    }
}

#[cfg(test)]
mod tests;
