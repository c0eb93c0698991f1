//! JSON as Go's `encoding/json` decodes it into structs: names of fields in any
//! case, fields that come again, `null` for whatever keeps its value.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value that keeps all fields of an object, in their order.
#[derive(Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// A whole number of at most 64 bits, with or without a sign.
    Int(i128),
    /// Any other number.
    Number,
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Parses a text. As in Go, bytes that are not UTF-8 are U+FFFD.
    pub fn parse(text: &[u8]) -> serde_json::Result<Json> {
        serde_json::from_str(&String::from_utf8_lossy(text))
    }
}

/// What is wrong with a value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot unmarshal {found} into field {field} of type {expected}")]
pub(crate) struct TypeError {
    found: &'static str,
    field: String,
    expected: &'static str,
}

/// What a value can be decoded into.
pub(crate) trait Decode: Sized {
    /// The type's name in errors.
    const NAME: &'static str;

    /// The value, or `None` if it is of another type.
    fn decode(json: &Json) -> Option<Self>;
}

impl Decode for bool {
    const NAME: &'static str = "bool";

    fn decode(json: &Json) -> Option<Self> {
        match json {
            Json::Bool(value) => Some(*value),
            _ => None,
        }
    }
}

impl Decode for i64 {
    const NAME: &'static str = "int64";

    fn decode(json: &Json) -> Option<Self> {
        match json {
            Json::Int(value) => i64::try_from(*value).ok(),
            _ => None,
        }
    }
}

impl Decode for u64 {
    const NAME: &'static str = "uint64";

    fn decode(json: &Json) -> Option<Self> {
        match json {
            Json::Int(value) => u64::try_from(*value).ok(),
            _ => None,
        }
    }
}

impl Decode for String {
    const NAME: &'static str = "string";

    fn decode(json: &Json) -> Option<Self> {
        match json {
            Json::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// The fields of an object, decoded one by one. What is wrong first is kept: Go
/// goes on, and has an error in the end.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    path: String,
    pub error: Option<TypeError>,
}

impl Decoder {
    /// Calls `field` with the lower-case name and the value of each field that is
    /// not `null`.
    pub fn object(&mut self, json: &Json, mut field: impl FnMut(&mut Self, &str, &Json)) {
        match json {
            Json::Object(fields) => {
                let outside = self.path.len();
                for (name, value) in fields.iter().filter(|(_, value)| *value != Json::Null) {
                    self.path.push('.');
                    self.path.push_str(name);
                    field(self, &fold(name), value);
                    self.path.truncate(outside);
                }
            }
            Json::Null => {}
            other => self.fail(other, "struct"),
        }
    }

    /// Sets a field.
    pub fn set<T: Decode>(&mut self, slot: &mut T, json: &Json) {
        match T::decode(json) {
            Some(value) => *slot = value,
            None => self.fail(json, T::NAME),
        }
    }

    /// Sets a list, whose items `item` decodes.
    pub fn list<T: Default>(
        &mut self,
        slot: &mut Vec<T>,
        json: &Json,
        mut item: impl FnMut(&mut Self, &mut T, &Json),
    ) {
        let Json::List(items) = json else {
            return self.fail(json, "slice");
        };
        *slot = items
            .iter()
            .map(|json| {
                let mut value = T::default();
                if *json != Json::Null {
                    item(self, &mut value, json);
                }
                value
            })
            .collect();
    }

    pub fn fail(&mut self, json: &Json, expected: &'static str) {
        let found = match json {
            Json::Null => "null",
            Json::Bool(_) => "bool",
            Json::Int(_) | Json::Number => "number",
            Json::Text(_) => "string",
            Json::List(_) => "array",
            Json::Object(_) => "object",
        };
        let field = self.path.trim_start_matches('.').to_string();
        self.error.get_or_insert(TypeError {
            found,
            field,
            expected,
        });
    }
}

/// A name for comparison without regard to case. Beside ASCII letters two
/// characters fold to one.
fn fold(name: &str) -> String {
    let lower = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    name.chars().map(lower).collect()
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Int(value.into()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(field) = fields.next_entry()? {
            object.push(field);
        }
        Ok(Json::Object(object))
    }
}
