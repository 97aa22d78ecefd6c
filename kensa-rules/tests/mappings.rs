//! The committed mapping files are what the rules cite.

// Clippy takes only the test functions themselves for tests.
#![allow(clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kensa_rules::load::{Corpus, LoadOptions, load_rules};
use kensa_rules::mappings::{
    BENCHMARKS, FrameworkMapping, Kind, REGENERATE, generate, load_all_mappings, read_controls, read_mapping,
    render,
};

fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules")
}

fn corpus() -> Corpus {
    load_rules(rules(), &LoadOptions::default()).unwrap()
}

fn generated(corpus: &Corpus) -> Vec<FrameworkMapping> {
    let one = |benchmark: &kensa_rules::mappings::Benchmark| {
        let list = rules().join(format!("mappings/controls/{}.csv", benchmark.id));
        let controls = read_controls(benchmark.id, &std::fs::read_to_string(list).unwrap()).unwrap();
        generate(benchmark, &controls, &corpus.rules)
    };
    BENCHMARKS.iter().map(one).collect()
}

#[test]
fn the_committed_mappings_are_fresh() {
    for mapping in generated(&corpus()) {
        let path = rules().join(format!("mappings/{}.yaml", mapping.id));
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == render(&mapping), "mappings/{}.yaml is stale: run `{REGENERATE}`", mapping.id);
    }
}

#[test]
fn a_written_mapping_reads_as_itself() {
    for mapping in generated(&corpus()) {
        let read = read_mapping(Path::new(&mapping.id), render(&mapping).as_bytes()).unwrap();
        assert_eq!(read, mapping);
    }
}

#[test]
fn every_control_is_accounted_for_and_every_rule_exists() {
    let corpus = corpus();
    let ids: BTreeSet<&str> = corpus.rules.iter().map(|rule| rule.id.as_str()).collect();
    let all = load_all_mappings(rules().join("mappings")).unwrap();
    assert!(all.diagnostics.is_empty(), "{:?}", all.diagnostics);
    assert_eq!(all.mappings.len(), BENCHMARKS.len());
    for mapping in all.mappings.values() {
        assert!(mapping.unaccounted_controls().is_empty(), "{}", mapping.id);
        assert!(!mapping.sections.is_empty(), "{} has no rule", mapping.id);
        assert_eq!(mapping.controls.len(), mapping.sections.len() + mapping.unimplemented.len());
        for rule in mapping.rule_ids() {
            assert!(ids.contains(rule), "{} names {rule}", mapping.id);
        }
        for entry in &mapping.unimplemented {
            assert!(!entry.reason.is_empty() && !entry.title.is_empty(), "{} {}", mapping.id, entry.control);
        }
    }
}

#[test]
fn one_host_never_answers_a_duty_in_full() {
    for (benchmark, mapping) in BENCHMARKS.iter().zip(generated(&corpus())) {
        if benchmark.kind == Kind::Duties {
            assert!(mapping.sections.iter().all(|entry| entry.partial.is_some()), "{}", mapping.id);
        }
    }
}

#[test]
fn mapping_files_are_not_taken_for_rules() {
    let corpus = corpus();
    let from_mappings =
        corpus.diagnostics.iter().find(|found| found.path.starts_with(rules().join("mappings")));
    assert!(from_mappings.is_none(), "{from_mappings:?}");
    assert!(corpus.rules.iter().all(|rule| rule.category != "mappings"));
}
