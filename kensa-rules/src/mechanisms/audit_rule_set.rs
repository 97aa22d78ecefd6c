//! `audit_rule_set`: adds audit rules, now and at boot.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::host_files::audit_rule::{AuditRule, bare_key, rule_lines};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<AuditRuleSet>("audit_rule_set", "Adds audit rules, now and at boot");

/// Audit rules that are loaded now and, by a file, at boot. A rule that another file holds already is an error,
/// since the second one would keep the whole set from loading.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AuditRuleSet {
    /// One or more rules as auditctl(8) takes them, one a line.
    rule: Text,
    /// The file that loads them at boot; by default `/etc/audit/rules.d/99-kensa.rules`.
    persist_file: Option<Text>,
}

impl MechanismParameters for AuditRuleSet {
    fn validate(&self) -> Result<(), ParamError> {
        let mut lines = rule_lines(&self.rule).peekable();
        if lines.peek().is_none() {
            return Err(ParamError::at("rule", "there is no rule"));
        }
        for line in lines {
            syntax::line("rule", line)?;
            // Settings of the audit system (`-e 2`) and lines that are only a key are left to auditctl.
            let setting = ["-D", "-b ", "-c", "-e ", "-f ", "-i", "-r ", "--"]
                .iter()
                .any(|option| line.starts_with(option));
            if !setting && bare_key(line).is_none() {
                AuditRule::parse(line).map_err(|error| ParamError::at("rule", format!("{line}: {error}")))?;
            }
        }
        syntax::optional("persist_file", self.persist_file.as_ref(), syntax::absolute_path)?;
        if self.persist_file.as_ref().is_some_and(|path| !path.ends_with(".rules")) {
            return Err(ParamError::at("persist_file", "only names that end in .rules are read at boot"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes(
            "audit_rule_set",
            r#"{"rule": "-w /etc/sudoers -p wa -k scope\n-w /etc/sudoers.d -p wa -k scope", "persist_file": "/etc/audit/rules.d/50-scope.rules"}"#,
        );
        assert_takes("audit_rule_set", r#"{"rule": "-e 2"}"#);
        assert_refuses("audit_rule_set", "rule", r#"{"rule": " \n"}"#);
        assert_refuses("audit_rule_set", "rule", r#"{"rule": "-a always,exit -F"}"#);
        assert_refuses("audit_rule_set", "rule", r#"{"rule": "rm -rf /"}"#);
        assert_refuses(
            "audit_rule_set",
            "persist_file",
            r#"{"rule": "-D", "persist_file": "/etc/audit/rules.d/x"}"#,
        );
    }
}
