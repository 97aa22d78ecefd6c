//! Rules with one thing changed, and whether the states notice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kensa::planning::Prepared;
use kensa::value::{Params, Value};
use kensa::{
    Corpus, Decision, Facts, Probe, Reason, Rule, ScanOptions, Status, Transport,
    check::{JudgeError, MAX_WAVES},
    output::Outputs,
};

use crate::hosts::Recorder;

/// A rule with one parameter of one condition changed.
pub struct Mutant {
    pub rule: Arc<Rule>,
    pub method: String,
    /// Which implementation was changed.
    pub implementation: usize,
    /// The parameter and what was done to it.
    pub change: String,
}

/// All mutants of `rule`, in a fixed order.
pub fn of(rule: &Rule) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for (i, implementation) in rule.implementations.iter().enumerate() {
        for (c, condition) in implementation.checks.iter().enumerate() {
            for (change, params) in changes(&condition.method, &condition.params) {
                let mut mutated = rule.clone();
                mutated.implementations[i].checks[c].params = params;
                let method = condition.method.clone();
                mutants.push(Mutant { rule: Arc::new(mutated), method, implementation: i, change });
            }
        }
    }
    mutants
}

fn changes(method: &str, params: &Params) -> Vec<(String, Params)> {
    let mut all = Vec::new();
    for (key, value) in params {
        // A search for nothing does not load; it searches for the other thing.
        if let Some(other) = other_owner(key) {
            let mut copy = params.clone();
            copy.remove(key);
            copy.insert(other.to_owned(), value.clone());
            all.push((format!("{key} turned into {other}"), copy));
            continue;
        }
        for (what, changed) in values(method, key, value, params) {
            if &changed != value {
                let mut copy = params.clone();
                copy.insert(key.clone(), changed);
                all.push((format!("{key} {what}"), copy));
            }
        }
    }
    if ["config_value", "sshd_effective_config", "sysctl_value"].contains(&method)
        && !params.contains_key("comparator")
    {
        let mut copy = params.clone();
        copy.insert("comparator".to_owned(), "!=".into());
        all.push(("comparator turned".to_owned(), copy));
    }
    all
}

fn other_owner(key: &str) -> Option<&'static str> {
    match key {
        "no_user" => Some("no_group"),
        "no_group" => Some("no_user"),
        _ => None,
    }
}

type Change = (&'static str, Value);

fn values(method: &str, key: &str, value: &Value, params: &Params) -> Vec<Change> {
    let comparator = params.get("comparator").and_then(Value::as_text).unwrap_or("==");
    match (key, value) {
        // How a value is split and what is passed over do not say what is wanted.
        ("delimiter" | "exclude" | "not_assessable_exit", _) => Vec::new(),
        ("refuse", Value::List(refused)) => without_each(refused),
        ("default", _) => vec![("other", "mutant".into())],
        ("kind", Value::Text(text)) => {
            vec![("other", if text == "file" { "directory" } else { "file" }.into())]
        }
        // A rule that wants no more than a mount has nothing left without it; its mount point is changed.
        ("mounted", _) => Vec::new(),
        ("option", Value::Text(text)) if method == "sudo_defaults" => {
            vec![("another", if text == "use_pty" { "requiretty" } else { "use_pty" }.into())]
        }
        ("source", Value::Text(text)) if text == "both" => {
            vec![("loaded alone", "loaded".into()), ("files alone", "files".into())]
        }
        (_, Value::Bool(flag)) => vec![("turned", Value::Bool(!flag))],
        ("comparator", Value::Text(text)) => {
            let other = match text.as_str() {
                "==" | "matches" | "in" | "subset" | "superset" | "covers" => "!=",
                "!=" => "==",
                "<=" | "<" => ">",
                _ => "<",
            };
            vec![("turned", other.into())]
        }
        ("run" | "cmd" | "observed_command", Value::Text(text)) => shell(text),
        ("expected_exit", _) => vec![("other", Value::Int(9))],
        ("max_mode", _) => vec![("tighter", "0000".into()), ("looser", "7777".into())],
        ("mode" | "mode_all" | "mode_any" | "mode_none", Value::Text(_)) => vec![("other", "0010".into())],
        ("type", Value::Text(text)) => {
            vec![("other", if text == "session" { "account" } else { "session" }.into())]
        }
        ("state" | "value", Value::Text(text)) => {
            other_state(method, text).map_or_else(Vec::new, |other| vec![("turned", other)])
        }
        ("rule", Value::Text(text)) => vec![(
            "another",
            text.replacen("-k ", "-k x", 1)
                .replacen("path=/", "path=/mutant/", 1)
                .replacen("-w /", "-w /mutant/", 1)
                .replacen("-S ", "-S acct,", 1)
                .into_value(),
        )],
        ("expected", value) if ["<=", "<", ">=", ">"].contains(&comparator) => bounds(value, comparator),
        ("expected", Value::Text(_)) if comparator == "covers" => {
            vec![("tighter", "777".into()), ("looser", "000".into())]
        }
        ("expected", Value::Text(_)) if ["in", "subset", "superset"].contains(&comparator) => {
            vec![("other", "mutant".into())]
        }
        ("expected", Value::Int(n)) => vec![("other", Value::Int(n + 1))],
        ("pattern", Value::Text(_)) => {
            vec![("never", "mutant\\bthat\\bmatches\\bnothing".into()), ("always", "^.*$".into())]
        }
        ("key" | "name", Value::Text(text)) if !text.contains('/') => {
            vec![("other", format!("mutant{text}").into_value())]
        }
        ("path", Value::Text(text)) if text.contains('*') => {
            vec![("other", text.replace('*', "*mutant*").into_value())]
        }
        (_, Value::Text(text)) => vec![("other", format!("{text}-mutant").into_value())],
        (_, Value::Int(n)) => vec![("other", Value::Int(n + 1))],
        (_, Value::List(items)) => {
            // Paths stay paths, or the rule would not load.
            let other = |item: &Value| match item.as_text() {
                Some(text) if text.starts_with('/') => "/mutant".into(),
                _ => "mutant".into(),
            };
            vec![("other", Value::List(items.iter().map(other).collect()))]
        }
        _ => Vec::new(),
    }
}

/// The list without one of its members, each in turn.
fn without_each(members: &[Value]) -> Vec<Change> {
    let without = |left_out: usize| {
        let kept = members.iter().enumerate().filter(|(index, _)| *index != left_out);
        ("shorter", Value::List(kept.map(|(_, member)| member.clone()).collect()))
    };
    (0..members.len()).map(without).collect()
}

trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for String {
    fn into_value(self) -> Value {
        Value::Text(self)
    }
}

/// One step tighter, and so loose that everything passes.
fn bounds(value: &Value, comparator: &str) -> Vec<Change> {
    let low = comparator.starts_with('<');
    let loosest = if low { Value::Int(1 << 40) } else { Value::Int(-(1 << 40)) };
    let number = match value {
        Value::Int(n) => Some(*n),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let tighter = number.map(|n| ("tighter", Value::Int(if low { n - 1 } else { n + 1 })));
    let tightest = ("tightest", if low { Value::Int(-(1 << 40)) } else { Value::Int(1 << 40) });
    vec![tighter.unwrap_or(tightest), ("looser", loosest)]
}

fn other_state(method: &str, state: &str) -> Option<Value> {
    let other = match (method, state) {
        (_, "present") => "absent",
        (_, "absent") => "present",
        (_, "on") => "off",
        (_, "off") => "on",
        ("kernel_module_state", "disabled") => "loaded",
        ("selinux_state", "Enforcing") => "Permissive",
        ("selinux_state", "enforcing") => "permissive",
        ("apparmor_state", "loaded") => "enforcing",
        _ => return None,
    };
    Some(other.into())
}

/// Paths, comparisons and quoted literals of shell text, each changed once.
fn shell(text: &str) -> Vec<Change> {
    let mut all = Vec::new();
    let mut replace = |what: &'static str, from: &str, to: &str| {
        if text.contains(from) {
            all.push((what, text.replace(from, to).into_value()));
        }
    };
    replace("== turned", " == ", " != ");
    replace("!= turned", " != ", " == ");
    replace("!~ turned", " !~ ", " ~ ");
    let mut paths: Vec<String> = text
        .split(|c: char| c.is_whitespace() || "\"'()=;|{}:,$".contains(c))
        .filter(|word| {
            ["/etc", "/var", "/usr", "/boot", "/proc", "/home", "/lib"]
                .iter()
                .any(|top| word.starts_with(top))
        })
        .map(|word| word.trim_end_matches(['/', '*', '.']).to_owned())
        .collect();
    paths.dedup();
    for path in paths.iter().take(1) {
        all.push(("path other", text.replace(path.as_str(), "/mutant").into_value()));
    }
    all
}

/// What a rule comes to on recorded answers, and which probes were not among them.
pub struct Judgement {
    pub status: Status,
    pub missing: Vec<Probe>,
}

/// Judges `rule` over `outputs` as a scan does, asking nothing. `None` where the rule is not for the host or the
/// implementation `only` is not the one chosen.
pub fn judge(
    rule: &Arc<Rule>,
    only: Option<usize>,
    corpus: &Corpus,
    options: &ScanOptions,
    facts: &Facts,
    outputs: &Outputs,
) -> Option<Judgement> {
    let one =
        Corpus { rules: vec![Arc::clone(rule)], variables: corpus.variables.clone(), ..Corpus::default() };
    let used: BTreeSet<&str> = kensa::variables::names_used_by(rule).into_iter().collect();
    let mut options = options.clone();
    options.variables.retain(|name, _| used.contains(name.as_str()));
    let plan = kensa::plan(&one, facts, &options).unwrap();
    let entry = plan.entries.first()?;
    match &entry.decision {
        Decision::Run(prepared) => {
            if only
                .is_some_and(|index| rule.implementations[index].gate.to_string() != prepared.implementation)
            {
                return None;
            }
            Some(over(prepared, facts, outputs))
        }
        Decision::Settled { reason: Reason::InvalidRule, detail } => {
            panic!("{}: a mutant has to load, or nothing is learned from it: {detail}", rule.id)
        }
        Decision::Settled { reason, .. } if reason.is_skip() => {
            only.is_none().then_some(Judgement { status: Status::Skipped, missing: Vec::new() })
        }
        Decision::Settled { .. } => Some(Judgement { status: Status::Error, missing: Vec::new() }),
    }
}

fn over(prepared: &Prepared, facts: &Facts, outputs: &Outputs) -> Judgement {
    let mut missing = Vec::new();
    let mut worst = Status::Pass;
    for condition in &prepared.conditions {
        let mut asked = condition.probes.clone();
        for _ in 0..MAX_WAVES {
            let more = condition.check.follow_up(facts, outputs);
            asked.extend(more.into_iter().filter(|probe| !condition.probes.contains(probe)));
        }
        missing.extend(asked.into_iter().filter(|probe| !outputs.contains(probe)));
        let status = match condition.check.judge(facts, outputs) {
            Ok(verdict) if verdict.passed => Status::Pass,
            Ok(_) => Status::Fail,
            Err(JudgeError::CouldNotTell(_)) => Status::Error,
            Err(_) => Status::Skipped,
        };
        let rank = |status: Status| match status {
            Status::Fail => 0,
            Status::Error => 1,
            Status::Skipped => 2,
            _ => 3,
        };
        if rank(status) < rank(worst) {
            worst = status;
        }
    }
    missing.sort_unstable();
    missing.dedup();
    Judgement { status: worst, missing }
}

/// Asks the host whatever the mutants of `rules` would ask and the rules did not, so that they are judged by real
/// answers.
pub async fn ask(
    recorder: &Recorder<'_>,
    rules: &[Arc<Rule>],
    corpus: &Corpus,
    options: &ScanOptions,
    facts: &Facts,
) {
    let mut mutants: Vec<Mutant> = rules.iter().flat_map(|rule| of(rule)).collect();
    for _ in 0..2 {
        let heard = recorder.heard();
        let mut wanted = BTreeSet::new();
        mutants.retain(|mutant| {
            let judged = judge(&mutant.rule, Some(mutant.implementation), corpus, options, facts, &heard);
            let missing = judged.map(|judged| judged.missing).unwrap_or_default();
            let complete = missing.is_empty();
            wanted.extend(missing);
            !complete
        });
        if wanted.is_empty() {
            return;
        }
        recorder.ask_all(&wanted.into_iter().collect::<Vec<_>>()).await;
    }
}

/// How many mutants there are of each method, and how many were caught.
#[derive(Default)]
pub struct Score {
    pub by_method: BTreeMap<String, (usize, usize)>,
    /// Those that were not caught, a line each.
    pub alive: Vec<String>,
    /// Those of implementations that no state chooses.
    pub out_of_reach: usize,
    /// Those that might have been caught if the host had been asked.
    pub unanswered: usize,
}

impl Score {
    pub fn count(&mut self, method: &str, caught: bool) {
        let (all, dead) = self.by_method.entry(method.to_owned()).or_default();
        *all += 1;
        *dead += usize::from(caught);
    }

    pub fn add(&mut self, other: Self) {
        for (method, (all, dead)) in other.by_method {
            let sum = self.by_method.entry(method).or_default();
            *sum = (sum.0 + all, sum.1 + dead);
        }
        self.alive.extend(other.alive);
        self.out_of_reach += other.out_of_reach;
        self.unanswered += other.unanswered;
    }

    pub fn total(&self) -> (usize, usize) {
        self.by_method.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}
