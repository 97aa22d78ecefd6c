//! `audit_rule_exists`: audit rules are loaded.

use kensa_core::{
    Check, CouldNotTell, Facts, JudgeError, Outputs, PackageManager, Probe, Reason, Source, Verdict,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::host_files::audit_rule::{AuditRule, bare_key, rule_lines};
use crate::host_files::dropins::Dropins;
use crate::params::{ParamError, Text};

pub(super) const METHOD: Method = Method::of::<AuditRuleExists>(
    "audit_rule_exists",
    "Audit rules are loaded in the kernel, or in the files it loads them from",
);

/// Audit rules, every one of which must be there in a form that does the same.
///
/// Action, list, system calls, path, access, every filter and every comparison are compared, whatever
/// their order and spelling: a watch equals its `-a` form, `unset` equals `-1`, `-S` lists are sets. A rule that
/// records more is enough, and several may share the system calls; one before them that says `never` wins. Keys
/// are compared where the rule gives one. A line that is only `-k KEY` asks for any rule under that key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AuditRuleExists {
    /// One or more rules as auditctl(8) takes them, one a line; empty lines and `#` comments are left out.
    rule: Text,
    /// Where to look.
    #[serde(default)]
    source: Origin,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Origin {
    /// Rules the kernel has.
    #[default]
    Loaded,
    /// Rules in `/etc/audit/rules.d/*.rules`.
    Files,
    /// Both.
    Both,
}

const FILES: Dropins<'static> = Dropins { dirs: &["/etc/audit/rules.d"], pattern: "*.rules" };

/// What one line asks for.
enum Wanted<'a> {
    Rule(AuditRule),
    Key(&'a str),
}

impl Wanted<'_> {
    fn parse(line: &str) -> Result<Wanted<'_>, String> {
        match bare_key(line) {
            Some(key) => Ok(Wanted::Key(key)),
            None => AuditRule::parse(line).map(Wanted::Rule),
        }
    }

    fn is_met(&self, rules: &[AuditRule]) -> bool {
        match self {
            Wanted::Rule(rule) => rule.is_met_by(rules),
            Wanted::Key(key) => rules.iter().any(|loaded| loaded.logs_under(key)),
        }
    }

    fn position(&self, rules: &[AuditRule]) -> Option<usize> {
        match self {
            Wanted::Rule(rule) => rule.first_in(rules),
            Wanted::Key(key) => rules.iter().position(|loaded| loaded.logs_under(key)),
        }
    }
}

/// Rules in the order that counts.
struct Place {
    /// What is said of a rule that is not among them.
    fault: &'static str,
    rules: Vec<AuditRule>,
    /// Where each is written; empty for those of the kernel.
    sources: Vec<Source>,
}

impl AuditRuleExists {
    fn wants(&self, origin: Origin) -> bool {
        self.source == origin || self.source == Origin::Both
    }

    /// The rules in each place looked at. A line that is no rule cannot meet one.
    fn places(&self, facts: &Facts, got: &Outputs) -> Result<Vec<Place>, CouldNotTell> {
        let mut places = Vec::new();
        if self.wants(Origin::Loaded) {
            let (fault, lines) = match got.audit_rules() {
                Ok(lines) => ("not loaded", lines),
                Err(error) if not_installed(facts, got, &error)? => {
                    ("not loaded, because the audit system is not installed", Vec::new())
                }
                Err(error) => return Err(error),
            };
            let rules = lines.iter().filter_map(|line| AuditRule::parse(line).ok()).collect();
            places.push(Place { fault, rules, sources: Vec::new() });
        }
        if self.wants(Origin::Files) {
            let (mut rules, mut sources) = (Vec::new(), Vec::new());
            for (path, text) in FILES.texts(got)? {
                for (line, number) in text.lines().zip(1_u32..) {
                    if let Ok(rule) = AuditRule::parse(line.trim()) {
                        rules.push(rule);
                        sources.push(Source { path: path.clone(), line: Some(number) });
                    }
                }
            }
            places.push(Place { fault: "not in /etc/audit/rules.d", rules, sources });
        }
        Ok(places)
    }
}

/// The package that brings auditctl.
fn package(facts: &Facts) -> Option<(PackageManager, &'static str)> {
    let manager = facts.package_manager()?;
    Some((manager, if manager == PackageManager::Rpm { "audit" } else { "auditd" }))
}

/// Whether auditctl is missing because the host has no audit system, which is an answer: the package database
/// says so. A tool that is missing although its package is installed is a broken host.
fn not_installed(facts: &Facts, got: &Outputs, error: &CouldNotTell) -> Result<bool, CouldNotTell> {
    match package(facts) {
        Some((manager, name)) if error.reason == Reason::ToolMissing => {
            Ok(got.package(manager, name)?.is_none())
        }
        _ => Ok(false),
    }
}

impl Parameters for AuditRuleExists {
    fn validate(&mut self) -> Result<(), ParamError> {
        let mut lines = rule_lines(&self.rule).peekable();
        if lines.peek().is_none() {
            return Err(ParamError::at("rule", "there is no rule"));
        }
        for line in lines {
            Wanted::parse(line).map_err(|error| ParamError::at("rule", format!("{line}: {error}")))?;
        }
        Ok(())
    }
}

impl Check for AuditRuleExists {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        let loaded = self.wants(Origin::Loaded).then_some(Probe::AuditRules);
        let files = if self.wants(Origin::Files) { FILES.probes() } else { Vec::new() };
        loaded.into_iter().chain(files).collect()
    }

    fn follow_up(&self, facts: &Facts, got: &Outputs) -> Vec<Probe> {
        let mut more = if self.wants(Origin::Files) { FILES.follow_up(got) } else { Vec::new() };
        let missing = |error: CouldNotTell| error.reason == Reason::ToolMissing;
        if self.wants(Origin::Loaded) && got.audit_rules().is_err_and(missing) {
            more.extend(package(facts).map(|(manager, name)| Probe::package(manager, name)));
        }
        more
    }

    fn judge(&self, facts: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let places = self.places(facts, got)?;
        let mut missing = Vec::new();
        let mut source = None;
        for line in rule_lines(&self.rule) {
            let wanted = Wanted::parse(line).ok();
            for place in &places {
                match &wanted {
                    Some(wanted) if wanted.is_met(&place.rules) => {
                        let at = wanted.position(&place.rules).and_then(|at| place.sources.get(at));
                        source = source.or(at.cloned());
                    }
                    _ => missing.push(format!("{line} is {}", place.fault)),
                }
            }
        }
        let wanted = rule_lines(&self.rule).collect::<Vec<_>>().join("; ");
        if missing.is_empty() {
            let first = source.as_ref().map_or(String::new(), |source| format!(", the first in {source}"));
            let detail = format!("every rule wanted is there{first}");
            return Ok(Verdict::new(true, wanted, "present", detail).from_source(source));
        }
        let actual = missing.join("; ");
        let known: usize = places.iter().map(|place| place.rules.len()).sum();
        Ok(Verdict::new(false, wanted, actual.clone(), format!("{actual}; {known} rules were compared")))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{PackageManager, Probe, Reason};

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const RULE: &str = r##"{"rule": "# time\n-a always,exit -F arch=b64 -S adjtimex -k time\n-w /etc/localtime -p wa -k time"}"##;
    const LOADED: &str =
        "-w /etc/localtime -p wa -k time\n-a always,exit -F arch=b64 -S adjtimex -F key=time\n";

    fn case(params: &str, loaded: &str) -> Case {
        Case::new("audit_rule_exists", params).says(&Probe::AuditRules, 0, loaded, "")
    }

    #[test]
    fn every_line_must_be_loaded() {
        assert_eq!(judge(case(RULE, LOADED)).passed(), Some(true));
        let half = judge(case(RULE, "-w /etc/localtime -p wa -k time\n"));
        assert_eq!(half.passed(), Some(false));
        assert!(half.verdict().actual.contains("adjtimex"));
        assert_eq!(judge(case(RULE, "No rules\n")).passed(), Some(false));
        let never = LOADED.replace("always", "never");
        assert_eq!(judge(case(RULE, &never)).passed(), Some(false));
    }

    #[test]
    fn a_host_without_the_audit_package_fails_and_a_broken_one_could_not_be_told() {
        let package = Probe::package(PackageManager::Dpkg, "auditd");
        let none = Case::new("audit_rule_exists", RULE).says(
            &Probe::AuditRules,
            127,
            "",
            "sh: 1: auditctl: not found\n",
        );
        let absent = none.clone().says(&package, 1, "", "dpkg-query: no packages found matching auditd\n");
        let judged = judge(absent);
        assert_eq!(judged.passed(), Some(false));
        assert!(judged.verdict().detail.contains("not installed"));
        let broken = none.clone().says(&package, 0, "auditd\t1:3.0.9\tamd64\tinstalled\n", "");
        assert_eq!(judge(broken).reason(), Some(Reason::ToolMissing));
        let locked = none.says(&package, 2, "", "dpkg-query: error: cannot open the database\n");
        assert_eq!(judge(locked).reason(), Some(Reason::CommandFailed));
    }

    #[test]
    fn a_key_alone_asks_for_any_rule_under_it() {
        assert_eq!(judge(case(r#"{"rule": "-k time"}"#, LOADED)).passed(), Some(true));
        assert_eq!(judge(case(r#"{"rule": "-k logins"}"#, LOADED)).passed(), Some(false));
    }

    #[test]
    fn files_count_when_asked_for() {
        let params = RULE.replace("\"}", "\", \"source\": \"both\"}");
        let both = case(&params, LOADED).dir("/etc/audit/rules.d", &["a.rules", "b.txt"]);
        let good = both.clone().file("/etc/audit/rules.d/a.rules", &format!("-D\n-b 8192\n{LOADED}"));
        let judged = judge(good.clone());
        assert_eq!(judged.passed(), Some(true));
        assert!(judged.verdict().detail.contains("/etc/audit/rules.d/a.rules:4"), "{judged:?}");
        assert_never_guesses(&good, &Probe::read("/etc/audit/rules.d/a.rules"));
        assert_eq!(judge(both.file("/etc/audit/rules.d/a.rules", "-D\n")).passed(), Some(false));
    }

    #[test]
    fn never_guesses() {
        let package = Probe::package(PackageManager::Dpkg, "auditd");
        let installed = case(RULE, LOADED).says(&package, 0, "auditd\t1:3.0.9\tamd64\tinstalled\n", "");
        assert_never_guesses(&installed, &Probe::AuditRules);
        let refused = Case::new("audit_rule_exists", RULE).says(
            &Probe::AuditRules,
            4,
            "",
            "You must be root to run this program.\n",
        );
        assert_eq!(judge(refused).reason(), Some(Reason::PermissionDenied));
        assert_eq!(judge(case(RULE, "")).reason(), Some(Reason::UnexpectedOutput));
    }

    #[test]
    fn what_is_no_rule_does_not_load() {
        for rule in ["", "# only a comment", "-e 2", "-w", "-a always,exit -F auid"] {
            assert_refused("audit_rule_exists", &format!(r#"{{"rule": "{rule}"}}"#));
        }
    }
}
