//! Which rules are asked for, which apply to a host, and by which implementation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kensa_core::facts::{Platform, RHEL_REBUILDS};
use kensa_core::rule::{Gate, Implementation, PlatformConstraint};
use kensa_core::{Facts, Reason, Rule, Severity};

/// Filters on a rule set. An empty filter lets everything through; several are combined with *and*,
/// the members of one with *or*. Texts compare without case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Severities.
    pub severity: Vec<Severity>,
    /// Categories.
    pub category: Vec<String>,
    /// Tags; a rule needs one of them.
    pub tags: Vec<String>,
    /// Frameworks (`cis`, `stig`, `nist_800_53`, or a full key such as `cis_rhel9_v2`); a rule needs a
    /// reference into one of them.
    pub frameworks: Vec<String>,
    /// Rule ids.
    pub rule_ids: Vec<String>,
}

impl Selection {
    /// Whether the filters let `rule` through.
    pub fn matches(&self, rule: &Rule) -> bool {
        let any = |wanted: &[String], found: &dyn Fn(&str) -> bool| {
            wanted.is_empty() || wanted.iter().any(|w| found(w))
        };
        (self.severity.is_empty() || self.severity.contains(&rule.severity))
            && any(&self.category, &|name| rule.category.eq_ignore_ascii_case(name))
            && any(&self.rule_ids, &|id| rule.id.eq_ignore_ascii_case(id))
            && any(&self.tags, &|tag| rule.tags.iter().any(|own| own.eq_ignore_ascii_case(tag)))
            && any(&self.frameworks, &|framework| serves(rule, framework))
    }

    /// Ids that were asked for and that no rule has.
    pub fn unknown_ids<'a>(&'a self, rules: &[Arc<Rule>]) -> Vec<&'a str> {
        let known = |id: &str| rules.iter().any(|rule| rule.id.eq_ignore_ascii_case(id));
        self.rule_ids.iter().map(String::as_str).filter(|id| !known(id)).collect()
    }
}

/// Whether `rule` has a reference into `framework`: a whole key or its leading part.
fn serves(rule: &Rule, framework: &str) -> bool {
    let wanted = crate::frameworks::normal_key(framework);
    rule.references.flatten().keys().any(|key| {
        let key = crate::frameworks::normal_key(key);
        key == wanted || key.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with('_'))
    })
}

/// Whether a rule with these constraints is for `platform`. No constraint, or an unknown platform, applies.
pub fn applies(constraints: &[PlatformConstraint], platform: Option<&Platform>) -> bool {
    let Some(platform) = platform else { return true };
    constraints.is_empty() || constraints.iter().any(|constraint| fits(constraint, platform))
}

fn fits(constraint: &PlatformConstraint, platform: &Platform) -> bool {
    let family = constraint.family.to_ascii_lowercase();
    let red_hat = |name: &str| name == "rhel" || name == "redhat";
    let same = family == platform.id || (red_hat(&family) && red_hat(&platform.id));
    let rebuild =
        constraint.derivatives && RHEL_REBUILDS.contains(&family.as_str()) && platform.family == "rhel";
    let bounded = |bound: Option<u32>, ok: &dyn Fn(u32) -> bool| {
        platform.major == 0 || bound.filter(|version| *version > 0).is_none_or(ok)
    };
    (same || rebuild)
        && bounded(constraint.min_version, &|min| platform.major >= min)
        && bounded(constraint.max_version, &|max| platform.major <= max)
}

/// The constraints as people read them: `rhel 8-9, ubuntu 22+`.
pub fn describe(constraints: &[PlatformConstraint]) -> String {
    let one = |c: &PlatformConstraint| match (c.min_version, c.max_version) {
        (None, None) => c.family.clone(),
        (Some(min), None) => format!("{} {min}+", c.family),
        (None, Some(max)) => format!("{} up to {max}", c.family),
        (Some(min), Some(max)) if min == max => format!("{} {min}", c.family),
        (Some(min), Some(max)) => format!("{} {min}-{max}", c.family),
    };
    constraints.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Why no implementation was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChosen {
    /// [`Reason::NoImplementation`] or [`Reason::UndeterminedCapability`].
    pub reason: Reason,
    /// One sentence.
    pub message: String,
}

/// The implementation to use: the first whose gate is met, the default last.
///
/// A gate on a capability that could not be determined is an error, not a *no*: taking the next
/// implementation could judge the wrong thing.
pub fn choose<'a>(
    implementations: &'a [Implementation],
    facts: &Facts,
) -> Result<&'a Implementation, NotChosen> {
    let mut default = None;
    for implementation in implementations {
        match met(&implementation.gate, facts) {
            Gated::Default => default = default.or(Some(implementation)),
            Gated::Yes => return Ok(implementation),
            Gated::No => {}
            Gated::Unknown(name) => {
                let why = facts.undetermined.get(&name).map_or("no reason given", String::as_str);
                let message = format!("capability {name} could not be determined: {why}");
                return Err(NotChosen { reason: Reason::UndeterminedCapability, message });
            }
        }
    }
    default.ok_or_else(|| {
        let gates: Vec<String> = implementations.iter().map(|one| one.gate.to_string()).collect();
        let message = format!("no implementation fits this host (needs {})", gates.join(" or "));
        NotChosen { reason: Reason::NoImplementation, message }
    })
}

enum Gated {
    Default,
    Yes,
    No,
    Unknown(String),
}

fn met(gate: &Gate, facts: &Facts) -> Gated {
    let has = |name: &String| facts.capability(name);
    let unknown = |names: &[String]| names.iter().find(|name| has(name).is_none()).cloned();
    let decided = |yes: bool| if yes { Gated::Yes } else { Gated::No };
    match gate {
        Gate::Default => Gated::Default,
        Gate::Always => Gated::Yes,
        Gate::Capability(name) => has(name).map_or_else(|| Gated::Unknown(name.clone()), decided),
        Gate::Not(name) => has(name).map_or_else(|| Gated::Unknown(name.clone()), |yes| decided(!yes)),
        Gate::All(names) if names.iter().any(|name| has(name) == Some(false)) => Gated::No,
        Gate::Any(names) if names.iter().any(|name| has(name) == Some(true)) => Gated::Yes,
        Gate::All(names) => unknown(names).map_or(Gated::Yes, Gated::Unknown),
        Gate::Any(names) => unknown(names).map_or(Gated::No, Gated::Unknown),
    }
}

/// Rules another selected rule supersedes, each with the one that does (the first by name).
pub fn superseded(rules: &[Arc<Rule>]) -> BTreeMap<&str, &str> {
    let mut by_loser: BTreeMap<&str, &str> = BTreeMap::new();
    for rule in rules {
        for loser in &rule.supersedes {
            let winner = by_loser.entry(loser).or_insert(&rule.id);
            *winner = (*winner).min(&rule.id);
        }
    }
    by_loser.retain(|loser, winner| loser != winner && rules.iter().any(|rule| rule.id == *loser));
    by_loser
}

/// Rules that can never be put in an order: those on a cycle of `depends_on`, and those behind one.
pub fn on_cycle(rules: &[Arc<Rule>]) -> BTreeSet<&str> {
    let mut waiting: BTreeMap<&str, Vec<&str>> = rules
        .iter()
        .map(|rule| (rule.id.as_str(), rule.depends_on.iter().map(String::as_str).collect()))
        .collect();
    loop {
        let ready: Vec<&str> = waiting
            .iter()
            .filter(|(_, needs)| needs.iter().all(|need| !waiting.contains_key(need)))
            .map(|(id, _)| *id)
            .collect();
        if ready.is_empty() {
            return waiting.into_keys().collect();
        }
        ready.iter().for_each(|id| drop(waiting.remove(id)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constraint(family: &str, min: Option<u32>, max: Option<u32>, derivatives: bool) -> PlatformConstraint {
        PlatformConstraint { family: family.to_owned(), min_version: min, max_version: max, derivatives }
    }

    fn host(id: &str, version: &str) -> Option<Platform> {
        Some(Platform::new(id, version))
    }

    #[test]
    fn platforms_match_by_family_rebuild_and_version() {
        let rhel9 = [constraint("rhel", Some(9), Some(9), true)];
        assert!(applies(&rhel9, host("rhel", "9.4").as_ref()));
        assert!(applies(&rhel9, host("rocky", "9.1").as_ref()));
        assert!(!applies(&rhel9, host("rhel", "8.10").as_ref()));
        assert!(!applies(&rhel9, host("fedora", "9").as_ref()));
        assert!(!applies(&rhel9, host("debian", "12").as_ref()));
        let no_rebuilds = [constraint("rhel", None, None, false)];
        assert!(!applies(&no_rebuilds, host("almalinux", "9").as_ref()));
        assert!(applies(&no_rebuilds, host("rhel", "9").as_ref()));
        let centos_only = [constraint("centos", None, None, true)];
        assert!(applies(&centos_only, host("rocky", "9").as_ref()));
    }

    #[test]
    fn an_unknown_platform_or_version_applies() {
        let ubuntu = [constraint("ubuntu", Some(22), None, true)];
        assert!(applies(&ubuntu, None));
        assert!(applies(&ubuntu, host("ubuntu", "").as_ref()));
        assert!(!applies(&ubuntu, host("ubuntu", "20.04").as_ref()));
        assert!(applies(&[], host("arch", "").as_ref()));
    }

    fn implementation(gate: Gate) -> Implementation {
        Implementation { gate, checks: Vec::new(), remediation: None }
    }

    fn facts() -> Facts {
        Facts {
            capabilities: [("yes".to_owned(), true), ("no".to_owned(), false)].into(),
            undetermined: [("dark".to_owned(), "permission denied".to_owned())].into(),
            ..Facts::default()
        }
    }

    fn chosen(gates: &[Gate]) -> Result<String, Reason> {
        let all: Vec<Implementation> = gates.iter().cloned().map(implementation).collect();
        choose(&all, &facts()).map(|one| one.gate.to_string()).map_err(|error| error.reason)
    }

    #[test]
    fn the_first_gate_met_wins_and_the_default_is_last() {
        let cap = |name: &str| Gate::Capability(name.to_owned());
        let names = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        assert_eq!(chosen(&[Gate::Default, cap("yes")]).as_deref(), Ok("yes"));
        assert_eq!(chosen(&[cap("no"), Gate::Default]).as_deref(), Ok("default"));
        assert_eq!(chosen(&[cap("unheard-of"), Gate::Default]).as_deref(), Ok("default"));
        assert_eq!(chosen(&[Gate::Not("no".to_owned())]).as_deref(), Ok("not: no"));
        assert_eq!(chosen(&[Gate::All(names(&["yes", "no"])), Gate::Default]).as_deref(), Ok("default"));
        assert_eq!(chosen(&[Gate::Any(names(&["no", "yes"]))]).as_deref(), Ok("any: no, yes"));
        assert_eq!(chosen(&[cap("no")]), Err(Reason::NoImplementation));
        assert_eq!(chosen(&[Gate::All(Vec::new())]).as_deref(), Ok("all: "));
    }

    #[test]
    fn an_undetermined_capability_is_an_error_only_where_it_decides() {
        let names = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            chosen(&[Gate::Capability("dark".to_owned()), Gate::Default]),
            Err(Reason::UndeterminedCapability)
        );
        assert_eq!(chosen(&[Gate::All(names(&["dark", "no"])), Gate::Default]).as_deref(), Ok("default"));
        assert_eq!(chosen(&[Gate::Any(names(&["dark", "yes"]))]).as_deref(), Ok("any: dark, yes"));
        assert_eq!(chosen(&[Gate::Any(names(&["dark", "no"]))]), Err(Reason::UndeterminedCapability));
    }
}
