//! A plan in the form that every language writes.

use std::collections::BTreeMap;

use kensa_core::{Facts, Platform, Probe, Reason};
use kensa_rules::plan::{Decision, Entry, Plan};
use kensa_rules::variables::SecretValues;
use serde::Serialize;

/// What a scan would do, for programs. Its JSON is the same in every language and on the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanReport {
    /// The operating system planned for; `null` when it is not known.
    pub platform: Option<Platform>,
    /// The capabilities planned with.
    pub capabilities: BTreeMap<String, bool>,
    /// Capabilities that could not be determined, each with the reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub undetermined_capabilities: BTreeMap<String, String>,
    /// One entry per selected rule, in load order.
    pub rules: Vec<PlannedRule>,
    /// Every command of the first wave, once, in the order it is first needed. Checks may ask for more once these
    /// are answered.
    pub commands: Vec<String>,
}

/// What a scan would do with one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedRule {
    /// The rule's id.
    pub rule_id: String,
    /// What would become of it.
    #[serde(flatten)]
    pub decision: PlannedDecision,
}

/// What would become of a rule. `decision` names it in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "lowercase")]
#[non_exhaustive]
pub enum PlannedDecision {
    /// It would be evaluated.
    Run {
        /// The gate of the implementation chosen.
        implementation: String,
        /// The check methods of its conditions.
        methods: Vec<&'static str>,
        /// What it would run first.
        commands: Vec<String>,
    },
    /// It would be skipped without asking the host.
    Skipped {
        /// Why, for programs.
        reason: Reason,
        /// Why, in one sentence.
        detail: String,
    },
    /// It could not be told without asking the host.
    Error {
        /// Why, for programs.
        reason: Reason,
        /// Why, in one sentence.
        detail: String,
    },
}

impl PlanReport {
    /// `plan`, which was made for a host with these `facts`.
    pub fn of(plan: &Plan, facts: &Facts) -> Self {
        Self {
            platform: facts.platform.clone(),
            capabilities: facts.capabilities.clone(),
            undetermined_capabilities: facts.undetermined.clone(),
            rules: plan.entries.iter().map(|entry| PlannedRule::of(entry, plan.secrets())).collect(),
            commands: plan.probes.iter().map(|probe| masked(probe, plan.secrets())).collect(),
        }
    }
}

impl PlannedRule {
    fn of(entry: &Entry, secrets: &SecretValues) -> Self {
        let decision = match &entry.decision {
            Decision::Run(prepared) => PlannedDecision::Run {
                implementation: prepared.implementation.clone(),
                methods: prepared.conditions.iter().map(|condition| condition.method).collect(),
                commands: entry.probes().map(|probe| masked(probe, secrets)).collect(),
            },
            Decision::Settled { reason, detail } if reason.is_skip() => {
                PlannedDecision::Skipped { reason: *reason, detail: detail.clone() }
            }
            Decision::Settled { reason, detail } => {
                PlannedDecision::Error { reason: *reason, detail: detail.clone() }
            }
        };
        Self { rule_id: entry.rule.id.clone(), decision }
    }
}

fn masked(probe: &Probe, secrets: &SecretValues) -> String {
    secrets.mask(&probe.command()).into_owned()
}
