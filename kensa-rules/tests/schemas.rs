//! The generated schemas are the ones in `schemas/`, and they say what the loader says.

use std::path::{Path, PathBuf};

use kensa_rules::schema;
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_committed_schemas_are_fresh() {
    for (name, schema) in schema::files() {
        let committed = std::fs::read_to_string(root().join("schemas").join(name)).unwrap_or_default();
        assert!(
            committed == format!("{schema:#}\n"),
            "schemas/{name} is stale: run `{}`",
            schema::REGENERATE
        );
        assert!(schema["$comment"].as_str().is_some_and(|comment| comment.contains(schema::REGENERATE)));
    }
}

/// The `$ref`s of a schema.
fn references<'s>(schema: &'s Value, found: &mut Vec<&'s str>) {
    match schema {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str));
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_in_a_schema_has_a_target() {
    for (name, schema) in schema::files() {
        let mut found = Vec::new();
        references(&schema, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let target = reference.strip_prefix('#').and_then(|pointer| schema.pointer(pointer));
            assert!(target.is_some(), "{name}: {reference}");
        }
    }
}

#[test]
fn every_method_is_in_the_rule_schema_and_takes_variables() {
    let schema = schema::rule_schema();
    for method in kensa_rules::methods::METHODS {
        let parameters = &schema["$defs"][format!("method_{}", method.name)];
        assert_eq!(parameters["additionalProperties"], json!(false), "{}", method.name);
        assert!(parameters["required"].as_array().is_some_and(|keys| keys.contains(&json!("method"))));
    }
    let exit = &schema["$defs"]["method_command"]["properties"]["expected_exit"]["anyOf"];
    assert!(exit.as_array().is_some_and(|forms| forms.contains(&json!({ "$ref": "#/$defs/template" }))));
}
