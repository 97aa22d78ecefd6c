use std::fs;
use std::os::unix::fs::symlink;

use super::*;

const RULE: &str = "title: A rule
description: What it demands.
rationale: Why it matters.
severity: medium
implementations:
  - default: true
    check: {method: sysctl_value, key: net.ipv4.ip_forward, expected: \"{{ forward }}\"}
";

fn rule(id: &str, category: &str) -> String {
    format!("id: {id}\ncategory: {category}\n{RULE}")
}

fn set(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn ids(corpus: &Corpus) -> Vec<&str> {
    corpus.rules.iter().map(|rule| rule.id.as_str()).collect()
}

fn codes(corpus: &Corpus) -> Vec<&str> {
    corpus.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn what_is_not_there_is_said_in_one_line() {
    let folder = set(&[("readme.txt", "x"), ("defaults.yml", "variables: {}\n")]);
    let error = load_rules(folder.path(), &LoadOptions::default()).unwrap_err();
    assert_eq!(error.code(), "no_rules");
    let error = load_rules(folder.path().join("none"), &LoadOptions::default()).unwrap_err();
    assert_eq!(error.code(), "not_found");
    assert!(!error.to_string().contains('\n') && error.to_string().contains("none"), "{error}");
}

#[test]
fn a_link_back_to_a_folder_does_not_loop_and_loads_nothing_twice() {
    let folder = set(&[("a/one.yml", &rule("one", "a")), ("defaults.yml", "variables: {forward: '0'}\n")]);
    symlink(folder.path(), folder.path().join("a/back")).unwrap();
    symlink(folder.path().join("a"), folder.path().join("b")).unwrap();
    symlink(folder.path().join("nowhere"), folder.path().join("a/dangling.yml")).unwrap();
    let corpus = load_rules(folder.path(), &LoadOptions::default()).unwrap();
    assert_eq!(ids(&corpus), ["one"]);
    assert_eq!(codes(&corpus).iter().filter(|code| **code == "unreadable").count(), 1);
}

#[test]
fn a_pipe_is_reported_and_not_waited_for() {
    let folder = set(&[("a/one.yml", &rule("one", "a")), ("defaults.yml", "variables: {forward: '0'}\n")]);
    let pipe = folder.path().join("a/pipe.yml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let corpus = load_rules(folder.path(), &LoadOptions::default()).unwrap();
    assert_eq!((ids(&corpus), codes(&corpus)), (vec!["one"], vec!["unreadable"]));
}

#[test]
fn a_rule_file_alone_finds_the_variables_of_its_set() {
    let folder = set(&[
        ("a/one.yml", &rule("one", "a")),
        ("defaults.yml", "variables: {forward: '0'}\n"),
        ("rules.d/site.yml", "variables: {forward: '1'}\n"),
    ]);
    for path in ["a/one.yml", "a"] {
        let corpus = load_rules(folder.path().join(path), &LoadOptions::default()).unwrap();
        assert_eq!((ids(&corpus), codes(&corpus)), (vec!["one"], vec![]));
        assert_eq!(corpus.variables.get("forward").map(|set| set.text()).as_deref(), Some("1"));
    }
    let table = load_variables(folder.path(), &LoadOptions::default()).unwrap();
    assert_eq!(table.get("forward").map(|set| set.text()).as_deref(), Some("1"));
}

#[test]
fn defaults_may_lie_in_the_config_folder_beside_the_rules() {
    let folder = set(&[
        ("rules/a/one.yml", &rule("one", "a")),
        ("config/defaults.yml", "variables: {forward: '0'}\n"),
    ]);
    let corpus = load_rules(folder.path().join("rules"), &LoadOptions::default()).unwrap();
    assert_eq!((ids(&corpus), codes(&corpus)), (vec!["one"], vec![]));
}

#[test]
fn the_site_directory_overrides_in_its_order() {
    let folder = set(&[
        ("rules/a/one.yml", &rule("one", "a")),
        ("rules/defaults.yml", "variables: {forward: '0'}\n"),
        ("etc/defaults.yml", "variables: {forward: '1'}\nother: 1\n"),
        ("etc/conf.d/10.yml", "variables: {forward: '2'}\n"),
        ("etc/groups/web.yml", "variables: {forward: '3'}\n"),
        ("etc/hosts/web-1.yml", "variables: {forward: '4'}\n"),
    ]);
    let value = |groups: &[&str], host: Option<&str>| {
        let site = SiteValues {
            dir: folder.path().join("etc"),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            host: host.map(str::to_owned),
        };
        let options = LoadOptions { site: Some(site), ..LoadOptions::default() };
        let corpus = load_rules(folder.path().join("rules"), &options)?;
        Ok(corpus.variables.get("forward").map(|set| set.text()).unwrap_or_default())
    };
    let text = |result: Result<String, LoadError>| result.unwrap();
    assert_eq!(text(value(&[], None)), "2");
    assert_eq!(text(value(&["web", "none"], None)), "3");
    assert_eq!(text(value(&["web"], Some("web-1"))), "4");
    assert_eq!(value(&["../hosts/web-1"], None).unwrap_err().code(), "unreadable");
}

#[test]
fn an_override_counts_before_rules_are_judged_and_a_misspelt_one_is_reported() {
    let folder = set(&[("a/one.yml", &rule("one", "a"))]);
    let with = |name: &str, strict| LoadOptions {
        overrides: BTreeMap::from([(name.to_owned(), Value::from("0"))]),
        strict,
        ..LoadOptions::default()
    };
    let corpus = load_rules(folder.path(), &with("forward", true)).unwrap();
    assert_eq!(codes(&corpus), [""; 0]);
    let corpus = load_rules(folder.path(), &with("forwrd", false)).unwrap();
    assert_eq!(codes(&corpus), ["undefined-variable", "unused-variable"]);
    assert_eq!(corpus.rules.len(), 1, "the rule stays and ends in an error when it is scanned");
}

#[test]
fn hidden_files_and_mappings_are_no_rules() {
    let folder = set(&[
        ("a/one.yml", &rule("one", "a")),
        ("a/.two.yml", "broken: ["),
        (".git/three.yml", "broken: ["),
        ("mappings/mine.yml", "id: mine\nframework: mine\nsections: {}\n"),
        ("defaults.yml", "variables: {forward: '0'}\n"),
    ]);
    let corpus = load_rules(folder.path(), &LoadOptions { strict: true, ..LoadOptions::default() }).unwrap();
    assert_eq!((ids(&corpus), codes(&corpus)), (vec!["one"], vec![]));
}

/// A mapping of `id` in which both rules answer the control `7`, and one of them `8`.
fn mapping(id: &str) -> String {
    format!(
        "id: {id}\nframework: f\nsections:\n  '7': {{title: T, rules: [one, two]}}\n  '8': {{title: T, rule: one}}\n"
    )
}

#[test]
fn controls_of_frameworks_that_no_rule_cites_come_from_mappings() {
    let cites = |id: &str| rule(id, "a").replace("severity:", "references: {cmmc_l2: ['1']}\nseverity:");
    let files = [
        ("a/one.yml", rule("one", "a")),
        ("a/two.yml", cites("two")),
        ("mappings/cmmc-l2.yaml", mapping("cmmc-l2")),
        ("mappings/own.yml", mapping("own-v1.0")),
        // The rules themselves are the authority for what they can cite.
        ("mappings/nist-800-53-r5.yaml", mapping("nist-800-53-r5")),
        ("mappings/broken.yaml", "id: [".to_owned()),
        ("defaults.yml", "variables: {forward: '0'}\n".to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let folder = set(&files);
    let on_disk = load_rules(folder.path(), &LoadOptions::default()).unwrap();
    assert_eq!(on_disk.diagnostics.len(), 1, "the broken file is named");
    assert!(!on_disk.diagnostics[0].is_error() && on_disk.diagnostics[0].path.ends_with("broken.yaml"));
    let embedded = load_embedded(files, &LoadOptions::default()).unwrap();
    let one = load_rules(folder.path().join("a/one.yml"), &LoadOptions::default()).unwrap();
    for corpus in [&on_disk, &embedded, &one] {
        let refs = crate::frameworks::of_result(&corpus.rules[0], None);
        let controls: Vec<(&str, String)> =
            refs.iter().map(|(key, ids)| (key.as_str(), ids.join(" "))).collect();
        assert_eq!(controls, [("cmmc_l2", "7 8".to_owned()), ("own_v1", "7 8".to_owned())]);
    }
    let second = crate::frameworks::of_result(&on_disk.rules[1], None);
    assert_eq!(second["cmmc_l2"], ["1"], "what a rule cites itself counts");

    let elsewhere = set(&[("x.yaml", &mapping("elsewhere"))]);
    let options = LoadOptions { mappings: Some(elsewhere.path().to_owned()), ..LoadOptions::default() };
    let corpus = load_rules(folder.path(), &options).unwrap();
    assert_eq!(corpus.rules[0].mapped.keys().collect::<Vec<_>>(), ["elsewhere"]);
}

#[test]
fn several_references_to_a_benchmark_are_a_list_or_one_that_holds_the_others() {
    let cites = |text: &str| {
        let rule = rule("one", "a").replace("severity:", &format!("references: {text}\nseverity:"));
        let folder = set(&[("a/one.yml", &rule), ("defaults.yml", "variables: {forward: '0'}\n")]);
        let corpus =
            load_rules(folder.path(), &LoadOptions { strict: true, ..LoadOptions::default() }).unwrap();
        corpus.rules[0].references.clone()
    };
    let list = cites(
        "{cis: {rhel9_v2: [{section: '2'}, {section: '1'}]}, stig: {rhel9_v2r7: [{vuln_id: V-2}, {vuln_id: V-1}]}}",
    );
    let one = cites(
        "{cis: {rhel9_v2: {section: '2', also: [{section: '1'}]}}, stig: {rhel9_v2r7: {vuln_id: V-2, also: [{vuln_id: V-1}]}}}",
    );
    assert_eq!(list, one);
    assert_eq!(list.flatten()["cis_rhel9_v2"], ["2", "1"]);
}

#[test]
fn unknown_rules_are_named_in_strict_mode_only() {
    let text = format!("depends_on: [other]\n{}", rule("one", "a"));
    let folder = set(&[("a/one.yml", &text), ("defaults.yml", "variables: {forward: '0'}\n")]);
    let load = |strict| load_rules(folder.path(), &LoadOptions { strict, ..LoadOptions::default() }).unwrap();
    assert_eq!(codes(&load(false)), [""; 0]);
    assert_eq!(codes(&load(true)), ["unknown-rule"]);
}
