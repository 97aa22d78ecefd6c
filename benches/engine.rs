//! What the engine itself costs for a thousand rules: load and validate, select and plan, judge. Nothing is asked of
//! a host; the answers are recorded ones.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

#[path = "../tests/hosts/mod.rs"]
mod hosts;

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hosts::Recorded;
use kensa::output::Outputs;
use kensa::{Corpus, Decision, LoadOptions, Plan, detect};
use kensa_rules::scan;

const RULES: usize = 1000;

/// The bundled rules, and copies of them under other names until there are a thousand.
fn files() -> Vec<(String, String)> {
    let bundled: Vec<(&str, &str)> = kensa::bundled_rules_files().collect();
    let (variables, rules): (Vec<_>, Vec<_>) =
        bundled.into_iter().partition(|(path, _)| path.ends_with("defaults.yml"));
    let mut files: Vec<(String, String)> =
        variables.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    for number in 0..RULES {
        let ((path, text), copy) = (rules[number % rules.len()], number / rules.len());
        let name = path.trim_end_matches(".yml");
        let id = name.rsplit('/').next().unwrap_or(name);
        let text = text.replacen(&format!("id: {id}\n"), &format!("id: {id}-{copy}\n"), 1);
        files.push((format!("{name}-{copy}.yml"), text));
    }
    files
}

fn load(files: &[(String, String)]) -> Corpus {
    kensa::load::load_embedded(files.iter().cloned(), &LoadOptions::default()).unwrap()
}

fn engine(criterion: &mut Criterion) {
    let files = files();
    let corpus = load(&files);
    assert_eq!(corpus.rules.len(), RULES);
    criterion.bench_function("load and validate 1000 rules", |bench| bench.iter(|| load(black_box(&files))));

    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let host = Recorded::load("rhel9");
    let facts = runtime.block_on(detect::detect(&host, &BTreeMap::new()));
    let plan = || {
        let variables = corpus.variables.for_scan(None, &BTreeMap::new()).unwrap();
        Plan::of(&corpus.rules, &facts, &variables)
    };
    let planned = plan();
    println!("{planned}");
    criterion.bench_function("select and plan 1000 rules", |bench| bench.iter(plan));

    let got: Outputs = host.answers.clone().into_iter().collect();
    let conditions = planned.entries.iter().flat_map(|entry| match &entry.decision {
        Decision::Run(prepared) => prepared.conditions.as_slice(),
        Decision::Settled { .. } => &[],
    });
    let conditions: Vec<_> = conditions.collect();
    let judge = || conditions.iter().filter(|one| one.check.judge(&facts, black_box(&got)).is_ok()).count();
    println!("{} conditions, {} with a verdict", conditions.len(), judge());
    criterion.bench_function("judge 1000 rules", |bench| bench.iter(judge));

    let options = scan::Options::default();
    criterion.bench_function("scan 1000 rules over recorded answers, evidence included", |bench| {
        bench.iter(|| runtime.block_on(scan::scan(&host, &facts, &planned, &options, &mut |_| {})));
    });
}

criterion_group!(benches, engine);
criterion_main!(benches);
