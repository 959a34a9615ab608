use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::num::NonZeroU8;
use std::path::PathBuf;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize as _};
use serde_json::{Value, json};

use super::*;
use crate::File;

/// The parameters as JSON, in which they are looked at.
fn described<T: DeserializeOwned>() -> Value {
    parameters::<T>().serialize(serde_json::value::Serializer).unwrap()
}

/// Each parameter in a few words.
fn brief<T: DeserializeOwned>() -> Vec<String> {
    let described = described::<T>();
    let each = described["parameters"].as_array().unwrap_or_else(|| panic!("{described}")).iter();
    each.map(|parameter| {
        let text = |name: &str| parameter[name].as_str().unwrap_or_default().to_owned();
        let mark = match parameter.get("required").map(|required| required == true) {
            Some(true) => "",
            Some(false) => "?",
            None => " (required or not)",
        };
        let items = parameter["items"].as_str().map(|items| format!(" of {items}")).unwrap_or_default();
        let options = parameter.get("options").map(|options| format!(" {options}")).unwrap_or_default();
        let aliases = parameter.get("aliases").map(|aliases| format!(" or {aliases}")).unwrap_or_default();
        format!("{}{mark}: {}{items}{options}{aliases}", text("name"), text("type"))
    })
    .collect()
}

fn is_open<T: DeserializeOwned>() -> bool {
    described::<T>() == json!({"open": true})
}

macro_rules! read_only {
    ($($item:item)*) => { $(#[allow(dead_code, reason = "only described")] #[derive(Deserialize)] $item)* };
}

read_only! {
    struct Plain {
        text: String,
        letter: char,
        boxed: Box<str>,
        path: PathBuf,
        small: i8,
        large: u128,
        not_zero: NonZeroU8,
        ratio: f32,
        yes: bool,
        maybe: Option<f64>,
        boxed_maybe: Box<Option<String>>,
        list: Vec<String>,
        set: Option<std::collections::BTreeSet<u8>>,
        pair: (u8, String),
        map: HashMap<String, u8>,
        anything: Value,
        nothing: (),
        photo: File,
        more: Option<File>,
        album: Vec<File>,
        point: Point,
        points: Option<Vec<Point>>,
        address: IpAddr,
        wrapped: Wrapped,
        raw: Option<Box<serde_json::value::RawValue>>,
    }

    struct Point { x: f64, y: Option<f64>, #[serde(default)] z: f64 }

    struct Wrapped(Option<String>);
}

#[test]
fn each_type_asks_for_what_it_is() {
    assert_eq!(
        brief::<Plain>(),
        [
            "text: string",
            "letter: string",
            "boxed: string",
            "path: string",
            "small: number",
            "large: number",
            "not_zero: number",
            "ratio: number",
            "yes: boolean",
            "maybe?: number",
            "boxed_maybe?: string",
            "list: array of string",
            "set?: array of number",
            "pair: array",
            "map: object",
            "anything: any",
            "nothing: any",
            "photo: file",
            "more?: file",
            "album: array of file",
            "point: object",
            "points?: array of object",
            "address: string",
            "wrapped: string",
            "raw?: any",
        ]
    );
}

read_only! {
    struct Defaults {
        first: String,
        #[serde(default)]
        second: String,
        #[serde(default = "ten")]
        third: u8,
        #[serde(skip)]
        fourth: u8,
        #[serde(rename = "five")]
        fifth: String,
        #[serde(deserialize_with = "yes_or_no")]
        sixth: Option<bool>,
        #[serde(default, deserialize_with = "yes_or_no")]
        seventh: Option<bool>,
        last: Option<String>,
    }

    #[serde(default)]
    struct AllDefaults { a: String, b: u8 }

    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Strict { in_camel_case: String, #[serde(alias = "old", alias = "anOlder")] new_name: u8 }
}

impl Default for AllDefaults {
    fn default() -> Self {
        Self { a: "x".to_owned(), b: 3 }
    }
}

fn ten() -> u8 {
    10
}

fn yes_or_no<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "true" => Ok(Some(true)),
        "" => Ok(None),
        _ => Err(D::Error::custom("neither yes nor no")),
    }
}

#[test]
fn what_has_a_default_is_not_required_and_names_are_those_of_serde() {
    assert_eq!(
        brief::<Defaults>(),
        [
            "first: string",
            "second?: string",
            "third?: number",
            "five: string",
            "sixth: string",
            "seventh?: string",
            "last?: string",
        ]
    );
    assert_eq!(brief::<AllDefaults>(), ["a?: string", "b?: number"]);
    assert_eq!(brief::<Strict>(), ["inCamelCase: string", r#"newName: number or ["anOlder","old"]"#]);
}

read_only! {
    #[serde(rename_all = "lowercase")]
    enum Tone { Angry, #[serde(alias = "happy")] Cheerful }

    enum Shape { Round, Square(u8) }

    enum Cornered { Square { side: u8 }, Round }

    #[serde(untagged)]
    enum OneOrMany { One(String), Many(Vec<String>) }

    #[serde(tag = "type")]
    enum Tagged { A { a: u8 }, B }

    struct Enums {
        tone: Tone,
        tones: Option<Vec<Tone>>,
        shape: Shape,
        cornered: Option<Cornered>,
        shapes: Vec<Shape>,
        text: OneOrMany,
        tagged: Tagged,
        after: String,
    }
}

#[test]
fn an_enum_without_data_is_a_choice_of_its_names() {
    assert_eq!(
        brief::<Enums>(),
        [
            r#"tone: select ["angry","cheerful","happy"]"#,
            r#"tones?: array of select ["angry","cheerful","happy"]"#,
            "shape: any",
            "cornered?: any",
            "shapes: array",
            "text: any",
            "tagged: any",
            // No `Tagged` could be made up.
            "after (required or not): string",
        ]
    );
}

read_only! {
    struct Flat { text: String, #[serde(flatten)] rest: BTreeMap<String, Value> }

    struct NewType(Plain);

    struct Unit;

    struct Positions(u8, u8);

    #[serde(transparent)]
    struct Transparent { inner: Strict }
}

#[test]
fn what_does_not_tell_its_fields_is_open() {
    assert!(is_open::<Value>());
    assert!(is_open::<serde_json::Map<String, Value>>());
    assert!(is_open::<HashMap<String, String>>());
    assert!(is_open::<Box<serde_json::value::RawValue>>());
    assert!(is_open::<Flat>());
    assert!(is_open::<OneOrMany>());
    assert!(is_open::<Tagged>());
    assert!(is_open::<Unit>());
    assert!(is_open::<Positions>());
    assert!(is_open::<()>());
    assert!(is_open::<String>());
    assert_eq!(brief::<crate::NoParameters>(), [""; 0]);
    assert_eq!(brief::<NewType>(), brief::<Plain>());
    assert_eq!(brief::<Option<Transparent>>(), brief::<Strict>());
}

/// Takes nothing that is made up.
#[derive(Clone)]
struct Secret;

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "sesame" { Ok(Self) } else { Err(D::Error::custom("wrong")) }
    }
}

/// Panics at whatever it is given, and when it is given nothing.
struct Panics;

impl<'de> Deserialize<'de> for Panics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer).map(|text| text.parse::<u8>());
        text.map(|_| panic!("not now"))
    }
}

struct AlwaysPanics;

impl<'de> Deserialize<'de> for AlwaysPanics {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("never")
    }
}

read_only! {
    struct Hard { before: Option<String>, secret: Secret, loud: Option<Panics>, #[serde(default)] after: u8, last: u8 }

    struct Tree { name: String, children: Vec<Tree>, parent: Option<Box<Tree>> }

    struct Endless(Box<Endless>);

    struct EndlessOption(Option<Box<EndlessOption>>);

    struct HasEndless { a: Endless, b: EndlessOption, c: Nested, d: u8 }

    struct Nested(Vec<Nested>);

    #[serde(try_from = "Raw")]
    struct Checked { a: Option<u8>, b: Option<u8> }

    struct Raw { a: Option<u8>, b: Option<u8>, c: u8 }
}

impl TryFrom<Raw> for Checked {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        if raw.a.is_none() { Err("there is no a") } else { Ok(Self { a: raw.a, b: raw.b }) }
    }
}

#[test]
fn a_type_that_takes_nothing_made_up_is_described_by_what_it_asks_for() {
    // Whether what comes after `secret` is required can't be tried: all that is known then is what an `Option` says.
    assert_eq!(
        brief::<Hard>(),
        [
            "before?: string",
            "secret: string",
            "loud?: string",
            "after (required or not): number",
            "last (required or not): number",
        ]
    );
    assert!(is_open::<AlwaysPanics>());
    assert_eq!(brief::<Checked>(), ["a?: number", "b?: number", "c: number"]);
}

#[test]
fn a_type_that_contains_itself_has_an_end() {
    assert_eq!(brief::<Tree>(), ["name: string", "children: array of object", "parent?: object"]);
    assert!(is_open::<Endless>());
    assert_eq!(
        brief::<HasEndless>(),
        [
            "a: any",
            "b (required or not): any",
            "c (required or not): array of array",
            "d (required or not): number"
        ]
    );
}

/// As a person writes it who has no derive.
struct ByHand;

impl<'de> Deserialize<'de> for ByHand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = ByHand;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ByHand, A::Error> {
                let mut text = None::<String>;
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "text" => text = Some(map.next_value()?),
                        _ => drop(map.next_value::<u8>()?),
                    }
                }
                text.map(|_| ByHand).ok_or_else(|| A::Error::missing_field("text"))
            }
        }

        deserializer.deserialize_struct("ByHand", &["text", "number"], Fields)
    }
}

#[test]
fn a_visitor_written_by_hand_is_driven_too() {
    assert_eq!(brief::<ByHand>(), ["text: string", "number?: number"]);
}
