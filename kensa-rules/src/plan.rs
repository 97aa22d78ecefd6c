//! Everything a scan would do, before it does any of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use kensa_core::rule::{Condition, Implementation};
use kensa_core::{Check, Facts, Probe, Reason, Rule};

use crate::methods::Method;
use crate::select;
use crate::variables::{SecretValues, VariableError, VariableTable};

/// What is to be done with each selected rule, and every probe of the first wave.
#[derive(Debug)]
pub struct Plan {
    /// One entry per selected rule, in load order.
    pub entries: Vec<Entry>,
    /// The distinct probes of all entries, in the order they are first needed. Checks may ask for more
    /// once these are answered (the files of a directory, an include).
    pub probes: Vec<Probe>,
    /// Which entries ask for each of them.
    pub(crate) demand: HashMap<Probe, Vec<usize>>,
    secrets: SecretValues,
}

/// One rule of a plan.
#[derive(Debug)]
pub struct Entry {
    /// The rule.
    pub rule: Arc<Rule>,
    /// What is to be done with it.
    pub decision: Decision,
    /// The variables it uses, with the values of this scan; sensitive ones are masked.
    pub variables: BTreeMap<String, String>,
}

/// What is to be done with a rule.
#[derive(Debug)]
pub enum Decision {
    /// It is evaluated.
    Run(Prepared),
    /// It gets this result without being evaluated; the reason says whether it is `skipped` or an `error`.
    Settled {
        /// Why.
        reason: Reason,
        /// Why, in one sentence.
        detail: String,
    },
}

/// A rule ready to be evaluated.
#[derive(Debug)]
pub struct Prepared {
    /// The gate of the implementation chosen.
    pub implementation: String,
    /// Its conditions; all must hold.
    pub conditions: Vec<Prompted>,
}

/// One condition and what it asks first.
#[derive(Debug)]
pub struct Prompted {
    /// Name of the check method.
    pub method: &'static str,
    /// The check.
    pub check: Box<dyn Check>,
    /// Its probes of the first wave.
    pub probes: Vec<Probe>,
}

impl Plan {
    /// Decides on every rule of `rules`, which are the selected ones in load order.
    pub fn of(rules: &[Arc<Rule>], facts: &Facts, variables: &VariableTable) -> Self {
        let superseded = select::superseded(rules);
        let on_cycle = select::on_cycle(rules);
        let mut entries = Vec::with_capacity(rules.len());
        for rule in rules {
            let decision = if let Some(by) = superseded.get(rule.id.as_str()) {
                settled(Reason::Superseded, format!("superseded by {by}"))
            } else if on_cycle.contains(rule.id.as_str()) {
                settled(Reason::DependencyCycle, "its depends_on is on, or leads to, a cycle".to_owned())
            } else {
                decide(rule, facts, variables)
            };
            entries.push(Entry { rule: Arc::clone(rule), decision, variables: variables.shown_for(rule) });
        }
        let probes = distinct(entries.iter().flat_map(Entry::probes));
        let demand = demand(&entries);
        Self { entries, probes, demand, secrets: variables.secrets() }
    }

    /// The values that are to be masked in whatever is shown of the plan, its commands included.
    pub fn secrets(&self) -> &SecretValues {
        &self.secrets
    }

    /// How many rules will be evaluated.
    pub fn to_run(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.decision, Decision::Run(_))).count()
    }
}

impl Entry {
    /// The rule's probes of the first wave.
    pub fn probes(&self) -> impl Iterator<Item = &Probe> {
        let conditions = match &self.decision {
            Decision::Run(prepared) => prepared.conditions.as_slice(),
            Decision::Settled { .. } => &[],
        };
        conditions.iter().flat_map(|condition| &condition.probes)
    }
}

fn distinct<'a>(probes: impl Iterator<Item = &'a Probe>) -> Vec<Probe> {
    let mut seen = BTreeSet::new();
    probes.filter(|probe| seen.insert(*probe)).cloned().collect()
}

fn settled(reason: Reason, detail: String) -> Decision {
    Decision::Settled { reason, detail }
}

fn decide(rule: &Rule, facts: &Facts, variables: &VariableTable) -> Decision {
    if let (false, Some(why)) = (rule.platforms.is_empty(), facts.platform_unknown()) {
        let wanted = select::describe(&rule.platforms);
        let detail = format!("the rule is for {wanted}; this host's platform could not be determined: {why}");
        return settled(Reason::UndeterminedCapability, detail);
    }
    if !select::applies(&rule.platforms, facts.platform.as_ref()) {
        let host = facts.platform.as_ref().map_or("unknown", |platform| platform.pretty_name.as_str());
        let detail = format!("the rule is for {}; this host is {host}", select::describe(&rule.platforms));
        return settled(Reason::PlatformMismatch, detail);
    }
    let implementation = match select::choose(&rule.implementations, facts) {
        Ok(implementation) => implementation,
        Err(not_chosen) => return settled(not_chosen.reason, not_chosen.message),
    };
    match prepare(implementation, facts, variables) {
        Ok(prepared) => Decision::Run(prepared),
        Err((reason, detail)) => settled(reason, detail),
    }
}

fn prepare(
    implementation: &Implementation,
    facts: &Facts,
    variables: &VariableTable,
) -> Result<Prepared, (Reason, String)> {
    let mut conditions = Vec::with_capacity(implementation.checks.len());
    for condition in &implementation.checks {
        let (method, check) = build(condition, variables)?;
        let probes = check.probes(facts);
        conditions.push(Prompted { method, check, probes });
    }
    if conditions.is_empty() {
        return Err((Reason::InvalidRule, "the implementation checks nothing".to_owned()));
    }
    Ok(Prepared { implementation: implementation.gate.to_string(), conditions })
}

/// The name of a condition's method and its check.
type Built = (&'static str, Box<dyn Check>);

/// A condition's check with this scan's values filled in.
pub(crate) fn build(condition: &Condition, variables: &VariableTable) -> Result<Built, (Reason, String)> {
    let method = Method::find(&condition.method)
        .ok_or_else(|| (Reason::UnknownMethod, format!("there is no check method {:?}", condition.method)))?;
    let resolved = variables.resolve_params(&condition.params);
    let params = resolved.map_err(|error| (error.reason(), error.to_string()))?;
    let check = (method.build)(&params).map_err(|error| {
        let empty = variables.empty_in(&condition.params);
        if !empty.is_empty() {
            return (Reason::UndeclaredValue, VariableError::Undeclared(empty).to_string());
        }
        let key = error.key.map_or_else(String::new, |key| format!("{key}: "));
        (Reason::InvalidRule, format!("{}: {key}{}", method.name, variables.mask(&error.message)))
    })?;
    Ok((method.name, check))
}

/// The entries that ask for each probe of the first wave, each entry once.
fn demand(entries: &[Entry]) -> HashMap<Probe, Vec<usize>> {
    let mut demand: HashMap<Probe, Vec<usize>> = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        for probe in entry.probes() {
            match demand.get_mut(probe) {
                Some(rules) if rules.last() == Some(&index) => {}
                Some(rules) => rules.push(index),
                None => drop(demand.insert(probe.clone(), vec![index])),
            }
        }
    }
    demand
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rules, {} evaluated, {} probes", self.entries.len(), self.to_run(), self.probes.len())
    }
}
