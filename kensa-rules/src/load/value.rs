//! A node of a file as a parameter value.

use kensa_core::Value;

use super::yaml::{Node, Yaml};
use crate::variables::integer;

impl Node<'_> {
    /// The value: only `true` and `false` are booleans, only plain decimal integers are numbers, and
    /// whatever is quoted is text.
    pub(crate) fn to_value(&self) -> Value {
        match &self.yaml {
            Yaml::Scalar { text, plain: true } => match &**text {
                "" | "~" | "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                text => integer(text).map_or_else(|| Value::from(text), Value::Int),
            },
            Yaml::Scalar { text, plain: false } => Value::from(&**text),
            // The depth is bounded by the parser.
            Yaml::List(items) => Value::List(items.iter().map(Node::to_value).collect()),
            Yaml::Map(entries) => Value::Map(
                entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_value())).collect(),
            ),
        }
    }
}
