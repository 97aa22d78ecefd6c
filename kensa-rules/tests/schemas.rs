//! The generated schemas are the ones in `schemas/`, and they say what the loader says.

// Clippy takes only the test functions themselves for tests.
#![allow(clippy::panic, clippy::unwrap_used)]

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

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&schema::rule_schema()).unwrap()
}

fn rule() -> Value {
    json!({
        "id": "a-rule", "title": "A rule", "severity": "medium", "category": "a", "x-note": 1,
        "platforms": [{ "family": "rhel", "min_version": 8 }],
        "references": {
            "cis": { "rhel9": { "section": "1.1" }, "rhel8_v4": [{ "section": "1.2", "level": "L1" }] },
            "stig": { "rhel9": { "vuln_id": "V-1", "cci": ["CCI-1"] } },
            "nist_800_53": ["CM-6"]
        },
        "implementations": [
            { "when": { "any": ["apt", "dpkg"] }, "check": { "checks": [
                { "method": "file_exists", "path": "/etc/{{ name }}" },
                { "checks": [{ "method": "file_permissions", "path": "/x", "mode": "0600", "glob": "{{ flag }}" }] }
            ] } },
            { "default": true, "check": { "method": "command", "run": "true", "expected_exit": "{{ exit }}" } }
        ]
    })
}

#[test]
fn the_rule_schema_takes_what_the_loader_takes() {
    let errors: Vec<String> = validator().iter_errors(&rule()).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
}

#[test]
fn the_rule_schema_refuses_what_the_loader_refuses() {
    let check = "/implementations/1/check";
    let cases: &[(&str, Value)] = &[
        ("/id", json!("Not Kebab")),
        ("/severity", json!("hihg")),
        ("/titel", json!("x")),
        ("/implementations", json!([])),
        ("/implementations/0/when", json!({ "nor": ["apt"] })),
        ("/implementations/0/when", json!({ "all": [] })),
        ("/references/nist_800_53", json!("CM-6")),
        ("/references/cis/rhel9", json!({ "level": "L1" })),
        ("/platforms/0/famly", json!("rhel")),
        (check, json!({})),
        (check, json!({ "method": "comand", "run": "true" })),
        (check, json!({ "method": "sysctl_value", "key": "a.b" })),
        (check, json!({ "method": "sysctl_value", "key": "a.b", "expected": "0", "expeted": "0" })),
        (check, json!({ "method": "sysctl_value", "key": "a.b", "expected": "0", "comparator": "=~" })),
        (check, json!({ "method": "command", "run": "true", "expected_exit": "many" })),
        (check, json!({ "checks": [] })),
    ];
    let validator = validator();
    for (pointer, wrong) in cases {
        let mut rule = rule();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match rule.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[key.parse::<usize>().unwrap()] = wrong.clone(),
            parent => parent[key] = wrong.clone(),
        }
        assert!(!validator.is_valid(&rule), "{pointer} {wrong}");
    }
}

#[test]
fn results_fit_the_result_schema() {
    let facts = kensa_core::Facts::default();
    let now = kensa_core::Timestamp::now();
    let report = kensa_core::ScanReport::new("0", "host", &facts, now, Default::default(), Vec::new());
    let report = serde_json::to_value(report).unwrap();
    let validator = jsonschema::validator_for(&schema::result_schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    assert!(!validator.is_valid(&json!({ "schema_version": "1.0" })));
}
