//! Never a false verdict: every rule, with every way in which an answer can go wrong, on recorded hosts.
//!
//! A faulted answer may lead to a verdict only where the same verdict comes when that answer is missing altogether,
//! and then it is the true one. Everything else is an `error` whose reason names the fault.
//!
//! Some faults cannot be told from a truth by looking at one answer: an empty file, a file or a command's output with
//! other text in it, a list cut between two lines. What stands against them is one level below, where answers are
//! framed: a marker with nonce and number ends each answer on both streams, so that a cut, an exchange or a mixture
//! never completes a command (`kensa-ssh/tests/cuts.rs` and the tests of its frame parser).

#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout)]

#[path = "hosts/mod.rs"]
mod hosts;
#[path = "hosts/random.rs"]
mod random;
#[path = "hosts/spoiled.rs"]
mod spoiled;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hosts::{Answer, Recorded, never_recorded};
use kensa::transport::{Ask, Transport};
use kensa::variables::VariableTable;
use kensa::{
    CheckResult, Decision, Facts, Fault, Plan, Probe, Reason, Rule, ScanOptions, Status, detect, methods,
};
use kensa_rules::scan;
use random::Random;
use spoiled::{Spoiled, spoil};

const HOSTS: [&str; 2] = ["debian12", "rhel9"];

/// Cases with several faults in one rule, per host.
const MIXED: u64 = 3_000;

/// A recorded host of which some answers are replaced, and which may stop answering.
struct Faulty<'a> {
    truth: &'a Recorded,
    instead: BTreeMap<Probe, Answer>,
    /// How many more answers come before the link is cut.
    left: Mutex<usize>,
    asked: Mutex<Vec<Probe>>,
}

impl<'a> Faulty<'a> {
    fn new(truth: &'a Recorded, instead: BTreeMap<Probe, Answer>) -> Self {
        Self { truth, instead, left: Mutex::new(usize::MAX), asked: Mutex::new(Vec::new()) }
    }
}

#[async_trait]
impl Transport for Faulty<'_> {
    fn host(&self) -> &str {
        "faulty"
    }

    async fn ask(&self, ask: Ask<'_>, each: &mut (dyn FnMut(Probe, Answer) + Send)) {
        for probe in ask.probes {
            self.asked.lock().unwrap().push(probe.clone());
            let mut left = self.left.lock().unwrap();
            let answer = match (*left, self.instead.get(probe)) {
                (0, _) => Err(Fault::new(Reason::ConnectionLost, "the link was cut")),
                (_, Some(answer)) => answer.clone(),
                (_, None) => self.truth.answers.get(probe).cloned().unwrap_or_else(|| never_recorded(probe)),
            };
            *left = left.saturating_sub(1);
            drop(left);
            each(probe.clone(), answer);
        }
    }
}

/// A recorded host, its facts and the rules.
struct Stage {
    host: Recorded,
    facts: Facts,
    rules: Vec<Arc<Rule>>,
    variables: VariableTable,
    runtime: tokio::runtime::Runtime,
}

impl Stage {
    fn new(name: &str) -> Self {
        let host = Recorded::load(name);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let facts = runtime.block_on(detect::detect(&host, &BTreeMap::new()));
        let corpus = hosts::corpus();
        let variables = corpus.variables.for_scan(None, &BTreeMap::new()).unwrap();
        Self { host, facts, rules: corpus.rules, variables, runtime }
    }

    /// Every rule alone, with its plan, that is evaluated on this host.
    fn plans(&self) -> Vec<Plan> {
        let plans =
            self.rules.iter().map(|rule| Plan::of(std::slice::from_ref(rule), &self.facts, &self.variables));
        plans.filter(|plan| matches!(plan.entries[0].decision, Decision::Run(_))).collect()
    }

    /// The one result of a plan of one rule, and what it asked.
    fn result(&self, plan: &Plan, instead: BTreeMap<Probe, Answer>) -> (CheckResult, Vec<Probe>) {
        let transport = Faulty::new(&self.host, instead);
        let options = scan::Options::default();
        let outcome = self.runtime.block_on(scan::scan(&transport, &self.facts, plan, &options, &mut |_| {}));
        assert_eq!(outcome.results.len(), 1, "exactly one result per rule");
        (outcome.results.into_iter().next().unwrap(), transport.asked.into_inner().unwrap())
    }

    fn without(&self, plan: &Plan, probes: &[Probe]) -> CheckResult {
        let lost = || Err(Fault::new(Reason::ConnectionLost, "the connection was lost"));
        self.result(plan, probes.iter().map(|probe| (probe.clone(), lost())).collect()).0
    }
}

fn is_verdict(status: Status) -> bool {
    status != Status::Error
}

/// What is wrong with `got`, which came of faulted answers.
fn complaint(
    truth: &CheckResult,
    unanswered: &CheckResult,
    got: &CheckResult,
    faults: &[&Spoiled],
) -> Option<String> {
    let shown =
        |result: &CheckResult| format!("{:?} ({:?}): {}", result.status, result.reason, result.detail);
    if is_verdict(unanswered.status) && unanswered.status != truth.status {
        return Some(format!("without an answer {}, in truth {}", shown(unanswered), shown(truth)));
    }
    if is_verdict(got.status) {
        // What was found before the fault stays found.
        let found = faults.iter().all(|fault| fault.finds) && got.status == Status::Fail;
        let certain = got.status == unanswered.status || (found && truth.status == Status::Fail);
        return (!certain).then(|| format!("{}, without an answer {}", shown(got), shown(unanswered)));
    }
    let reasons = faults.iter().flat_map(|fault| fault.reasons).copied().chain(truth.reason);
    let named = got.reason.is_some_and(|reason| reasons.clone().any(|known| known == reason));
    (!named || got.detail.is_empty())
        .then(|| format!("{}, which does not name the fault {:?}", shown(got), reasons.collect::<Vec<_>>()))
}

/// Wrong results by method, kind of probe and fault, each with the first example.
#[derive(Default)]
struct Wrong(BTreeMap<(String, String, &'static str), (usize, String)>);

impl Wrong {
    fn note(&mut self, method: &str, probe: &Probe, fault: &'static str, example: impl FnOnce() -> String) {
        let key = (method.to_owned(), spoiled::kind(probe).to_owned(), fault);
        self.0.entry(key).or_insert_with(|| (0, example())).0 += 1;
    }

    fn assert_none(self) {
        let lines = self.0.into_iter().map(|((method, kind, fault), (count, example))| {
            format!("{count} x {method}, {kind}, {fault}: {example}")
        });
        let lines: Vec<String> = lines.collect();
        assert!(lines.is_empty(), "{} kinds of wrong results:\n{}", lines.len(), lines.join("\n"));
    }
}

#[test]
fn no_fault_of_one_answer_makes_a_verdict() {
    let mut cases = 0_usize;
    let mut wrong = Wrong::default();
    let mut tried = BTreeSet::new();
    for name in HOSTS {
        let stage = Stage::new(name);
        for plan in stage.plans() {
            let (truth, asked) = stage.result(&plan, BTreeMap::new());
            let Decision::Run(prepared) = &plan.entries[0].decision else { continue };
            let method = prepared.conditions.iter().map(|one| one.method).collect::<Vec<_>>().join("+");
            tried.extend(prepared.conditions.iter().map(|one| one.method));
            for probe in asked.iter().filter(|probe| stage.host.answers.contains_key(probe)) {
                let unanswered = stage.without(&plan, std::slice::from_ref(probe));
                for fault in spoil(probe, &stage.host) {
                    cases += 1;
                    let (got, _) = stage.result(&plan, [(probe.clone(), fault.answer.clone())].into());
                    if let Some(what) = complaint(&truth, &unanswered, &got, &[&fault]) {
                        wrong.note(&method, probe, fault.name, || {
                            format!("{name} {}: {probe}: {what}", truth.rule_id)
                        });
                    }
                }
            }
        }
    }
    println!("{cases} cases");
    let missing: Vec<&str> =
        methods::METHODS.iter().map(|method| method.name).filter(|name| !tried.contains(name)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "every method is tried");
    assert!(cases >= 10_000, "{cases}");
    wrong.assert_none();
}

#[test]
fn several_faults_at_once_make_no_verdict_either() {
    let seed = std::env::var("KENSA_FAULT_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut wrong = Wrong::default();
    for name in HOSTS {
        let stage = Stage::new(name);
        let plans: Vec<_> =
            stage.plans().into_iter().map(|plan| (stage.result(&plan, BTreeMap::new()), plan)).collect();
        let plans: Vec<_> = plans.iter().filter(|((_, asked), _)| asked.len() > 1).collect();
        let mut random = Random(seed);
        for _ in 0..MIXED {
            let ((truth, asked), plan) = random.pick(&plans);
            let mut faults = BTreeMap::new();
            for _ in 0..random.below(4) + 2 {
                let probe = random.pick(asked);
                let all = if stage.host.answers.contains_key(probe) {
                    spoil(probe, &stage.host)
                } else {
                    Vec::new()
                };
                if !all.is_empty() {
                    let at = random.below(all.len());
                    faults.insert(probe.clone(), all.into_iter().nth(at).unwrap());
                }
            }
            let probes: Vec<Probe> = faults.keys().cloned().collect();
            let unanswered = stage.without(plan, &probes);
            let instead = faults.iter().map(|(probe, fault)| (probe.clone(), fault.answer.clone())).collect();
            let (got, _) = stage.result(plan, instead);
            let all: Vec<&Spoiled> = faults.values().collect();
            if let Some(what) = complaint(truth, &unanswered, &got, &all)
                && let Some(probe) = probes.first()
            {
                let names: Vec<&str> = all.iter().map(|fault| fault.name).collect();
                wrong.note("several", probe, "mixed", || {
                    format!("seed {seed}, {name} {}: {names:?}: {what}", truth.rule_id)
                });
            }
        }
    }
    wrong.assert_none();
}

#[test]
fn a_link_cut_after_any_answer_leaves_only_true_verdicts() {
    for name in HOSTS {
        let stage = Stage::new(name);
        let plan = Plan::of(&stage.rules, &stage.facts, &stage.variables);
        let scan = |left: usize| {
            let transport = Faulty::new(&stage.host, BTreeMap::new());
            *transport.left.lock().unwrap() = left;
            let options = scan::Options::default();
            let outcome =
                stage.runtime.block_on(scan::scan(&transport, &stage.facts, &plan, &options, &mut |_| {}));
            (outcome, transport.asked.into_inner().unwrap().len())
        };
        let (truth, asked) = scan(usize::MAX);
        let mut told_before = 0;
        for left in (0..asked).step_by(asked / 40 + 1) {
            let (outcome, _) = scan(left);
            assert!(outcome.completeness.unanswered > 0);
            assert_eq!(outcome.results.len(), stage.rules.len());
            let mut told = 0;
            for (got, truth) in outcome.results.iter().zip(&truth.results) {
                assert_eq!(got.rule_id, truth.rule_id);
                if got.status == Status::Error {
                    let cut = [Some(Reason::ConnectionLost), truth.reason];
                    assert!(cut.contains(&got.reason), "{name} {left}: {got:?}");
                } else {
                    assert_eq!(got.status, truth.status, "{name} {left}: {}", got.rule_id);
                    told += 1;
                }
            }
            assert!(told >= told_before, "{name} {left}: more answers, fewer results");
            told_before = told;
        }
    }
}

#[test]
fn a_fault_during_detection_leaves_a_capability_undetermined_and_never_wrong() {
    let mut wrong = Wrong::default();
    for name in HOSTS {
        let stage = Stage::new(name);
        // A capability younger than the recording is undetermined, and may not become anything else.
        let recorded = |why: &String| why.contains("nothing was recorded");
        assert!(stage.facts.undetermined.values().all(recorded), "{:?}", stage.facts.undetermined);
        for probe in detect::probes() {
            // That a program is not installed is what its status 127 says.
            let installed = |fault: &Spoiled| fault.name != "exit 127" || spoiled::kind(&probe) != "run";
            for fault in spoil(&probe, &stage.host).into_iter().filter(installed) {
                let transport = Faulty::new(&stage.host, [(probe.clone(), fault.answer.clone())].into());
                let got = stage.runtime.block_on(detect::detect(&transport, &BTreeMap::new()));
                for capability in detect::CAPABILITIES {
                    let (before, after) =
                        (stage.facts.capability(capability.name), got.capability(capability.name));
                    if after.is_some() && after != before {
                        wrong.note(capability.name, &probe, fault.name, || {
                            format!("{name}: {probe}: {before:?} became {after:?}")
                        });
                    }
                }
                if got.platform != stage.facts.platform && got.platform_unknown().is_none() {
                    wrong.note("platform", &probe, fault.name, || format!("{name}: {:?}", got.platform));
                }
            }
        }
    }
    wrong.assert_none();
}

#[test]
fn where_detection_fails_rules_for_some_platforms_are_errors_and_all_have_a_result() {
    for name in HOSTS {
        let stage = Stage::new(name);
        let releases = detect::probes().into_iter().filter(|probe| probe.to_string().contains("release"));
        let everything = detect::probes();
        for faulted in [releases.collect::<Vec<Probe>>(), everything] {
            let denied = |probe: &Probe| {
                let output = kensa::Output::new(probe.command(), 1, b"", b"cat: x: Permission denied\n");
                (probe.clone(), Ok(Arc::new(output)))
            };
            let transport = Faulty::new(&stage.host, faulted.iter().map(denied).collect());
            let options = ScanOptions::default();
            let corpus = hosts::corpus();
            let report =
                stage.runtime.block_on(kensa::scan(&transport, &corpus, &options, &mut |_| {})).unwrap();
            assert_eq!(report.results.len(), corpus.rules.len());
            for (result, rule) in report.results.iter().zip(&corpus.rules) {
                assert_eq!(result.rule_id, rule.id);
                if !rule.platforms.is_empty() && result.reason != Some(Reason::Superseded) {
                    assert_eq!(result.status, Status::Error, "{name} {}", rule.id);
                    assert_eq!(result.reason, Some(Reason::UndeterminedCapability), "{name} {}", rule.id);
                    assert!(result.detail.contains("platform could not be determined"), "{}", result.detail);
                }
                assert_ne!(result.reason, Some(Reason::PlatformMismatch), "{name} {}", rule.id);
            }
        }
    }
}
