//! The bundled rules: they load without a complaint, and a scan with them stays one shell.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use kensa::{Corpus, LoadOptions, Platform, ScanOptions};

fn bundled() -> Corpus {
    let corpus = kensa::bundled_rules().unwrap();
    assert!(corpus.diagnostics.is_empty(), "{}", kensa::load::render(&corpus.diagnostics));
    corpus
}

#[test]
fn the_rules_on_disk_load_strictly_and_are_the_bundled_ones() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");
    let strict = LoadOptions { strict: true, ..LoadOptions::default() };
    let on_disk = kensa::load_rules(path, &strict).unwrap_or_else(|error| panic!("{error}"));
    let ids = |corpus: &Corpus| corpus.rules.iter().map(|rule| rule.id.clone()).collect::<BTreeSet<_>>();
    assert_eq!(ids(&on_disk), ids(&bundled()));
}

#[test]
fn all_categories_are_served_by_many_methods_and_little_shell() {
    let corpus = bundled();
    let categories: BTreeSet<&str> = corpus.rules.iter().map(|rule| rule.category.as_str()).collect();
    let eight =
        ["access-control", "audit", "filesystem", "kernel", "logging", "network", "services", "system"];
    assert_eq!(categories, eight.into());
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in &corpus.rules {
        for condition in rule.implementations.iter().flat_map(|one| &one.checks) {
            *uses.entry(condition.method.as_str()).or_default() += 1;
        }
    }
    assert!(uses.len() >= 18, "{uses:?}");
    let all: usize = uses.values().sum();
    assert!(uses["command"] * 4 <= all, "{} of {all} checks are shell text", uses["command"]);
}

/// A command that may leave a process behind needs a shell, and so a sudo, of its own.
#[test]
fn no_command_of_a_rule_needs_a_shell_of_its_own() {
    let corpus = bundled();
    for (id, version) in
        [("rhel", "8.10"), ("rhel", "9.6"), ("rhel", "10.0"), ("debian", "12"), ("ubuntu", "24.04")]
    {
        let everything: BTreeSet<String> = corpus
            .rules
            .iter()
            .flat_map(|rule| rule.implementations.iter().flat_map(|one| one.gate.capabilities().to_vec()))
            .collect();
        for present in [false, true] {
            let capabilities = everything.iter().map(|name| (name.clone(), present)).collect();
            let facts = kensa::facts_for(Platform::new(id, version), &capabilities);
            let plan = kensa::plan(&corpus, &facts, &ScanOptions::default()).unwrap();
            assert!(!plan.probes.is_empty());
            for probe in &plan.probes {
                let command = probe.command();
                assert!(!kensa::may_leave_processes(&command), "{id} {version}: {command}");
            }
        }
    }
}
