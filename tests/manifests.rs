//! The arrows of ARCHITECTURE.md, read from the manifests; licences and wrapped crates, read from the lock file's
//! packages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Crates of ours that each crate of ours may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("kensa-core", &[]),
    ("kensa-ssh", &["kensa-core"]),
    ("kensa-rules", &["kensa-core"]),
    ("kensa-engine", &["kensa-core", "kensa-ssh", "kensa-rules"]),
    ("kensa-cli", &["kensa-engine"]),
    ("kensa-py", &["kensa-engine", "kensa-cli"]),
    ("kensa-node", &["kensa-engine"]),
];

/// Foreign crates only one crate of ours may use directly.
const WRAPPED: &[(&str, &str)] =
    &[("russh", "kensa-ssh"), ("saphyr-parser", "kensa-rules"), ("pyo3", "kensa-py"), ("napi", "kensa-node")];

/// Licences a program may embed; the list of deny.toml.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Direct dependencies that a build uses, by package of ours; tests and build scripts apart.
fn dependencies(metadata: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let members: BTreeSet<&str> =
        metadata["workspace_members"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .filter(|package| members.contains(text(package, "id")))
        .map(|package| {
            let used = package["dependencies"].as_array().unwrap().iter();
            (
                text(package, "name"),
                used.filter(|one| one["kind"].is_null()).map(|one| text(one, "name")).collect(),
            )
        })
        .collect()
}

#[test]
fn our_crates_depend_on_each_other_one_way_only() {
    let metadata = metadata();
    let dependencies = dependencies(&metadata);
    assert!(dependencies.len() >= 5, "{dependencies:?}");
    for (name, used) in &dependencies {
        let allowed = ARROWS.iter().find(|(known, _)| known == name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{name} is not in ARCHITECTURE.md's layout"));
        let ours = used.iter().filter(|one| dependencies.contains_key(*one));
        let wrong: Vec<_> = ours.filter(|one| !allowed.contains(one)).collect();
        assert!(wrong.is_empty(), "{name} must not depend on {wrong:?}");
    }
}

#[test]
fn wrapped_crates_are_used_in_one_place() {
    let metadata = metadata();
    for (name, used) in dependencies(&metadata) {
        for (wrapped, owner) in WRAPPED {
            assert!(name == *owner || !used.contains(wrapped), "{name} uses {wrapped}; only {owner} may");
        }
    }
}

#[test]
fn the_core_has_no_io_no_yaml_and_no_runtime() {
    let metadata = metadata();
    let core = &dependencies(&metadata)["kensa-core"];
    for banned in ["tokio", "russh", "saphyr-parser", "serde-saphyr", "serde_json", "regex"] {
        assert!(!core.contains(banned), "kensa-core must not depend on {banned}");
    }
}

#[test]
fn every_licence_may_be_embedded() {
    let metadata = metadata();
    let allowed = |licence: &str| LICENCES.contains(&licence.trim().trim_matches(['(', ')']));
    for package in metadata["packages"].as_array().unwrap() {
        let licence = text(package, "license").replace('/', " OR ");
        let fits = licence.split(" AND ").all(|part| part.split(" OR ").any(allowed));
        assert!(
            fits,
            "{} {}: licence {licence:?} is not on the list",
            text(package, "name"),
            text(package, "version")
        );
    }
}

#[test]
fn deny_toml_lists_the_same_licences() {
    let deny = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deny.toml")).unwrap();
    let (_, list) = deny.split_once("allow = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let listed: Vec<&str> =
        list.split(',').map(|one| one.trim().trim_matches('"')).filter(|one| !one.is_empty()).collect();
    assert_eq!(listed, LICENCES);
}
