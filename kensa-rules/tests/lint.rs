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
