//! Rules that contradict each other say so, both of them.

use std::collections::BTreeMap;

use kensa_core::value::{Params, Value};
use kensa_core::{Platform, Rule};

use crate::load::{Corpus, Diagnostic, Level};
use crate::select::applies;

/// A thing that steps set, and what one step sets it to.
type Setting = (String, String);

pub(super) fn look(corpus: &Corpus, found: &mut Vec<Diagnostic>) {
    let mut report = |rule: &Rule, code: &'static str, message: String| {
        let path = rule.path.clone().unwrap_or_default();
        found.push(Diagnostic::of_file(Level::Error, code, &path, message));
    };
    let by_id: BTreeMap<&str, &Rule> = corpus.rules.iter().map(|rule| (rule.id.as_str(), &**rule)).collect();
    for rule in &corpus.rules {
        for other in &rule.conflicts_with {
            let mutual =
                by_id.get(other.as_str()).is_none_or(|other| other.conflicts_with.contains(&rule.id));
            if !mutual {
                report(
                    rule,
                    "one-sided-conflict",
                    format!("{other} does not name this rule in its conflicts_with"),
                );
            }
        }
    }
    let mut setters: BTreeMap<String, Vec<(&Rule, String)>> = BTreeMap::new();
    for rule in &corpus.rules {
        let steps = rule.implementations.iter().filter_map(|one| one.remediation.as_ref());
        for step in steps.flat_map(|remediation| &remediation.steps) {
            if let Some((thing, value)) = sets(&step.mechanism, &step.params) {
                setters.entry(thing).or_default().push((rule, value));
            }
        }
    }
    for (thing, setters) in &setters {
        for (at, (one, value)) in setters.iter().enumerate() {
            for (other, another) in &setters[at + 1..] {
                if one.id != other.id
                    && value != another
                    && !one.conflicts_with.contains(&other.id)
                    && share_a_platform(one, other)
                {
                    let message = format!(
                        "{} sets {thing} to another value: name each other in conflicts_with, or agree",
                        other.id
                    );
                    report(one, "contradicting-remediations", message);
                }
            }
        }
    }
}

/// What a step sets, and to what; `None` where that cannot be told from its parameters.
fn sets(mechanism: &str, params: &Params) -> Option<Setting> {
    let text = |key: &str| match params.get(key) {
        Some(Value::Text(text)) => text.trim().to_owned(),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        _ => String::new(),
    };
    let all = |keys: &[&str]| keys.iter().map(|key| text(key)).collect::<Vec<_>>().join(" ");
    Some(match mechanism {
        "config_set" => (all(&["path", "section", "key"]), text("value")),
        "config_set_dropin" => (all(&["dir", "section", "key"]), text("value")),
        "file_content" => (text("path"), text("content")),
        "sysctl_set" => (text("key"), text("value")),
        "service_enabled" => (text("name"), "enabled".to_owned()),
        "service_masked" | "service_disabled" => (text("name"), "disabled".to_owned()),
        "package_present" | "apt_present" => (format!("package {}", text("name")), "present".to_owned()),
        "package_absent" | "apt_absent" => (format!("package {}", text("name")), "absent".to_owned()),
        "pam_module_configure" => (all(&["service", "type", "module"]), all(&["control", "args"])),
        _ => return None,
    })
}

/// Whether some host is judged by both rules.
fn share_a_platform(one: &Rule, other: &Rule) -> bool {
    let releases = [("rhel", 8..=10), ("debian", 12..=13), ("ubuntu", 22..=24)];
    releases.into_iter().any(|(family, versions)| {
        versions.into_iter().any(|version| {
            let platform = Platform::new(family, &version.to_string());
            applies(&one.platforms, Some(&platform)) && applies(&other.platforms, Some(&platform))
        })
    })
}
