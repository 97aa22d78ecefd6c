//! Our own rules pass lint, and lint finds what is wrong with others.

// Clippy takes only the test functions themselves for tests.
#![allow(clippy::panic, clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use kensa_rules::lint::{Findings, LintOptions, lint};
use kensa_rules::mappings::load_all_mappings;

fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules")
}

fn look(path: &Path) -> Findings {
    let mappings = load_all_mappings(rules().join("mappings")).unwrap().mappings;
    lint(path, &LintOptions { mappings: Some(&mappings), known_capabilities: None }).unwrap()
}

#[test]
fn our_rules_pass() {
    let findings = look(&rules());
    let text: Vec<String> = findings.diagnostics.iter().map(ToString::to_string).collect();
    assert!(text.is_empty(), "{}", text.join("\n\n"));
    assert!(findings.rules > 600);
}

/// Codes and lines found in a rule with these parts.
fn found(references: &str, platforms: &str, implementation: &str) -> Vec<(&'static str, u32)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kernel/sample.yml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let text = format!(
        "id: sample\ntitle: T\ndescription: D\nrationale: R\nseverity: low\ncategory: kernel\nreferences: {references}\nplatforms: [{platforms}]\nimplementations:\n  - default: true\n    {implementation}\n"
    );
    std::fs::write(&file, text).unwrap();
    look(folder.path()).diagnostics.iter().map(|found| (found.code, found.line)).collect()
}

const RHEL9: &str = "{family: rhel, min_version: 9}";
const FILE: &str = "check: {method: file_exists, path: /etc/a}";

#[test]
fn citations_are_held_against_the_control_lists() {
    let cis = |section: &str, level: &str| {
        format!("{{cis: {{rhel9_v2: {{section: \"{section}\", level: {level}, type: Automated}}}}}}")
    };
    assert_eq!(found(&cis("5.1.20", "L1"), RHEL9, FILE), []);
    assert_eq!(found(&cis("5.1.99", "L1"), RHEL9, FILE), [("unknown-control", 7)]);
    assert_eq!(found(&cis("5.1.20", "L2"), RHEL9, FILE), [("wrong-citation", 7)]);
    assert_eq!(found(&cis("5.1.20", "L1"), "{family: ubuntu}", FILE), [("citation-elsewhere", 7)]);
    let stig = "{stig: {rhel9_v2r7: {vuln_id: V-257777, stig_id: RHEL-09-999999}}}";
    assert_eq!(found(stig, RHEL9, FILE), [("wrong-citation", 7)]);
    assert_eq!(found("{nist_800_53: [AC-6, AC-6]}", RHEL9, FILE), [("duplicate-citation", 7)]);
    assert_eq!(found("{nist_800_53: [AC-99]}", RHEL9, FILE), [("unknown-control", 7)]);
    assert_eq!(found("{nist_800_171: [\"3.1.1[d]\"], pci_dss_4: [\"8.3.6\"]}", RHEL9, FILE), []);
}

#[test]
fn a_remediation_acts_on_what_the_check_reads() {
    let check = "check: {method: config_value, path: /etc/a.conf, key: limit, expected: \"5\"}";
    let with = |step: &str| found("{}", RHEL9, &format!("{check}\n    remediation: {step}"));
    assert_eq!(with("{mechanism: config_set, path: /etc/a.conf, key: limit, value: \"5\"}"), []);
    assert_eq!(
        with("{mechanism: config_set, path: /etc/a.conf, key: burst, value: \"5\"}"),
        [("remediation-elsewhere", 12)]
    );
    assert_eq!(
        with("{mechanism: file_permissions, path: /srv/b, mode: \"0600\"}"),
        [("remediation-elsewhere", 12)]
    );
}

#[test]
fn a_limit_names_the_values_that_switch_it_off() {
    let with = |check: &str| found("{}", RHEL9, &format!("check: {{{check}}}"));
    let deny = "method: config_value, path: /etc/a.conf, key: deny, expected: \"5\", comparator: \"<=\"";
    assert_eq!(with(deny), [("disabling-value", 11)]);
    assert_eq!(with(&format!("{deny}, refuse: [\"0\"]")), []);
    assert_eq!(with(&format!("{deny}, refuse: []")), []);
    assert_eq!(with(&deny.replace("\"5\"", "\"-1\"")), []);
    assert_eq!(with(&deny.replace("<=", ">=")), []);
}

#[test]
fn a_stricter_value_is_not_refused() {
    let with = |check: &str| found("{}", RHEL9, &format!("check: {{{check}}}"));
    let code = [("exact-where-stricter-exists", 11)];
    assert_eq!(with("method: file_permission, path: /etc/a, mode: \"0644\""), code);
    assert_eq!(with("method: file_permission, path: /etc/a, max_mode: \"0644\""), []);
    assert_eq!(with("method: sysctl_value, key: kernel.kptr_restrict, expected: \"1\""), code);
    assert_eq!(
        with("method: sysctl_value, key: kernel.kptr_restrict, expected: \"1\", comparator: \">=\""),
        []
    );
    let mask = "method: config_value, path: /etc/login.defs, key: UMASK, expected: \"027\"";
    assert_eq!(with(mask), code);
    assert_eq!(with(&format!("{mask}, comparator: covers")), []);
}

#[test]
fn rules_that_contradict_each_other_say_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("kernel")).unwrap();
    let write = |id: &str, value: &str, platform: &str, more: &str| {
        let text = format!(
            "id: {id}\ntitle: T\ndescription: D\nrationale: R\nseverity: low\ncategory: kernel\nplatforms: [{platform}]\nreferences: {{}}\nimplementations:\n  - default: true\n    check: {{method: sysctl_value, key: kernel.sysrq, expected: \"{value}\"}}\n    remediation: {{mechanism: sysctl_set, key: kernel.sysrq, value: \"{value}\"}}\n{more}"
        );
        std::fs::write(folder.path().join(format!("kernel/{id}.yml")), text).unwrap();
    };
    let codes = || look(folder.path()).diagnostics.iter().map(|found| found.code).collect::<Vec<_>>();
    write("one", "0", RHEL9, "");
    write("two", "176", RHEL9, "");
    assert_eq!(codes(), ["contradicting-remediations"]);
    write("two", "176", "{family: ubuntu}", "");
    assert_eq!(codes(), Vec::<&str>::new());
    write("two", "176", RHEL9, "conflicts_with: [one]\n");
    assert_eq!(codes(), ["contradicting-remediations", "one-sided-conflict"]);
    write("one", "0", RHEL9, "conflicts_with: [two]\n");
    assert_eq!(codes(), Vec::<&str>::new());
    write("one", "0", RHEL9, "conflicts_with: [two]\ndepends_on: [two]\n");
    write("two", "176", RHEL9, "conflicts_with: [one]\ndepends_on: [one]\n");
    assert!(codes().contains(&"dependency-cycle"), "{:?}", codes());
}

#[test]
fn shell_text_parses_quotes_its_variables_and_ends_both_ways() {
    let with = |run: &str| {
        let check = format!("check: {{method: command, run: {run:?}}}");
        found("{}", RHEL9, &check).into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    assert_eq!(with("if true; then"), ["shell-syntax"]);
    assert_eq!(with("test -e $file"), ["unquoted-variable"]);
    assert_eq!(with("test -e /etc/a || true"), ["cannot-fail"]);
    assert_eq!(with("ps -e | head -1"), ["status-behind-pipe"]);
    assert_eq!(with("test -e /etc/a"), Vec::<&str>::new());
}

#[test]
fn a_gate_names_a_capability_that_is_probed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("kernel")).unwrap();
    let rule = "id: sample\ntitle: T\ndescription: D\nrationale: R\nseverity: low\ncategory: kernel\nreferences: {}\nimplementations:\n  - when: sshd\n    check: {method: file_exists, path: /etc/a}\n";
    std::fs::write(folder.path().join("kernel/sample.yml"), rule).unwrap();
    let codes = |known: &[&str]| {
        let options = LintOptions { mappings: None, known_capabilities: Some(known) };
        let found = lint(folder.path(), &options).unwrap().diagnostics;
        found.iter().map(|found| found.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(&["sshd"]), Vec::<&str>::new());
    assert_eq!(codes(&["ssh"]), ["unknown-capability"]);
}

#[test]
fn a_step_has_its_parameters_and_writes_the_option_that_is_read() {
    let check = "check: {method: sudo_defaults, option: use_pty, expected: \"true\"}";
    let with = |step: &str| {
        let all = found("{}", RHEL9, &format!("{check}\n    remediation: {step}"));
        all.into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    assert_eq!(
        with("{mechanism: file_content, path: /etc/sudoers.d/a, content: Defaults use_pty}"),
        Vec::<&str>::new()
    );
    assert_eq!(
        with("{mechanism: file_content, path: /etc/sudoers.d/a, content: Defaults x}"),
        ["remediation-elsewhere"]
    );
    assert_eq!(with("{mechanism: file_content, path: /etc/sudoers.d/a}"), ["missing-parameter"]);
}

#[test]
fn an_exception_needs_a_reason_and_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("kernel")).unwrap();
    let rule = "id: sample\ntitle: T\ndescription: D\nrationale: R\nseverity: low\ncategory: kernel\nreferences: {nist_800_53: [AC-99]}\nimplementations:\n  - default: true\n    check: {method: file_exists, path: /etc/a}\n";
    std::fs::write(folder.path().join("kernel/sample.yml"), rule).unwrap();
    let codes = |list: &str| {
        std::fs::write(folder.path().join("lint-allow.csv"), format!("rule,code,reason\n{list}")).unwrap();
        let findings = look(folder.path());
        (findings.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), findings.allowed)
    };
    assert_eq!(codes("sample,unknown-control,a draft\n"), (vec![], 1));
    assert_eq!(codes("sample,unknown-control,\n").0, ["unknown-control", "allow-list"]);
    assert_eq!(codes("sample,unknown-control,a draft\nother,cannot-fail,x\n").0, ["allow-list"]);
}
