//! What a rule is once it is loaded.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Params;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Hardening with little effect on its own.
    Low,
    /// Should be fixed.
    Medium,
    /// Likely to be used in an attack.
    High,
    /// Gives the host away.
    Critical,
}

impl Severity {
    /// All severities, worst first.
    pub const ALL: [Severity; 4] = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];

    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// The severity called `name`, whatever its case.
    pub fn from_name(name: &str) -> Option<Severity> {
        Self::ALL.into_iter().find(|severity| severity.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One rule: what should be true of a host, how to tell, how to make it so, and which controls it serves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Unique, kebab-case.
    pub id: String,
    /// One line.
    pub title: String,
    /// What the rule demands.
    pub description: String,
    /// Why it matters.
    pub rationale: String,
    /// How bad a finding is.
    pub severity: Severity,
    /// The category, also the folder of the rule file.
    pub category: String,
    /// Free words to select by.
    pub tags: Vec<String>,
    /// Controls of every framework the rule serves.
    pub references: References,
    /// Controls the rule serves by what mapping files say, where its references do not name the framework: key to
    /// control ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mapped: BTreeMap<String, Vec<String>>,
    /// Hosts the rule is for; empty means every host.
    pub platforms: Vec<PlatformConstraint>,
    /// At least one; see [`Gate`] for how one is chosen.
    pub implementations: Vec<Implementation>,
    /// Rules to evaluate before this one; order only.
    pub depends_on: Vec<String>,
    /// Rules that contradict this one.
    pub conflicts_with: Vec<String>,
    /// Rules this one replaces when both are selected.
    pub supersedes: Vec<String>,
    /// Whether every step of its remediation can be undone.
    pub transactional: bool,
    /// The file the rule came from.
    pub path: Option<PathBuf>,
}

/// A family and version range a rule is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlatformConstraint {
    /// `rhel`, `debian`, `ubuntu`, … as in os-release `ID`.
    pub family: String,
    /// Lowest major version, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_version: Option<u32>,
    /// Highest major version, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_version: Option<u32>,
    /// Whether rebuilds of the family (CentOS, Rocky, AlmaLinux, Oracle for `rhel`) count.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub derivatives: bool,
}

fn yes() -> bool {
    true
}

/// One way to check and fix a rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Implementation {
    /// When this implementation is the one to use.
    pub gate: Gate,
    /// All of these must hold; never empty.
    pub checks: Vec<Condition>,
    /// How to make them hold.
    pub remediation: Option<Remediation>,
}

/// When an implementation is chosen: the first whose gate is met wins, the default is tried last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// `default: true`: chosen when no other is.
    Default,
    /// No `when` and no `default`: always chosen when reached.
    Always,
    /// The capability is present.
    Capability(String),
    /// All capabilities are present.
    All(Vec<String>),
    /// At least one capability is present.
    Any(Vec<String>),
    /// The capability is absent.
    Not(String),
}

impl Gate {
    /// The capabilities the gate asks about.
    pub fn capabilities(&self) -> &[String] {
        match self {
            Gate::Default | Gate::Always => &[],
            Gate::Capability(name) | Gate::Not(name) => std::slice::from_ref(name),
            Gate::All(names) | Gate::Any(names) => names,
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gate::Default => f.write_str("default"),
            Gate::Always => f.write_str("always"),
            Gate::Capability(name) => f.write_str(name),
            Gate::All(names) => write!(f, "all: {}", names.join(", ")),
            Gate::Any(names) => write!(f, "any: {}", names.join(", ")),
            Gate::Not(name) => write!(f, "not: {name}"),
        }
    }
}

/// One condition of a check: a method and its parameters, variables not yet resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Name of the check method.
    pub method: String,
    /// The method's parameters as written.
    #[serde(flatten)]
    pub params: Params,
}

/// How to fix a rule: steps in order, then units to reload or restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Remediation {
    /// Steps in the order they are applied.
    pub steps: Vec<Step>,
    /// Unit to reload after the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reload: Option<String>,
    /// Unit to restart after the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
}

/// One step of a remediation: a mechanism and its parameters, variables not yet resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Name of the mechanism.
    pub mechanism: String,
    /// The mechanism's parameters as written.
    #[serde(flatten)]
    pub params: Params,
    /// Shell text that ends with 0 when the step has nothing to do, variables not yet resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless: Option<String>,
}

/// The controls a rule serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct References {
    /// CIS benchmarks by key (`rhel9_v2`), one or more recommendations each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub cis: BTreeMap<String, Vec<CisReference>>,
    /// DISA STIGs by key (`rhel9_v2r7`), one or more items each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stig: BTreeMap<String, Vec<StigReference>>,
    /// Every other framework: its key and a list of control ids.
    #[serde(flatten)]
    pub lists: BTreeMap<String, Vec<String>>,
}

impl References {
    /// Framework key to control ids: `cis_<key>` → sections, `stig_<key>` → `V-` numbers (the STIG id
    /// where there is none), every list under its own key.
    pub fn flatten(&self) -> BTreeMap<String, Vec<String>> {
        self.flatten_where(|_| true)
    }

    /// [`References::flatten`] without the CIS benchmarks and STIGs whose key `keep` refuses.
    pub fn flatten_where(&self, keep: impl Fn(&str) -> bool) -> BTreeMap<String, Vec<String>> {
        let mut flat: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut add = |framework: String, control: &str| {
            let controls = flat.entry(framework).or_default();
            if !controls.iter().any(|known| known == control) {
                controls.push(control.to_owned());
            }
        };
        for (key, items) in self.cis.iter().filter(|(key, _)| keep(key)) {
            items.iter().for_each(|item| add(format!("cis_{key}"), &item.section));
        }
        for (key, items) in self.stig.iter().filter(|(key, _)| keep(key)) {
            for item in items {
                if let Some(id) = item.vuln_id.as_deref().or(item.stig_id.as_deref()) {
                    add(format!("stig_{key}"), id);
                }
            }
        }
        for (key, controls) in &self.lists {
            controls.iter().for_each(|control| add(key.clone(), control));
        }
        flat
    }
}

/// A recommendation of a CIS benchmark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CisReference {
    /// Section number, e.g. `5.1.20`.
    pub section: String,
    /// `L1` or `L2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// `Automated` or `Manual`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Profile text some rule sets add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// An item of a DISA STIG.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StigReference {
    /// `V-…` number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vuln_id: Option<String>,
    /// `RHEL-09-…` id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stig_id: Option<String>,
    /// `SV-…_rule` id some rule sets add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// `CAT I`, `CAT II` or `CAT III`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// CCI numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cci: Vec<String>,
}
