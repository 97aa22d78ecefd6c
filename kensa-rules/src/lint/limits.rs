//! Limits that a value which switches the control off would meet, and values for which stricter ones exist.

use kensa_core::Rule;
use kensa_core::rule::Condition;
use kensa_core::value::Value;

use super::{conditions, items};
use crate::load::Level;
use crate::load::yaml::{Node, Source};
use crate::variables::VariableTable;

/// Kernel parameters whose higher values are stricter: `1` is met by `2`.
const LEVELS: [&str; 6] = [
    "fs.protected_fifos",
    "fs.protected_regular",
    "kernel.kptr_restrict",
    "kernel.perf_event_paranoid",
    "kernel.unprivileged_bpf_disabled",
    "kernel.yama.ptrace_scope",
];

pub(super) fn look(source: &mut Source<'_>, root: &Node<'_>, rule: &Rule, variables: &VariableTable) {
    for (node, implementation) in items(root, "implementations").iter().zip(&rule.implementations) {
        for (node, condition) in conditions(node).into_iter().zip(&implementation.checks) {
            if let Some((key, code, message)) = wrong(condition, variables) {
                let span = node.get(key).map_or(node.span, |node| node.span);
                source.report(Level::Error, code, span, message);
            }
        }
    }
}

/// The parameter, the code and the sentence.
fn wrong(condition: &Condition, variables: &VariableTable) -> Option<(&'static str, &'static str, String)> {
    let text = |key: &str| condition.params.get(key).map(text_of);
    let comparator = text("comparator").unwrap_or_else(|| "==".to_owned());
    let expected = text("expected").map(|expected| resolved(&expected, variables)).unwrap_or_default();
    let at_most = ["<=", "<"].contains(&comparator.as_str());
    // Where a negative number is wanted, 0 is no limit at all and fails.
    if at_most && !expected.starts_with('-') && !condition.params.contains_key("refuse") {
        let message = format!(
            "a value that switches the limit off, such as 0 or -1, is at most {expected} too: list such values in `refuse`, or give an empty list to say that there are none"
        );
        return Some(("comparator", "disabling-value", message));
    }
    if condition.method == "file_permission" && condition.params.contains_key("mode") {
        let message = "a stricter mode would fail: give `max_mode`".to_owned();
        return Some(("mode", "exact-where-stricter-exists", message));
    }
    let key = text("key").unwrap_or_default();
    let leveled = condition.method == "sysctl_value" && LEVELS.contains(&key.as_str());
    let masks = ["umask", "UMASK"].contains(&key.as_str());
    if (leveled || masks) && comparator == "==" {
        let message = format!("a stricter value of {key} than {expected} would fail");
        return Some(("expected", "exact-where-stricter-exists", message));
    }
    None
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        _ => String::new(),
    }
}

/// The value of a parameter that is one variable.
fn resolved(text: &str, variables: &VariableTable) -> String {
    let name = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    match name.and_then(|name| variables.get(name.trim())) {
        Some(setting) => setting.text(),
        None => text.to_owned(),
    }
}
