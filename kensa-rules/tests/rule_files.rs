//! Rule files as people write them: every form that must load, and every mistake with what is said about it.

// Clippy takes only the test functions themselves for tests.
#![allow(clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kensa_core::Rule;
use kensa_core::rule::Gate;
use kensa_rules::load::{Corpus, Diagnostic, LoadError, LoadOptions, load_embedded, load_rules};

const CAPABILITIES: [&str; 9] = [
    "apt",
    "authselect",
    "firewalld",
    "nftables",
    "pam_faillock",
    "rsyslog",
    "selinux",
    "sshd_config_d",
    "dpkg",
];

fn rules(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/rules").join(path)
}

fn options(strict: bool) -> LoadOptions<'static> {
    LoadOptions { strict, known_capabilities: Some(&CAPABILITIES), ..LoadOptions::default() }
}

fn valid() -> Corpus {
    match load_rules(rules("valid"), &options(true)) {
        Ok(corpus) => corpus,
        Err(error) => panic!("{error}\n{}", shown(&diagnostics(Err(error.clone())))),
    }
}

fn rule<'c>(corpus: &'c Corpus, id: &str) -> &'c Rule {
    corpus.rules.iter().find(|rule| rule.id == id).unwrap_or_else(|| panic!("no rule {id}"))
}

fn diagnostics(loaded: Result<Corpus, LoadError>) -> Vec<Diagnostic> {
    match loaded {
        Ok(corpus) => corpus.diagnostics,
        Err(LoadError::Invalid { diagnostics }) => diagnostics,
        Err(error) => panic!("{error}"),
    }
}

/// Diagnostics with paths relative to `tests/rules`.
fn shown(diagnostics: &[Diagnostic]) -> String {
    let root = rules("");
    let texts = diagnostics.iter().map(|diagnostic| diagnostic.to_string());
    texts.collect::<Vec<_>>().join("\n\n").replace(&root.display().to_string(), "")
}

#[test]
fn every_valid_rule_loads_without_a_word_in_strict_mode() {
    let corpus = valid();
    assert_eq!(corpus.diagnostics, []);
    let ids: Vec<&str> = corpus.rules.iter().map(|rule| rule.id.as_str()).collect();
    let mut sorted = corpus.rules.iter().map(|rule| rule.path.clone()).collect::<Vec<_>>();
    sorted.sort();
    assert!(corpus.rules.iter().map(|rule| rule.path.clone()).eq(sorted), "{ids:?}");
    assert!(!ids.contains(&"some-benchmark"), "mappings are no rules");
}

#[test]
fn every_field_arrives() {
    let corpus = valid();
    let mut rule = rule(&corpus, "every-field").clone();
    rule.path = rule.path.and_then(|path| path.file_name().map(PathBuf::from));
    insta::assert_json_snapshot!(rule);
}

#[test]
fn both_generations_of_reference_keys_flatten() {
    let corpus = valid();
    let flat = rule(&corpus, "old-generation").references.flatten();
    let keys: Vec<&str> = flat.keys().map(String::as_str).collect();
    assert_eq!(keys, ["cis_rhel8_v4.0.0", "cis_rhel9_v2", "stig_rhel9_v2r7"]);
    let flat = rule(&corpus, "every-field").references.flatten();
    assert_eq!(flat["cis_ubuntu22"], ["1.1.1.1", "1.1.2"]);
    assert_eq!(flat["stig_rhel8"], ["V-230221", "V-230222"]);
    assert_eq!(flat["pci_dss_4"], ["2.2.1", "2"]);
}

#[test]
fn every_gate_form_is_read() {
    let corpus = valid();
    let gates: Vec<&Gate> = rule(&corpus, "gates").implementations.iter().map(|one| &one.gate).collect();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        gates,
        [
            &Gate::Capability("apt".to_owned()),
            &Gate::All(names(&["authselect", "pam_faillock"])),
            &Gate::Any(names(&["nftables", "firewalld"])),
            &Gate::Not("selinux".to_owned()),
        ]
    );
}

#[test]
fn nested_checks_are_one_list() {
    let corpus = valid();
    let implementations = &rule(&corpus, "multi-check").implementations;
    let methods: Vec<&str> = implementations[0].checks.iter().map(|check| check.method.as_str()).collect();
    assert_eq!(methods, ["package_state", "file_exists", "config_value"]);
    assert_eq!(implementations[1].checks.len(), 1);
}

#[test]
fn a_rule_set_in_memory_loads_like_one_on_disk() {
    let root = rules("valid");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                files.push((path.strip_prefix(&root).unwrap().to_owned(), bytes));
            }
        }
    }
    let embedded = load_embedded(files, &options(true)).unwrap();
    let on_disk = valid();
    assert_eq!(embedded.rules.len(), on_disk.rules.len());
    for (one, other) in embedded.rules.iter().zip(&on_disk.rules) {
        let path = other.path.as_deref().unwrap().strip_prefix(&root).unwrap();
        assert_eq!(one.path.as_deref(), Some(path));
        assert_eq!(**one, Rule { path: one.path.clone(), ..(**other).clone() });
    }
    let values = |corpus: &Corpus| -> BTreeMap<String, String> {
        corpus.variables.iter().map(|(name, setting)| (name.to_owned(), setting.text())).collect()
    };
    assert_eq!(values(&embedded), values(&on_disk));
}

/// One entry per file: what is said, and what `strict` says where that differs.
fn report_on(paths: Vec<PathBuf>) -> String {
    let mut report = String::new();
    for path in paths {
        let lenient = load_rules(&path, &options(false));
        let loads = if lenient.is_ok() { "loads" } else { "does not load" };
        let said = shown(&diagnostics(lenient));
        let strict = diagnostics(load_rules(&path, &options(true)));
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(!strict.is_empty(), "{name}: nothing is said");
        let refused = if strict.iter().any(Diagnostic::is_error) { "refuses it" } else { "takes it" };
        let strict = shown(&strict);
        let added = if said == strict { String::new() } else { format!("\n\nstrict:\n{strict}") };
        writeln!(report, "==== {name}: {loads}; strict {refused}\n\n{said}{added}\n").unwrap();
    }
    report
}

fn listed(folder: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(rules(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_mistake_is_named_where_it_stands() {
    let is_rule = |path: &PathBuf| path.is_file() && !path.ends_with("defaults.yml");
    let paths: Vec<PathBuf> = listed("broken").into_iter().filter(is_rule).collect();
    assert!(paths.len() >= 40);
    insta::assert_snapshot!(report_on(paths));
}

#[test]
fn mistakes_across_files_are_named() {
    insta::assert_snapshot!(report_on(listed("broken/sets")));
}

#[test]
fn a_diagnostic_is_one_json_object() {
    let found = diagnostics(load_rules(rules("broken/key-misspelt.yml"), &options(false)));
    let mut first = found[0].clone();
    first.path = PathBuf::from("key-misspelt.yml");
    insta::assert_json_snapshot!(first);
}

#[test]
fn a_folder_with_broken_files_gives_the_rest() {
    let corpus = load_rules(rules("broken/sets/duplicate-id"), &options(false)).unwrap();
    assert_eq!(corpus.rules.len(), 1);
    assert_eq!(corpus.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count(), 1);
}
