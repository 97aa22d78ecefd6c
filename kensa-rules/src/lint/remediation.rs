//! Remediations act on what the check reads.

use kensa_core::Rule;
use kensa_core::Value;
use kensa_core::value::Params;

use super::{items, steps};
use crate::load::Level;
use crate::load::yaml::{Node, Source};

/// Parameters that name the thing a check reads or a step changes.
const SUBJECTS: [&str; 26] = [
    "arg",
    "boolean",
    "directive",
    "dir",
    "file",
    "find_name",
    "find_paths",
    "glob",
    "key",
    "keys",
    "line",
    "module",
    "mount_point",
    "name",
    "names",
    "option",
    "package",
    "packages",
    "parameter",
    "path",
    "paths",
    "rule",
    "service",
    "syscall",
    "target",
    "unit",
];

/// Mechanisms whose effect cannot be told from their parameters.
const OPAQUE: [&str; 8] = [
    "manual",
    "command_exec",
    "authselect_feature_enable",
    "crypto_policy_set",
    "crypto_policy_subpolicy",
    "cron_job",
    "dconf_set",
    "pam_module_configure",
];

pub(super) fn look(source: &mut Source<'_>, root: &Node<'_>, rule: &Rule) {
    for (node, implementation) in items(root, "implementations").iter().zip(&rule.implementations) {
        let Some(remediation) = &implementation.remediation else { continue };
        if remediation.steps.iter().any(|step| OPAQUE.contains(&step.mechanism.as_str())) {
            continue;
        }
        let mut read: Vec<String> =
            implementation.checks.iter().flat_map(|check| every_text(&check.params)).collect();
        let by_method = implementation.checks.iter().flat_map(|check| places(&check.method));
        read.extend(by_method.map(|place| (*place).to_owned()));
        let meets = |subject: &String| read.iter().any(|text| related(text, subject));
        let related = remediation.steps.iter().any(|step| subjects(&step.params).iter().any(meets));
        if !related && let Some(step) = steps(node).first() {
            let message = "no step names a path, key, unit or package that the check reads";
            source.report(Level::Error, "remediation-elsewhere", step.span, message);
            continue;
        }
        // The right file is not enough: it has to hold the options the check reads.
        let options = implementation.checks.iter().filter_map(|check| check.params.get("option"));
        for option in options.flat_map(texts) {
            let mut contents = remediation.steps.iter().filter_map(|step| step.params.get("content"));
            if !contents.any(|content| texts(content).iter().any(|text| names(text, &option))) {
                let message = format!("no step writes `{option}`, which the check reads");
                let span = steps(node).first().map_or(node.span, |step| step.span);
                source.report(Level::Error, "remediation-elsewhere", span, message);
            }
        }
        // Nor is any key of it: it has to be one the check reads.
        for (step, node) in remediation.steps.iter().zip(steps(node)) {
            let Some(Value::Text(key)) = step.params.get("key") else { continue };
            if !read.iter().any(|text| names(text, key)) {
                let message = format!("the step sets `{key}`, which the check does not read");
                let span = node.get("key").map_or(node.span, |node| node.span);
                source.report(Level::Error, "remediation-elsewhere", span, message);
            }
        }
    }
}

/// Files and keys that a method reads without a parameter saying so.
fn places(method: &str) -> &'static [&'static str] {
    match method {
        "selinux_state" => &["/etc/selinux/config", "SELINUX"],
        "sudo_defaults" | "sudo_line_absent" => &["/etc/sudoers.d/x"],
        _ => &[],
    }
}

fn subjects(params: &Params) -> Vec<String> {
    let named = params.iter().filter(|(key, _)| SUBJECTS.contains(&key.as_str()));
    named.flat_map(|(_, value)| texts(value)).collect()
}

fn every_text(params: &Params) -> Vec<String> {
    params.values().flat_map(texts).collect()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        // Rules of the audit system are a line each; the key they are logged under is free.
        Value::Text(text) => {
            text.lines().map(|line| line.split(" -k ").next().unwrap_or(line).to_owned()).collect()
        }
        Value::List(items) => items.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Whether the text names the key, whatever the case and however a pattern escapes it.
fn names(text: &str, key: &str) -> bool {
    text.replace('\\', "").to_lowercase().contains(&key.to_lowercase())
}

/// Whether what the check says and what the step changes are about one thing: the same name, a file of
/// the same folder, or shell text that names it.
fn related(read: &str, subject: &str) -> bool {
    // Effective configurations spell their keys in lower case; in patterns a dot is escaped.
    let plain = |text: &str| text.trim().replace('\\', "").to_lowercase();
    let (read, subject) = (plain(read), plain(subject));
    if subject.len() < 2 || read.is_empty() {
        return false;
    }
    let folder = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let unit = |name: &str| name.trim_end_matches(".service").to_owned();
    read.contains(&subject)
        || subject.contains(&read) && read.len() > 2
        || unit(&read) == unit(&subject)
        || subject.starts_with('/') && folder(&read).is_some() && folder(&read) == folder(&subject)
        || folder(&subject).is_some_and(|folder| folder.len() > "/etc".len() && read.contains(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_is_recognised_in_other_spellings() {
        assert!(related("/etc/ssh/sshd_config", "/etc/ssh/sshd_config"));
        assert!(related("permitrootlogin", "PermitRootLogin"));
        assert!(related("auditd", "auditd.service"));
        assert!(related("/etc/sysctl.d/60-kensa.conf", "/etc/sysctl.d/99.conf"));
        assert!(related("grep -q '^minlen' /etc/security/pwquality.conf", "/etc/security/pwquality.conf"));
        assert!(!related("/etc/passwd", "/etc/ssh/sshd_config"));
        assert!(!related("PermitRootLogin", "MaxAuthTries"));
    }
}
