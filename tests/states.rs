//! Every rule, on real hosts: it passes on one and fails on another, and a rule that is changed is noticed.
//!
//! `tests/states/verdicts.tsv` holds the verdict of every rule in every state; `KENSA_BLESS=1` writes it anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    missing_docs
)]

#[path = "bed/host.rs"]
mod bed;
#[path = "states/hosts.rs"]
mod hosts;
#[path = "states/mutants.rs"]
mod mutants;
#[path = "states/variants.rs"]
mod variants;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use hosts::{Cassette, STATES, Visit};
use kensa::{Corpus, Rule, ScanOptions, Selection, Status};
use mutants::Score;

/// The share of mutants that has to be caught, in per cent: what is reached, rounded down.
const GOAL: usize = 96;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/states");

fn yaml(path: &Path) -> serde_json::Value {
    kensa::load::yaml_to_json(path, &std::fs::read(path).unwrap()).unwrap_or_else(|error| panic!("{error}"))
}

/// What a committed list says is missing: `pass`, `fail` or `both`.
fn exceptions() -> BTreeMap<String, String> {
    let listed = yaml(&Path::new(FOLDER).join("exceptions.yml"));
    let missing = |(id, entry): (&String, &serde_json::Value)| {
        assert!(entry["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{id} has no reason");
        (id.clone(), entry["missing"].as_str().unwrap().to_owned())
    };
    listed.as_object().unwrap().iter().map(missing).collect()
}

fn letter(status: Status) -> char {
    match status {
        Status::Pass => 'p',
        Status::Fail => 'f',
        Status::Error => 'e',
        Status::Skipped => 's',
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_passes_in_one_state_and_fails_in_another_and_mutants_are_caught() {
    let corpus = Arc::new(kensa::bundled_rules().unwrap());
    let variants = Arc::new(variants::all(&yaml(&Path::new(FOLDER).join("variants.yml"))));
    let (mut visits, mut changed): (Vec<Visit>, Vec<Visit>) = (Vec::new(), Vec::new());
    for pair in STATES.chunks(2) {
        let start = |state: &'static hosts::State| {
            let (corpus, variants) = (Arc::clone(&corpus), Arc::clone(&variants));
            tokio::spawn(async move { state.visit(&corpus, &variants).await })
        };
        let started: Vec<_> = pair.iter().map(start).collect();
        for one in started {
            let Some(mut of_state) = one.await.unwrap() else { return };
            changed.extend(of_state.drain(1..));
            visits.append(&mut of_state);
        }
    }
    let surprises: String = changed.iter().filter_map(Visit::surprise).collect();
    let mut found = verdicts(&visits);
    let pinned = pinned(&found);
    for (id, mut more) in verdicts(&changed) {
        found.get_mut(&id).unwrap().append(&mut more);
    }
    let halves = missing_halves(&found);
    visits.append(&mut changed);
    let score = mutation_run(&corpus, &visits);
    assert!(
        surprises.is_empty(),
        "variants are judged otherwise than tests/states/variants.yml says:\n{surprises}"
    );
    assert_eq!(halves, exceptions(), "left: what is missing; right: tests/states/exceptions.yml");
    assert!(pinned.is_empty(), "verdicts differ from tests/states/verdicts.tsv:\n{pinned}");
    let (all, caught) = score.total();
    assert!(caught * 100 >= all * GOAL, "{caught} of {all} mutants are caught, {GOAL} % are wanted");
}

/// Without hosts: facts of each platform, with every capability and with none.
#[test]
fn every_mutant_loads() {
    let corpus = kensa::bundled_rules().unwrap();
    let options = hosts::STATES[2].options();
    for (id, version) in [("rhel", "8.10"), ("rhel", "9.6"), ("debian", "12"), ("ubuntu", "24.04")] {
        for capable in [true, false] {
            let gates = corpus.rules.iter().flat_map(|rule| &rule.implementations).map(|one| &one.gate);
            let gates = gates.flat_map(|gate| gate.capabilities()).map(|name| (name.clone(), capable));
            let facts = kensa::Facts {
                platform: Some(kensa::Platform::new(id, version)),
                capabilities: gates.collect(),
                ..kensa::Facts::default()
            };
            for mutant in corpus.rules.iter().flat_map(|rule| mutants::of(rule)) {
                let index = Some(mutant.implementation);
                mutants::judge(
                    &mutant.rule,
                    index,
                    &corpus,
                    &options,
                    &facts,
                    &kensa::output::Outputs::new(),
                );
            }
        }
    }
}

type Verdicts = BTreeMap<String, Vec<Status>>;

fn verdicts(visits: &[Visit]) -> Verdicts {
    let mut found = Verdicts::new();
    for visit in visits {
        for result in &visit.report.results {
            found.entry(result.rule_id.clone()).or_default().push(result.status);
        }
    }
    found
}

fn missing_halves(found: &Verdicts) -> BTreeMap<String, String> {
    let mut missing = BTreeMap::new();
    for (id, statuses) in found {
        let half = match (statuses.contains(&Status::Pass), statuses.contains(&Status::Fail)) {
            (true, true) => continue,
            (true, false) => "fail",
            (false, true) => "pass",
            (false, false) => "both",
        };
        missing.insert(id.clone(), half.to_owned());
    }
    println!("{} of {} rules pass and fail on real hosts", found.len() - missing.len(), found.len());
    missing
}

/// Every verdict that is not the committed one, a line each.
fn pinned(found: &Verdicts) -> String {
    let path = Path::new(FOLDER).join("verdicts.tsv");
    let names: Vec<&str> = STATES.iter().map(|state| state.name).collect();
    let mut text = format!(
        "# Generated by tests/states.rs: p pass, f fail, s skipped, e error, in {}\n",
        names.join(" ")
    );
    for (id, statuses) in found {
        let letters: String = statuses.iter().copied().map(letter).collect();
        writeln!(text, "{id}\t{letters}").unwrap();
    }
    if std::env::var_os("KENSA_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let known: BTreeSet<&str> = committed.lines().collect();
    let new: BTreeSet<&str> = text.lines().collect();
    let gone = known.difference(&new).map(|line| format!("- {line}\n"));
    gone.chain(new.difference(&known).map(|line| format!("+ {line}\n"))).collect()
}

/// Judges every mutant over what the hosts answered. A mutant is caught when its verdict in some state or variant is
/// not the committed one. Those of an implementation no state chooses are counted apart.
fn mutation_run(corpus: &Corpus, visits: &[Visit]) -> Score {
    let (first, second) = corpus.rules.split_at(corpus.rules.len() / 2);
    let (mut score, more) = std::thread::scope(|scope| {
        let second = scope.spawn(|| mutants_of(second, corpus, visits));
        (mutants_of(first, corpus, visits), second.join().unwrap())
    });
    score.add(more);
    for alive in &score.alive {
        println!("{alive}");
    }
    for (method, (all, caught)) in &score.by_method {
        println!("{method:24} {caught:5} of {all:5}  {:3} %", caught * 100 / all);
    }
    let (all, caught) = score.total();
    println!("mutants caught: {caught} of {all}, {:.1} %", caught as f64 * 100.0 / all as f64);
    println!(
        "not counted: {} of implementations no state chooses; not caught for want of an answer: {}",
        score.out_of_reach, score.unanswered
    );
    score
}

fn mutants_of(rules: &[Arc<Rule>], corpus: &Corpus, visits: &[Visit]) -> Score {
    let mut score = Score::default();
    for rule in rules {
        let visits: Vec<&Visit> = visits.iter().filter(|visit| visit.has(&rule.id)).collect();
        let before: Vec<_> = visits
            .iter()
            .map(|visit| mutants::judge(rule, None, corpus, &visit.options, &visit.facts, &visit.outputs))
            .collect();
        for mutant in mutants::of(rule) {
            let (mut reached, mut caught, mut by_missing) = (false, false, false);
            for (visit, before) in visits.iter().zip(&before) {
                let index = Some(mutant.implementation);
                let after =
                    mutants::judge(&mutant.rule, index, corpus, &visit.options, &visit.facts, &visit.outputs);
                let (Some(before), Some(after)) = (before, after) else { continue };
                reached = true;
                let differs = before.status != after.status;
                caught |= differs && after.missing.is_empty();
                by_missing |= differs && !after.missing.is_empty();
                if caught {
                    break;
                }
            }
            if !reached {
                score.out_of_reach += 1;
                continue;
            }
            score.unanswered += usize::from(by_missing && !caught);
            score.count(&mutant.method, caught);
            if !caught {
                score.alive.push(format!("{}: {} ({})", rule.id, mutant.change, mutant.method));
            }
        }
    }
    score
}

/// Hosts that cannot be made here, written down by hand: each says which rules it is for and what they come to.
#[tokio::test]
async fn recorded_hosts_give_what_real_ones_cannot() {
    let corpus = kensa::bundled_rules().unwrap();
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut files: Vec<_> = std::fs::read_dir(Path::new(FOLDER).join("recorded"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    for path in files {
        let file = yaml(&path);
        assert!(
            file["recorded"].as_str().is_some_and(|why| !why.is_empty()),
            "{}: says not that it is recorded",
            path.display()
        );
        for (host, state) in file["hosts"].as_object().unwrap() {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let mut answers = BTreeMap::new();
            for answer in state["answers"].as_array().unwrap() {
                let exit = answer["exit"].as_i64().unwrap_or(0) as i32;
                answers.insert(
                    text(&answer["command"]),
                    (exit, text(&answer["stdout"]), text(&answer["stderr"])),
                );
            }
            // A command of a rule is named by the rule, so that its text is in one place.
            for (id, answer) in state["rule_answers"].as_object().into_iter().flatten() {
                let rule = corpus.rules.iter().find(|rule| rule.id == *id).unwrap_or_else(|| panic!("{id}"));
                for condition in rule.implementations.iter().flat_map(|one| &one.checks) {
                    if let Some(run) = condition.params.get("run").and_then(kensa::value::Value::as_text) {
                        let exit = answer["exit"].as_i64().unwrap_or(0) as i32;
                        answers
                            .insert(run.to_owned(), (exit, text(&answer["stdout"]), text(&answer["stderr"])));
                    }
                }
            }
            let expect = state["expect"].as_object().unwrap();
            let selection = Selection { rule_ids: expect.keys().cloned().collect(), ..Selection::default() };
            let flags = state["capabilities"].as_object().into_iter().flatten();
            let capabilities = flags.map(|(name, flag)| (name.clone(), flag.as_bool().unwrap())).collect();
            let options = ScanOptions { selection, capabilities, ..ScanOptions::default() };
            let cassette = Cassette { name: host.clone(), answers };
            let report = kensa::scan(&cassette, &corpus, &options, &mut |_| {}).await.unwrap();
            for result in &report.results {
                assert_eq!(
                    Some(result.status.name()),
                    expect[&result.rule_id].as_str(),
                    "{host}: {}: {}",
                    result.rule_id,
                    result.detail
                );
                seen.entry(result.rule_id.clone()).or_default().insert(result.status.name().to_owned());
            }
        }
    }
    let mut wanting = Vec::new();
    for (id, half) in exceptions() {
        let halves: &[&str] = if half == "both" { &["pass", "fail"] } else { &[half.as_str()] };
        wanting.extend(
            halves
                .iter()
                .filter(|half| !seen.get(&id).is_some_and(|seen| seen.contains(**half)))
                .map(|half| format!("{id}: {half}")),
        );
    }
    println!(
        "exceptions: {}; without a recorded host: {}\n{}",
        exceptions().len(),
        wanting.len(),
        wanting.join("\n")
    );
    assert!(wanting.is_empty());
}
