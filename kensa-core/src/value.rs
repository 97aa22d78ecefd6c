//! Parameter values as a rule file gives them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of a check method or a mechanism, by name.
pub type Params = BTreeMap<String, Value>;

/// One parameter value.
///
/// Only `true` and `false` are booleans and only plain decimal integers without a leading zero are
/// numbers; everything else a rule file writes (`yes`, `0640`, `1.5`) stays the text it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A decimal integer.
    Int(i64),
    /// Any other scalar.
    Text(String),
    /// A sequence.
    List(Vec<Value>),
    /// A mapping.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// The text, where the value is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The scalar as text; `None` for null, lists and maps.
    pub fn to_scalar_text(&self) -> Option<String> {
        match self {
            Value::Bool(b) => Some(b.to_string()),
            Value::Int(i) => Some(i.to_string()),
            Value::Text(t) => Some(t.clone()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// What kind of value this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) => "integer",
            Value::Text(_) => "text",
            Value::List(_) => "list",
            Value::Map(_) => "mapping",
        }
    }

    /// Calls `visit` on every text in the value, depth first.
    pub fn visit_texts<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        match self {
            Value::Text(text) => visit(text),
            Value::List(items) => items.iter().for_each(|item| item.visit_texts(visit)),
            Value::Map(map) => map.values().for_each(|item| item.visit_texts(visit)),
            Value::Null | Value::Bool(_) | Value::Int(_) => {}
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}
