//! A node of a file as a parameter value, or as JSON.

use std::path::Path;

use kensa_core::Value;
use serde_json::Value as Json;

use super::diagnostic::Diagnostic;
use super::yaml::{Node, Source, Yaml};
use crate::variables::integer;

/// The content of a YAML file as JSON, keys in the order of the file; for programs in other languages that read
/// rule, variable and mapping files as data.
///
/// # Errors
/// The first thing wrong with the file; `path` only names it.
pub fn yaml_to_json(path: &Path, bytes: &[u8]) -> Result<Json, Box<Diagnostic>> {
    let mut source = Source::new(path, bytes)?;
    let tree = source.parse();
    match source.found.into_iter().find(Diagnostic::is_error) {
        Some(error) => Err(Box::new(error)),
        None => Ok(tree.map_or(Json::Null, |node| node.to_json())),
    }
}

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

    fn to_json(&self) -> Json {
        match &self.yaml {
            Yaml::Scalar { .. } => match self.to_value() {
                Value::Bool(yes) => Json::from(yes),
                Value::Int(number) => Json::from(number),
                Value::Text(text) => Json::from(text),
                Value::Null | Value::List(_) | Value::Map(_) => Json::Null,
            },
            Yaml::List(items) => items.iter().map(Node::to_json).collect(),
            Yaml::Map(entries) => {
                entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_json())).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_the_order_and_the_kinds_of_the_file() {
        let text = b"z: 1\na: [yes, '2', 0640, true, ~]\nm: {k: v}\n";
        let json = yaml_to_json(Path::new("x.yml"), text).unwrap();
        assert_eq!(json.to_string(), r#"{"z":1,"a":["yes","2","0640",true,null],"m":{"k":"v"}}"#);
        let error = yaml_to_json(Path::new("x.yml"), b"a: [").unwrap_err();
        assert!(error.place().starts_with("x.yml:"), "{error}");
    }
}
