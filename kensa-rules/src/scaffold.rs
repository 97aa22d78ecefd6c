//! The first version of a rule file: complete enough to load, with words to replace.

use schemars::SchemaGenerator;
use serde_json::Value;

use crate::load::nearest;
use crate::methods::{METHODS, Method};

/// Why there is no rule file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScaffoldError {
    /// The id or the category is not kebab-case.
    #[error("{what} {name:?} is not kebab-case: lower-case letters and digits, joined by single hyphens")]
    NotKebabCase {
        /// `id` or `category`.
        what: &'static str,
        /// The name given.
        name: String,
    },
    /// There is no such check method.
    #[error("no check method is called {name:?}; {help}")]
    UnknownMethod {
        /// The name given.
        name: String,
        /// The nearest known name, or all.
        help: String,
    },
}

/// The text of a new rule file for `<category>/<id>.yml`, checked by `method`. It loads; what it says and
/// what it looks at have to be filled in.
///
/// # Errors
/// See [`ScaffoldError`].
pub fn new_rule(id: &str, category: &str, method: &str) -> Result<String, ScaffoldError> {
    for (what, name) in [("id", id), ("category", category)] {
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if !name.split('-').all(word) {
            return Err(ScaffoldError::NotKebabCase { what, name: name.to_owned() });
        }
    }
    let Some(method) = Method::find(method) else {
        let known = METHODS.iter().map(|method| method.name);
        let help = match nearest(method, known.clone()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("known are {}", known.collect::<Vec<_>>().join(", ")),
        };
        return Err(ScaffoldError::UnknownMethod { name: method.to_owned(), help });
    };
    Ok(format!(
        "id: {id}
title: One line that is true of a host that complies
description: >-
  What must be the case, exactly.
rationale: >-
  What an attacker gains, or what goes wrong, where it is not.
severity: medium
category: {category}
tags: []
transactional: false
references:
  nist_800_53: [CM-6]
platforms:
  - {{family: rhel, min_version: 8}}
  - {{family: debian, min_version: 12}}
  - {{family: ubuntu, min_version: 22}}
implementations:
  - default: true
    check:
      # {summary}.
      method: {name}
{parameters}    remediation:
      mechanism: manual
      note: How somebody puts it right.
",
        summary = method.summary.trim_end_matches('.'),
        name = method.name,
        parameters = parameters(method),
    ))
}

/// The states of hosts a new rule is tried on, to be added to a file like `tests/states/variants.yml`: one on which it
/// fails and one on which it passes. Until they are filled in, trying them fails and says so.
pub fn new_fixtures(id: &str) -> String {
    let todo =
        |what: &str| format!("echo \"{id}: write here what makes a hardened host {what}\" >&2; exit 1");
    format!(
        "{id}:\n  - {{state: debian-good, fails: '{}'}}\n  - {{state: debian-good, passes: '{}'}}\n",
        todo("fail"),
        todo("pass in another way"),
    )
}

/// Parameters that a method cannot do without although its schema demands none of them alone.
const WANTED: [&str; 12] = [
    "active",
    "boolean",
    "max_mode",
    "no_user",
    "options",
    "run",
    "value",
    "expected",
    "state",
    "absent_options",
    "enabled",
    "mode",
];

/// A line for each parameter the method needs.
fn parameters(method: &Method) -> String {
    let mut generator = SchemaGenerator::default();
    let schema = (method.schema)(&mut generator).to_value();
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object();
    let has = |name: &str| properties.is_some_and(|properties| properties.contains_key(name));
    let mut names = required.clone();
    // One of what is left makes the condition a condition.
    let one_more = match method.name {
        "file_permission" => Some("max_mode"),
        "mount_option" => Some("options"),
        _ if !required.is_empty() && !matches!(method.name, "service_state") => None,
        _ => WANTED.into_iter().find(|name| has(name)),
    };
    names.extend(one_more.filter(|name| !required.contains(name)));
    if method.name == "selinux_boolean" {
        names.push("value");
    }
    names.iter().map(|name| format!("      {name}: {}\n", sample(method.name, name))).collect()
}

/// A value to replace, as YAML.
fn sample(method: &str, parameter: &str) -> &'static str {
    match (method, parameter) {
        ("sysctl_value", "key") => "net.ipv4.example",
        (_, "service" | "services") => "system-auth",
        ("pam_module" | "pam_setting", "type") => "auth",
        ("apparmor_state", "state") => "enforcing",
        ("selinux_state", "state") => "enforcing",
        ("systemd_target", "expected") => "multi-user.target",
        (_, "path") => "/etc/example.conf",
        (_, "key" | "name" | "boolean" | "option") => "example",
        (_, "expected") => "\"1\"",
        (_, "expected_content") => "example",
        (_, "pattern") => "'^example'",
        (_, "rule") => "\"-w /etc/example.conf -p wa\"",
        (_, "mount_point") => "/tmp",
        (_, "options") => "[nodev]",
        (_, "module") => "pam_example.so",
        (_, "max_mode") => "\"0644\"",
        (_, "run") => "\"grep -q '^example' /etc/example.conf\"",
        (_, "observed_command") => "cat /etc/example.conf",
        (_, "authorized") => "[example]",
        _ => "true",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{LoadOptions, load_rules};

    #[test]
    fn a_new_rule_of_every_method_loads() {
        let mut wrong = Vec::new();
        for method in METHODS {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("kernel/new-rule.yml");
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, new_rule("new-rule", "kernel", method.name).unwrap()).unwrap();
            let options = LoadOptions { strict: true, ..LoadOptions::default() };
            match load_rules(folder.path(), &options) {
                Ok(corpus) => {
                    let check = &corpus.rules[0].implementations[0].checks[0];
                    assert_eq!(check.method, method.name);
                }
                Err(error) => wrong.push(format!("{}: {error}", method.name)),
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn new_fixtures_are_yaml_with_one_state_of_each_kind() {
        let path = std::path::Path::new("variants.yml");
        let read = crate::load::yaml_to_json(path, new_fixtures("a-rule").as_bytes()).unwrap();
        let states = read["a-rule"].as_array().unwrap();
        assert!(states[0]["fails"].as_str().unwrap().contains("exit 1"));
        assert!(states[1]["passes"].as_str().unwrap().contains("exit 1"));
    }

    #[test]
    fn odd_names_are_refused_with_what_to_write() {
        assert!(new_rule("Upper", "kernel", "command").is_err());
        assert!(new_rule("a/../b", "kernel", "command").is_err());
        assert!(new_rule("a", "..", "command").is_err());
        let error = new_rule("a", "kernel", "sysctl_vlaue").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no check method is called \"sysctl_vlaue\"; did you mean sysctl_value?"
        );
    }
}
